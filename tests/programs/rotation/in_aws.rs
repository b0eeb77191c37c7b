//! The same with lists in Secrets Manager.

use serde_json::json;
use tempfile::TempDir;

use super::{A, B, orders};
use crate::aws_secrets::{self, Secret};
use crate::http::Ask;
use crate::program::{Program, clean_command};
use crate::selling::{announce, notice, purchase, token};

/// The content of a list with these secrets.
fn webhooks(secrets: &[&str]) -> String {
    json!({ "version": 1, "secrets": secrets }).to_string()
}

fn signing(secret: &str) -> String {
    json!({ "version": 1, "algorithm": "HS256", "secret": secret }).to_string()
}

/// Signs as the service does whose list has this one secret.
fn token_of(secret: &str, scopes: &str) -> String {
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    let ticket = json!({ "version": 1, "keys": [{ "number": 1, "secret": A }] });
    std::fs::write(keys.join("signing.json"), signing(secret)).unwrap();
    std::fs::write(keys.join("ticket.json"), ticket.to_string()).unwrap();
    std::fs::write(keys.join("webhook.json"), webhooks(&[A])).unwrap();
    token(folder.path(), scopes)
}

#[test]
fn lists_in_secrets_manager_are_followed_and_an_outage_leaves_the_keys_before() {
    let ticket = json!({ "version": 1, "keys": [{ "number": 1, "secret": A }] });
    let ticket = Secret::create("ticket", &ticket.to_string());
    let webhook = Secret::create("webhook", &webhooks(&[A]));
    // One secret of AWS may hold several lists, each in a field of its own.
    let all = |list: &str| json!({ "signing": list, "other": "nobody's" }).to_string();
    let signs = Secret::create("signing", &all(&signing(A)));
    let folder = TempDir::new().unwrap();
    let mut command = clean_command("timedeal");
    command.arg("serve").arg("--data-dir").arg(folder.path());
    command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
    command.args(["--log-format", "json", "--keys-reread", "200ms"]);
    command.args(["--signing-keys", &format!("{}#signing", signs.place())]);
    command.args(["--ticket-keys", &ticket.place(), "--webhook-keys", &webhook.place()]);
    aws_secrets::show(&mut command, "only for tests");
    let mut service = Program::start(&mut command);
    service.until_ready();
    let public = service.public();
    let status = |ask: &Ask| ask.send(public).status;

    let old = token_of(A, "shop");
    let deal = announce(public, &token_of(A, "admin"));
    let order = purchase(&old, "first", &deal).send(public).json(200);
    assert_eq!(status(&notice(&[b'b'; 32], &order)), 401);
    webhook.replace(&webhooks(&[A, B]));
    service.until("the new list is in force", |_| status(&notice(&[b'b'; 32], &order)) == 202);
    signs.replace(&all(&signing(B)));
    service.until("the new list is in force", |_| status(&orders(&old)) == 401);
    let new = token_of(B, "shop");
    assert_eq!(status(&orders(&new)), 200);

    for secret in [&signs, &ticket, &webhook] {
        secret.delete();
    }
    for list in ["signing", "ticket", "webhook"] {
        service.until_read(list, "unreadable");
    }
    assert_eq!(status(&orders(&new)), 200);
    assert_eq!(status(&notice(&[b'b'; 32], &order)), 202);
    purchase(&new, "first", &deal).send(public).json(200);
    webhook.restore();
    service.until_read("webhook", "unchanged");
    service.terminate();
    assert_eq!(service.end(), Some(0));
}
