//! A customer with a token: finds an open deal and buys one unit of it, as the README's `curl`
//! does.
//!
//! Knows the service by its HTTP interface only.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::http::{self, Answer};

/// A deal opens seconds after it was announced.
const DEAL_OPENS_WITHIN: Duration = Duration::from_secs(60);
/// Longer than any partition may be without an owner.
const DECIDED_WITHIN: Duration = Duration::from_secs(120);
/// Well below the limits of the door.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Who buys, and where.
#[derive(Debug)]
pub(crate) struct Shopper {
    gateway: SocketAddr,
    authorization: String,
}

impl Shopper {
    /// Whom the token names.
    pub(crate) fn new(gateway: SocketAddr, token: &str) -> Self {
        Self { gateway, authorization: format!("Bearer {token}") }
    }

    /// A call with the token; `call` is method and target.
    pub(crate) fn call(&self, call: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        let mut all = vec![("Authorization", self.authorization.as_str())];
        all.extend(headers);
        http::send(self.gateway, call, &all, body)
    }

    /// Buys one unit and waits until that is decided. Sends the same request again as often as that
    /// takes, as any client may.
    pub(crate) fn buy(&self, deal_id: &str, key: &str) -> Result<Value> {
        let request = format!("{{\"deal_id\":\"{deal_id}\",\"quantity\":1}}");
        let start = Instant::now();
        while start.elapsed() < DECIDED_WITHIN {
            let headers = [("Idempotency-Key", key)];
            let answer = self.call("POST /v1/purchases?wait=20", &headers, &request)?;
            match answer.status {
                200 => return serde_json::from_str(&answer.body).context("reading the order"),
                202 | 503 => {}
                // The door opens a moment after the deal, and says so.
                _ => ensure!(answer.body.contains("deal-not-open"), "the purchase: {answer:?}"),
            }
            thread::sleep(ASK_EVERY);
        }
        bail!("the purchase was not decided within {DECIDED_WITHIN:?}")
    }
}

/// The first deal that is open, of this product or of any, once there is one.
pub(crate) fn open_deal(gateway: SocketAddr, product: Option<&str>) -> Result<String> {
    let start = Instant::now();
    loop {
        let answer = http::get(gateway, "/v1/deals?status=open")?;
        ensure!(answer.status == 200, "the list of deals: {answer:?}");
        let list: Value = serde_json::from_str(&answer.body).context("reading the deals")?;
        let is_meant = |deal: &&Value| product.is_none_or(|it| deal["product_id"] == *it);
        let items = list["items"].as_array();
        if let Some(deal) = items.and_then(|items| items.iter().find(is_meant)) {
            return text(deal, "deal_id");
        }
        if start.elapsed() > DEAL_OPENS_WITHIN {
            bail!("no deal is open after {DEAL_OPENS_WITHIN:?}");
        }
        thread::sleep(ASK_EVERY);
    }
}

/// A text of an answer.
pub(crate) fn text(value: &Value, key: &str) -> Result<String> {
    let found = value[key].as_str().with_context(|| format!("no `{key}` in {value}"))?;
    Ok(found.to_owned())
}
