//! Operators: announce the deals, and change, pause and close them in mid-sale.

use http::Method;
use platform::clock::Clock;
use schemas::{DealId, Timestamp};
use serde_json::{Value, json};

use super::{Client, Draft};
use crate::dice::{Dice, mix};
use crate::faults::Site;
use crate::history::Asked;
use crate::universe::START_MS;

/// What is known of a deal before it is announced.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) product: String,
    pub(crate) deal_id: DealId,
    pub(crate) price: i64,
    terms: Value,
}

impl Offer {
    /// The deal of this number in the world of a seed.
    pub(crate) fn of(seed: u64, number: Site) -> Self {
        let mut dice = Dice::new(mix(&[seed, 7, number.into()]));
        let product = format!("sku-{}", dice.below(1_000));
        let product_id = product.parse().expect("a name");
        let deal_id = DealId::of(&product_id, &deal_key(number).parse().expect("a name"));
        let price = 100 + dice.below(900).cast_signed();
        let opens_at = START_MS + dice.between(0, 20_000).cast_signed() - 15_000;
        let closes_at = opens_at + 10_000 + dice.scattered(20_000, 200_000).cast_signed();
        let hold = if dice.one_in(3) { 0 } else { dice.between(2, 40) };
        let terms = json!({
            "product": { "name": "Lamp", "description": "It shines.", "image_url": null },
            "title": "Lamps for little",
            "price": { "amount": price, "currency": "EUR" },
            "stock": dice.scattered(1, 50),
            "limit_per_customer": dice.between(1, 3),
            "opens_at": Timestamp::from_millis(opens_at).to_string(),
            "closes_at": Timestamp::from_millis(closes_at).to_string(),
            "hold_seconds": hold,
        });
        Self { product, deal_id, price, terms }
    }

    fn path(&self, number: Site) -> String {
        format!("/v1/admin/products/{}/deals/{}", self.product, deal_key(number))
    }
}

fn deal_key(number: Site) -> String {
    format!("deal-{number}")
}

/// Announces a deal, then changes it now and then.
pub(crate) async fn operate(mut client: Client, number: Site) {
    let offer = Offer::of(client.ground.plan.seed, number);
    let announcement = Draft::new(Asked::Other, Method::PUT, offer.path(number)).json(&offer.terms);
    insist(&mut client, announcement.waiting(5)).await;
    let changes = client.dice.below(6);
    for change in 0..changes {
        client.pause_ms(200, 40_000).await;
        let draft = draft(&mut client, &offer, change);
        insist(&mut client, draft).await;
    }
    client.universe().count("operators that are done");
}

fn draft(client: &mut Client, offer: &Offer, change: u64) -> Draft {
    let address = format!("/v1/admin/deals/{}", offer.deal_id.0);
    let post = |action: &str| Draft::post(Asked::Other, format!("{address}/{action}"));
    match client.dice.below(12) {
        0..4 => {
            let delta = client.dice.between(0, 8).cast_signed() - 3;
            let delta = if delta == 0 { 5 } else { delta };
            let body = json!({ "delta": delta, "reason_code": "found" });
            post("stock-adjustments").with("idempotency-key", format!("a{change}")).json(&body)
        }
        4..6 => post("pause"),
        6..9 => post("resume"),
        9..11 => {
            let now_ms = client.universe().clock.now_millis();
            let later = now_ms + client.dice.scattered(1_000, 90_000).cast_signed();
            post("schedule")
                .json(&json!({ "closes_at": Timestamp::from_millis(later).to_string() }))
        }
        _ => post("closure"),
    }
}

/// Tries until it is told something that is no matter of time.
async fn insist(client: &mut Client, draft: Draft) {
    loop {
        if let Some(told) = client.ask(draft.clone()).await
            && (told.status < 500 && told.status != 404)
        {
            return;
        }
        client.go_elsewhere();
        client.pause_ms(100, 2_000).await;
    }
}
