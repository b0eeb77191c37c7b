//! Keys that are exchanged under a service that goes on: by their files, and in Secrets Manager.

#[cfg(feature = "cloud")]
mod in_aws;

use std::fs;
use std::net::SocketAddr;

use gateway::ticket::Tickets;
use platform::secrets::KeyRing;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Ask;
use crate::program::{Program, clean_command};
use crate::selling::{announce, notice, purchase, token};

const ED25519: &str = include_str!("../../gateway/src/auth/oidc/tests/test-keys/ed25519.pem");
/// Secrets of 32 bytes of one letter, as base64.
const A: &str = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
const B: &str = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=";

/// `timedeal serve` on one machine, whose lists of keys are files.
struct Service {
    folder: TempDir,
    program: Program,
    public: SocketAddr,
    deal: Value,
}

impl Service {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = clean_command("timedeal");
        command.arg("serve").arg("--data-dir").arg(folder.path());
        command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
        command.args(["--log-format", "json", "--keys-reread", "100ms"]);
        let mut program = Program::start(&mut command);
        program.until_ready();
        let public = program.public();
        let deal = announce(public, &token(folder.path(), "admin"));
        Self { folder, program, public, deal }
    }

    fn token(&self) -> String {
        token(self.folder.path(), "shop")
    }

    #[track_caller]
    fn buy(&self, token: &str, key: &str) -> Value {
        purchase(token, key, &self.deal).send(self.public).json(200)
    }

    fn status(&self, ask: &Ask) -> u16 {
        ask.send(self.public).status
    }

    fn write(&self, file: &str, content: &str) {
        // Whole or not at all, as whoever exchanges keys has to do it.
        let keys = self.folder.path().join("keys");
        let draft = keys.join("draft");
        fs::write(&draft, content).unwrap();
        fs::rename(draft, keys.join(file)).unwrap();
    }

    fn read(&self, file: &str) -> Value {
        let path = self.folder.path().join("keys").join(file);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Replaces a list and waits until it is in force.
    #[track_caller]
    fn take(&mut self, list: &str, content: &Value) {
        let before = self.program.metric(&reads(list, "changed"));
        self.write(&format!("{list}.json"), &content.to_string());
        let series = reads(list, "changed");
        self.program.until(&series, |program| program.metric(&series) > before);
    }
}

fn reads(list: &str, outcome: &str) -> String {
    format!("timedeal_secret_reads_total{{secret=\"{list}\",outcome=\"{outcome}\"}}")
}

fn orders(token: &str) -> Ask {
    Ask::new("GET /v1/orders").token(token)
}

/// A new session's token, signed by the service itself.
#[track_caller]
fn session(gateway: SocketAddr, email: &str) -> String {
    let account = json!({ "email": email, "password": "correct horse", "name": "Ann" });
    Ask::new("POST /v1/accounts").json(&account).send(gateway).json(201);
    let session = json!({ "email": email, "password": "correct horse" });
    let session = Ask::new("POST /v1/sessions").json(&session).send(gateway).json(200);
    session["access_token"].as_str().unwrap().to_owned()
}

/// The key that a token names.
fn kid(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).unwrap().kid
}

/// The key that made an order's id.
fn ticket_key(ring: &Value, order: &Value) -> u16 {
    let ring = KeyRing::read(ring.to_string().as_bytes(), None).unwrap();
    let id: uuid::Uuid = serde_json::from_value(order["order_id"].clone()).unwrap();
    Tickets::new(ring).read_order(id, None).unwrap().key
}

#[test]
fn tokens_follow_the_signing_list() {
    let mut service = Service::start();
    let old = service.token();
    assert_eq!(service.status(&orders(&old)), 200);
    let secret = service.read("signing.json")["secret"].clone();
    let first = json!({ "kid": "first", "algorithm": "HS256", "secret": secret });
    let second = json!({ "kid": "second", "algorithm": "EdDSA", "private_key": ED25519 });
    // The new key is known everywhere before it signs.
    let list = json!({ "version": 2, "keys": [first, second], "signs": "first" });
    service.take("signing", &list);
    let by_first = session(service.public, "a@b.example");
    assert_eq!(kid(&by_first).as_deref(), Some("first"));
    service.take("signing", &json!({ "version": 2, "keys": [first, second] }));
    let by_second = session(service.public, "c@d.example");
    assert_eq!(kid(&by_second).as_deref(), Some("second"));
    for token in [&old, &by_first, &by_second] {
        assert_eq!(service.status(&orders(token)), 200);
    }
    // What a key signed goes with it, also what was verified before.
    service.take("signing", &json!({ "version": 2, "keys": [second] }));
    for (token, status) in [(&old, 401), (&by_first, 401), (&by_second, 200)] {
        assert_eq!(service.status(&orders(token)), status);
    }
}

