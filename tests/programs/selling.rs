//! What operators and customers do: announce a deal, buy, pay.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway::signature;
use schemas::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::Ask;
use crate::program::{clean_command, run};

/// A token for a new customer, signed with the keys below a data directory.
#[track_caller]
pub(crate) fn token(data_dir: &Path, scopes: &str) -> String {
    let mut command = clean_command("timedeal");
    command.args(["token", "--scope", scopes, "--data-dir"]).arg(data_dir);
    let (said, code) = run(command);
    assert_eq!(code, Some(0), "{said}");
    said.trim().to_owned()
}

/// Announces a deal that is open; its id, once a worker has decided that.
#[track_caller]
pub(crate) fn announce(gateway: SocketAddr, admin: &str) -> Value {
    let ask = Ask::new("PUT /v1/admin/products/lamp/deals/first?wait=30").token(admin);
    ask.json(&open_deal()).send(gateway).json(201)["deal_id"].clone()
}

/// A purchase of one unit.
pub(crate) fn purchase(token: &str, key: &str, deal: &Value) -> Ask {
    let ask = Ask::new("POST /v1/purchases?wait=30").token(token).header("Idempotency-Key", key);
    ask.json(&json!({ "deal_id": deal, "quantity": 1 }))
}

/// A notice that a payment for this order has failed, which changes nothing.
pub(crate) fn notice(secret: &[u8], order: &Value) -> Ask {
    let body = json!({
        "payment_id": Uuid::new_v4().to_string(), "order_id": order["order_id"],
        "result": "failed", "amount": 1_990, "currency": "EUR"
    });
    let body = body.to_string();
    let signed = signature::sign(secret, now_seconds(), body.as_bytes());
    let ask = Ask::new("POST /v1/webhooks/payments").header("Timedeal-Signature", &signed);
    ask.header("Content-Type", "application/json").body(body)
}

pub(crate) fn now_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

/// A deal that has been open for a minute and sells without a payment.
fn open_deal() -> Value {
    let now = Timestamp::from_millis(now_seconds() * 1_000);
    let opened = Timestamp::from_millis(now.as_millis() - 60_000);
    json!({
        "product": { "name": "Lamp", "description": "It shines.", "image_url": null },
        "title": "Lamps for little",
        "price": { "amount": 1_990, "currency": "EUR" },
        "stock": 10_000,
        "limit_per_customer": 1_000,
        "opens_at": opened.to_string(),
        "closes_at": now.plus(Duration::from_secs(3_600)).to_string(),
        "hold_seconds": 0,
    })
}
