//! One purchase as the README's `curl` makes it: a token from the command line, the open deal from
//! the list, an order with a key of its own; the same order again after a crash.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::service::Place;
use crate::http;

/// The demo deal opens seconds after the start.
const DEAL_OPENS_WITHIN: Duration = Duration::from_secs(60);
/// Well below the limits of the door.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How often a door that has not opened yet is tried, a second apart.
const TRIES: u32 = 5;
/// Any would do; the same one has to lead to the same order.
const KEY: (&str, &str) = ("Idempotency-Key", "end-to-end-1");

/// A purchase that was acknowledged, and so has to outlive every crash.
#[derive(Debug)]
pub(crate) struct Purchase {
    authorization: String,
    request: String,
    order_id: String,
    /// As decided at first.
    pub(crate) status: String,
}

impl Purchase {
    /// Buys one unit of the demo deal.
    pub(crate) fn make(place: &Place) -> Result<Self> {
        let authorization = format!("Bearer {}", token(place)?);
        let deal_id = open_deal(place)?;
        let request = format!("{{\"deal_id\":\"{deal_id}\",\"quantity\":1}}");
        let order = buy(place, &authorization, &request)?;
        let status = text(&order, "status")?;
        ensure!(status == "held" || status == "confirmed", "the demo order is {status}");
        Ok(Self { authorization, request, order_id: text(&order, "order_id")?, status })
    }

    /// Asks for the order by its id, and by its key with the very same request.
    pub(crate) fn is_still_there(&self, place: &Place) -> Result<()> {
        let headers = [("Authorization", self.authorization.as_str())];
        let call = format!("GET /v1/orders/{}", self.order_id);
        let answer = http::send(place.public, &call, &headers, "")?;
        ensure!(answer.status == 200, "the order after the crash: {answer:?}");
        let again = buy(place, &self.authorization, &self.request)?;
        let order_id = text(&again, "order_id")?;
        ensure!(order_id == self.order_id, "the same key led to another order, {order_id}");
        super::say("the order from before the crash is there, and its key leads to it");
        Ok(())
    }
}

fn buy(place: &Place, authorization: &str, request: &str) -> Result<Value> {
    let headers = [("Authorization", authorization), KEY];
    // The door opens a moment after the deal, and says so: a client tries again.
    for _ in 0..TRIES {
        let answer = http::send(place.public, "POST /v1/purchases?wait=20", &headers, request)?;
        if answer.status == 200 {
            return serde_json::from_str(&answer.body).context("reading the order");
        }
        ensure!(answer.body.contains("deal-not-open"), "the purchase: {answer:?}");
        thread::sleep(Duration::from_secs(1));
    }
    bail!("the deal is open, but its door stays closed")
}

fn token(place: &Place) -> Result<String> {
    let output = place.command().arg("token").arg("--data-dir").arg(place.data()).output()?;
    ensure!(output.status.success(), "timedeal token: {}", String::from_utf8_lossy(&output.stderr));
    let tokens = String::from_utf8(output.stdout).context("a token that is not text")?;
    let first = tokens.lines().next().context("timedeal token printed nothing")?;
    Ok(first.trim().to_owned())
}

fn open_deal(place: &Place) -> Result<String> {
    let start = Instant::now();
    loop {
        let answer = http::get(place.public, "/v1/deals?status=open")?;
        ensure!(answer.status == 200, "the list of deals: {answer:?}");
        let list: Value = serde_json::from_str(&answer.body).context("reading the deals")?;
        if let Some(deal) = list["items"].as_array().and_then(|items| items.first()) {
            return text(deal, "deal_id");
        }
        if start.elapsed() > DEAL_OPENS_WITHIN {
            bail!("no deal is open {DEAL_OPENS_WITHIN:?} after the start");
        }
        thread::sleep(ASK_EVERY);
    }
}

fn text(value: &Value, key: &str) -> Result<String> {
    let found = value[key].as_str().with_context(|| format!("no `{key}` in {value}"))?;
    Ok(found.to_owned())
}
