//! The keys of a data directory, replaced while a gateway would be serving.

use std::fs;
use std::path::Path;
use std::time::Duration;

use platform::secrets::{DataDirKeys, SecretOutcome, SecretReader};
use schemas::{CustomerId, Position};
use serde_json::{Value, json};
use uuid::Uuid;

use super::KeyWatches;
use crate::auth::{LocalVerifier, Scopes, TokenIssuer, TokenRequest, VerifyToken};
use crate::signature;

const NOW: i64 = 1_800_000_000;
/// 32 bytes of 0x62, as base64.
const NEW: &str = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=";

async fn open(data_dir: &Path) -> KeyWatches {
    let sources = DataDirKeys::sources(data_dir);
    let reader = SecretReader::of_process();
    KeyWatches::open(&sources, &reader, Duration::from_secs(30)).await.unwrap()
}

/// Changes a key file as an operator would.
fn edit(data_dir: &Path, file: &str, change: impl FnOnce(&mut Value)) {
    let path = data_dir.join("keys").join(file);
    let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut json);
    fs::write(&path, json.to_string()).unwrap();
}

#[tokio::test]
async fn keys_that_are_replaced_in_their_files_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    DataDirKeys::load_or_create(dir.path()).unwrap();
    let mut watches = open(dir.path()).await;
    let keys = watches.keys();
    let issuer = TokenIssuer::new(keys.tokens.clone());
    let verifier = LocalVerifier::new(keys.tokens.clone());
    let issue = || {
        let (subject, ttl) = (Uuid::from_u128(7), Duration::from_secs(600));
        let scopes = Scopes::default();
        issuer.issue(&TokenRequest { subject, scopes, now_seconds: NOW, ttl })
    };
    let position = Position { partition: 1, offset: 7 };
    let customer = CustomerId(Uuid::from_u128(7));
    let order = |key| keys.tickets.load().order_id(3, position, key, customer);
    let (old_token, old_order) = (issue(), order(1));
    assert_eq!(watches.step().await, [SecretOutcome::Unchanged; 3]);

    edit(dir.path(), "signing.json", |file| {
        let new = json!({ "kid": "new", "algorithm": "HS256", "secret": NEW });
        *file = json!({ "version": 2, "keys": [new] });
    });
    edit(dir.path(), "ticket.json", |file| {
        file["keys"].as_array_mut().unwrap().push(json!({ "number": 2, "secret": NEW }));
    });
    edit(dir.path(), "webhook.json", |file| file["secrets"] = json!([NEW]));
    assert_eq!(watches.step().await, [SecretOutcome::Changed; 3]);

    assert!(verifier.verify(&issue(), NOW).is_ok());
    assert!(verifier.verify(&old_token, NOW).is_err());
    assert_eq!(keys.tickets.load().issuing(), 2);
    for (id, key) in [(old_order, 1), (order(2), 2)] {
        let ticket = keys.tickets.load().read_order(id, Some(customer)).unwrap();
        assert_eq!((ticket.position, ticket.key), (position, key));
    }
    let webhooks = keys.webhooks.load();
    let secrets: Vec<&[u8]> = webhooks.iter().map(|it| it.expose().as_slice()).collect();
    let header = signature::sign(&[b'b'; 32], NOW, b"{}");
    assert_eq!(signature::verify(&secrets, &header, b"{}", NOW), Ok(()));
}

#[tokio::test]
async fn ticket_keys_that_were_lost_or_changed_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    DataDirKeys::load_or_create(dir.path()).unwrap();
    let mut watches = open(dir.path()).await;
    let keys = watches.keys();
    let position = Position { partition: 1, offset: 7 };
    let customer = CustomerId(Uuid::from_u128(7));
    let order = keys.tickets.load().order_id(3, position, 1, customer);
    for number in [1, 2] {
        edit(dir.path(), "ticket.json", |file| {
            file["keys"] = json!([{ "number": number, "secret": NEW }]);
        });
        assert_eq!(watches.step().await[0], SecretOutcome::Refused);
        assert!(keys.tickets.load().read_order(order, Some(customer)).is_some());
    }
}