#[test]
fn order_ids_follow_the_ticket_list() {
    let mut service = Service::start();
    let token = service.token();
    let first = service.buy(&token, "first");
    let one = service.read("ticket.json")["keys"][0].clone();
    let keys = json!([one, { "number": 2, "secret": B }]);
    // Accepted by every gateway before it makes ids.
    service.take("ticket", &json!({ "version": 1, "keys": keys, "issues": 1 }));
    let second = service.buy(&token, "second");
    let both = json!({ "version": 1, "keys": keys });
    service.take("ticket", &both);
    let third = service.buy(&token, "third");
    for (order, key) in [(&first, 1), (&second, 1), (&third, 2)] {
        assert_eq!(ticket_key(&both, order), key);
        let id = order["order_id"].as_str().unwrap();
        let found = Ask::new(format!("GET /v1/orders/{id}")).token(&token).send(service.public);
        assert_eq!(found.json(200)["status"], "confirmed");
    }
    // The same purchase again is the same order, by the id that it was told.
    assert_eq!(service.buy(&token, "first")["order_id"], first["order_id"]);
}

#[test]
fn payment_notices_follow_the_webhook_list() {
    let mut service = Service::start();
    let order = service.buy(&service.token(), "first");
    let statuses =
        |service: &Service| [b'a', b'b'].map(|byte| service.status(&notice(&[byte; 32], &order)));
    assert_eq!(statuses(&service), [401, 401]);
    service.take("webhook", &json!({ "version": 1, "secrets": [A] }));
    assert_eq!(statuses(&service), [202, 401]);
    service.take("webhook", &json!({ "version": 1, "secrets": [A, B] }));
    assert_eq!(statuses(&service), [202, 202]);
    service.take("webhook", &json!({ "version": 1, "secrets": [B] }));
    assert_eq!(statuses(&service), [401, 202]);
}

#[test]
fn a_list_that_is_broken_or_gone_leaves_the_keys_before_and_is_reported() {
    let mut service = Service::start();
    let token = service.token();
    service.take("webhook", &json!({ "version": 1, "secrets": [A] }));
    let order = service.buy(&token, "first");
    let good = ["signing", "ticket", "webhook"].map(|list| {
        let file = format!("{list}.json");
        (list, service.read(&file), file)
    });
    for (list, _, file) in &good {
        service.write(file, "{\"version\":1,");
        service.program.until_read(list, "refused");
    }
    // A numbered key is never taken out, nor exchanged under its number.
    let swapped = json!({ "version": 1, "keys": [{ "number": 1, "secret": B }] });
    service.write("ticket.json", &swapped.to_string());
    service.program.until("a second warning", |program| {
        let changed = |line: &&String| line.contains("key number 1 is another key than before");
        program.said.iter().filter(changed).count() == 1
    });
    fs::remove_file(service.folder.path().join("keys/webhook.json")).unwrap();
    service.program.until_read("webhook", "unreadable");
    for (list, _, _) in &good {
        let warned = service.program.said.iter().any(|line| {
            line.contains(&format!("\"secret\":\"{list}\"")) && line.contains("stays in force")
        });
        assert!(warned, "{list}");
    }

    assert_eq!(service.status(&orders(&token)), 200);
    assert_eq!(service.buy(&token, "first")["order_id"], order["order_id"]);
    service.buy(&token, "second");
    assert_eq!(service.status(&notice(&[b'a'; 32], &order)), 202);
    for (list, content, file) in &good {
        service.write(file, &content.to_string());
        service.program.until_read(list, "unchanged");
    }
}
