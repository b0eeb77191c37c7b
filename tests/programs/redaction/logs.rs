//! A whole service that is given a secret in every way there is, at the finest level of logs.

use std::fs;

use serde_json::json;
use test_servers::Server;

use super::{BASE64, WORDS, check};
use crate::aws_secrets::{self, Secret};
use crate::http::Ask;
use crate::program::Program;
use crate::selling::{announce, notice, purchase};
use crate::shop::Shop;

/// Where the lists of keys of this test are, of which each holds the words.
struct Keys {
    signing: Secret,
    ticket: Secret,
    webhook: Secret,
}

impl Keys {
    fn create() -> Self {
        let signing = json!({ "version": 1, "algorithm": "HS256", "secret": BASE64 }).to_string();
        let ticket = json!({ "version": 1, "keys": [{ "number": 1, "secret": BASE64 }] });
        let webhook = json!({ "version": 1, "secrets": [BASE64] });
        Self {
            signing: Secret::create("signing", &signing),
            ticket: Secret::create("ticket", &ticket.to_string()),
            webhook: Secret::create("webhook", &webhook.to_string()),
        }
    }
}

/// `timedeal serve` at level `trace`, by SCRAM, with its keys in Secrets Manager.
fn serve(shop: &Shop, keys: &Keys) -> Program {
    let scram = Server::KafkaScramUser.address();
    let (user, password) = scram.split_once(':').unwrap();
    let database = shop.path().join("database-url");
    fs::write(&database, shop.database_url()).unwrap();
    let mut command = shop.command("timedeal");
    command.arg("serve").arg("--data-dir").arg(shop.path().join("data"));
    let log_url = format!("kafkas://{}/{}", Server::KafkaScram.address(), shop.name);
    aws_secrets::show(&mut command, WORDS);
    command
        .env("TIMEDEAL_LOG_URL", log_url)
        .env("TIMEDEAL_KAFKA_SASL", "scram-sha-512")
        .env("TIMEDEAL_KAFKA_USER", user)
        .env("TIMEDEAL_KAFKA_PASSWORD", "env:HELD_PASSWORD")
        .env("HELD_PASSWORD", password)
        .env("TIMEDEAL_KAFKA_CA_FILE", Server::CertificateAuthority.address())
        .env("TIMEDEAL_DATABASE_URL", format!("file:{}", database.display()))
        .env("TIMEDEAL_SIGNING_KEYS", keys.signing.place())
        .env("TIMEDEAL_TICKET_KEYS", keys.ticket.place())
        .env("TIMEDEAL_WEBHOOK_KEYS", keys.webhook.place())
        .env("TIMEDEAL_KEYS_REREAD", "1s")
        .env("TIMEDEAL_WORKER_NAME", &shop.name)
        .env("TIMEDEAL_LOG_LEVEL", "trace");
    Program::start(&mut command)
}

#[test]
fn a_service_says_no_secret_at_any_level() {
    let (shop, keys) = (Shop::open("redaction"), Keys::create());
    // The tokens of the test are signed as the service's are.
    let signing = json!({ "version": 1, "algorithm": "HS256", "secret": BASE64 });
    fs::write(shop.key_file("signing.json"), signing.to_string()).unwrap();
    let mut service = serve(&shop, &keys);
    service.until_ready();
    let (public, operators) = (service.public(), service.operators());

    let deal = announce(public, &shop.token("admin"));
    let token = shop.token("shop");
    let order = purchase(&token, "first", &deal).send(public).json(200);
    let account = json!({ "email": "a@b.example", "password": WORDS, "name": "Ann" });
    Ask::new("POST /v1/accounts").json(&account).send(public).json(201);
    let session = json!({ "email": "a@b.example", "password": WORDS });
    Ask::new("POST /v1/sessions").json(&session).send(public).json(200);
    Ask::new("POST /v1/sessions").json(&json!({ "password": WORDS })).send(public).json(400);
    notice(WORDS.as_bytes(), &order).send(public).json(202);
    Ask::new("GET /v1/orders").token(WORDS).send(public).json(401);

    // A list that cannot be taken is warned of, not shown.
    keys.ticket.replace(&format!("{{\"version\":1,\"keys\":\"{WORDS}\"}}"));
    keys.webhook.replace(WORDS);
    for name in ["ticket", "webhook"] {
        service.until_read(name, "refused");
    }
    check(&Ask::new("GET /metrics").send(operators).body);
    check(&Ask::new("GET /partitions").send(operators).body);
    service.terminate();
    assert_eq!(service.end(), Some(0));

    let said = service.said.join("\n");
    assert!(said.contains("\"level\":\"TRACE\""), "the finest level is on");
    check(&said);
    let scram = Server::KafkaScramUser.address();
    let (_, password) = scram.split_once(':').unwrap();
    let signature = token.rsplit('.').next().unwrap();
    for secret in [password, signature] {
        assert!(!said.contains(secret), "{secret}");
    }
}
