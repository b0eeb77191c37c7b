//! Operators: announce the deals, some again; change, pause and close them in mid-sale. Must not
//! know what a deal looks like to anybody else.

use http::Method;
use platform::clock::Clock;
use schemas::http::CommandStatus;
use schemas::{DealId, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, Draft};
use crate::dice::{Dice, mix};
use crate::faults::Site;
use crate::history::{Asked, Said, Told};
use crate::universe::START_MS;

/// Some deals stay open while hours go by.
const LONG_MS: i64 = 12 * 3_600_000;
/// How often an operator asks at most what became of a command.
const TICKET_TRIES_MAX: u32 = 8;

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
        let closes_at = if dice.one_in(4) { closes_at + LONG_MS } else { closes_at };
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

    /// The same deal with other terms.
    fn changed(&self, dice: &mut Dice) -> Value {
        let mut terms = self.terms.clone();
        match dice.below(4) {
            0 => terms["title"] = json!("Lamps for less"),
            1 => terms["limit_per_customer"] = json!(dice.between(1, 4)),
            2 => terms["price"]["amount"] = json!(self.price + 1),
            _ => terms["stock"] = json!(dice.scattered(1, 50)),
        }
        terms
    }
}

fn deal_key(number: Site) -> String {
    format!("deal-{number}")
}

/// Announces a deal, then changes it now and then.
pub(crate) async fn operate(mut client: Client, number: Site) {
    let offer = Offer::of(client.ground.plan.seed, number);
    let announce = |terms: &Value| {
        Draft::new(Asked::Command, Method::PUT, offer.path(number)).json(terms).waiting(5)
    };
    order(&mut client, announce(&offer.terms)).await;
    if client.dice.one_in(3) {
        // Some deals are not open yet, and begin anew.
        let terms = offer.changed(&mut client.dice);
        order(&mut client, announce(&terms)).await;
    }
    let changes = client.dice.below(6);
    for change in 0..changes {
        client.pause_ms(200, 40_000).await;
        let draft = match client.dice.below(8) {
            0 => announce(&offer.terms),
            1 => announce(&offer.changed(&mut client.dice)),
            _ => draft(&mut client, &offer, change),
        };
        order(&mut client, draft).await;
        if client.dice.one_in(2) {
            look_at(&mut client, offer.deal_id).await;
        }
    }
    client.universe().count("operators that are done");
}

fn draft(client: &mut Client, offer: &Offer, change: u64) -> Draft {
    let address = format!("/v1/admin/deals/{}", offer.deal_id.0);
    let post = |action: &str| Draft::post(Asked::Command, format!("{address}/{action}"));
    let draft = match client.dice.below(12) {
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
    };
    let wait = if client.dice.one_in(3) { client.dice.between(1, 5) } else { 0 };
    draft.waiting(wait)
}

/// Looks at a deal as anybody may.
pub(super) async fn look_at(client: &mut Client, deal: DealId) {
    client.ask(Draft::get(Asked::Deal(deal), format!("/v1/deals/{}", deal.0))).await;
}

/// Gives an order, and perhaps asks what became of it.
async fn order(client: &mut Client, draft: Draft) {
    let told = insist(client, draft).await;
    let Said::Command(queued) = told.said else { return };
    if client.dice.one_in(2) {
        until_done(client, queued.command_id).await;
    }
}

/// Asks what became of a command until it is known, at one gateway or another.
pub(super) async fn until_done(client: &mut Client, command_id: Uuid) {
    for _ in 0..TICKET_TRIES_MAX {
        let wait = if client.dice.one_in(2) { client.dice.between(1, 10) } else { 0 };
        let draft = Draft::get(Asked::Ticket(command_id), format!("/v1/commands/{command_id}"));
        let told = client.ask(draft.waiting(wait)).await;
        if let Some(Told { said: Said::Command(answer), .. }) = told
            && answer.status != CommandStatus::Queued
        {
            return;
        }
        client.go_elsewhere();
        client.pause_ms(50, 2_000).await;
    }
}

/// Tries until it is told something that is no matter of time.
pub(super) async fn insist(client: &mut Client, draft: Draft) -> Told {
    loop {
        if let Some(told) = client.ask(draft.clone()).await
            && (told.status < 500 && told.status != 404)
        {
            return told;
        }
        client.go_elsewhere();
        client.pause_ms(100, 2_000).await;
    }
}
