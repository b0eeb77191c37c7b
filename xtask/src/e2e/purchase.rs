//! One purchase as the README's `curl` makes it: a token from the command line, the open deal from
//! the list, an order with a key of its own; the same order again after a crash.

use anyhow::{Context, Result, ensure};

use super::service::Place;
use crate::shopper::{Shopper, open_deal, text};

/// Any would do; the same one has to lead to the same order.
const KEY: &str = "end-to-end-1";

/// A purchase that was acknowledged, and so has to outlive every crash.
#[derive(Debug)]
pub(crate) struct Purchase {
    shopper: Shopper,
    deal_id: String,
    order_id: String,
    /// As decided at first.
    pub(crate) status: String,
}

impl Purchase {
    /// Buys one unit of the demo deal.
    pub(crate) fn make(place: &Place) -> Result<Self> {
        let shopper = Shopper::new(place.public, &token(place)?);
        let deal_id = open_deal(place.public, None)?;
        let order = shopper.buy(&deal_id, KEY)?;
        let status = text(&order, "status")?;
        ensure!(status == "held" || status == "confirmed", "the demo order is {status}");
        Ok(Self { shopper, deal_id, order_id: text(&order, "order_id")?, status })
    }

    /// Asks for the order by its id, and by its key with the very same request.
    pub(crate) fn is_still_there(&self) -> Result<()> {
        let answer = self.shopper.call(&format!("GET /v1/orders/{}", self.order_id), &[], "")?;
        ensure!(answer.status == 200, "the order after the crash: {answer:?}");
        let again = self.shopper.buy(&self.deal_id, KEY)?;
        let order_id = text(&again, "order_id")?;
        ensure!(order_id == self.order_id, "the same key led to another order, {order_id}");
        super::say("the order from before the crash is there, and its key leads to it");
        Ok(())
    }
}

fn token(place: &Place) -> Result<String> {
    let output = place.command().arg("token").arg("--data-dir").arg(place.data()).output()?;
    ensure!(output.status.success(), "timedeal token: {}", String::from_utf8_lossy(&output.stderr));
    let tokens = String::from_utf8(output.stdout).context("a token that is not text")?;
    let first = tokens.lines().next().context("timedeal token printed nothing")?;
    Ok(first.trim().to_owned())
}
