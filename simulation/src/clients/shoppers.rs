//! Shoppers: buy, ask, wait, pay, give up, and try again with the same key, here or elsewhere.

use schemas::http::{Order, OrderStatus, ProblemCode};
use serde_json::json;
use uuid::Uuid;

use super::operators::{Offer, look_at, until_done};
use super::payers::{Bill, pay};
use super::{Client, Draft};
use crate::history::{Asked, Said, Told};

/// By then most deals are announced.
const RUSH_FROM_MS: u64 = 500;
/// Longest that a shopper holds out when refusals are a matter of time.
const TRIES_MAX: u32 = 4;
/// How long somebody listens to an order's stream.
const LISTENS_MS: u64 = 60_000;

/// One purchase.
#[derive(Clone, Debug)]
struct Wish {
    offer: Offer,
    key: String,
    quantity: i64,
}

impl Wish {
    fn draft(&self) -> Draft {
        let asked = Asked::Purchase {
            deal: self.offer.deal_id,
            key: self.key.clone(),
            quantity: self.quantity,
        };
        let body = json!({ "deal_id": self.offer.deal_id, "quantity": self.quantity });
        Draft::post(asked, "/v1/purchases").with("idempotency-key", self.key.as_str()).json(&body)
    }
}

/// A session of one shopper: a few purchases, each to its end.
pub(crate) async fn shop(mut client: Client) {
    let rush_ms = client.ground.plan.rush_ms;
    client.universe().sleep_ms(RUSH_FROM_MS).await;
    client.pause_ms(1, rush_ms).await;
    let purchases = client.dice.between(1, 5);
    for number in 0..purchases {
        let deals = client.ground.plan.deals.into();
        let deal = client.dice.below(deals).try_into().expect("there are few deals");
        let offer = Offer::of(client.ground.plan.seed, deal);
        let quantity = if client.dice.one_in(4) { client.dice.between(2, 4) } else { 1 };
        let wish = Wish { offer, key: format!("k{number}"), quantity: quantity.cast_signed() };
        buy(&mut client, &wish).await;
        client.pause_ms(1, rush_ms.max(1_000)).await;
    }
    client.universe().count("shoppers that are done");
}

async fn buy(client: &mut Client, wish: &Wish) {
    let Some(order) = place(client, wish).await else { return };
    if client.dice.one_in(4) {
        let (listener, site) = (client.beside(), client.site);
        client.universe().spawn(site, listen(listener, order.order_id));
    }
    let Some(order) = until_decided(client, order.order_id).await else { return };
    match order.status {
        OrderStatus::Held => settle(client, wish, &order).await,
        OrderStatus::Confirmed if client.dice.one_in(4) => cancel(client, order.order_id).await,
        OrderStatus::Queued
        | OrderStatus::Rejected
        | OrderStatus::Confirmed
        | OrderStatus::Expired
        | OrderStatus::Cancelled => {}
    }
    for _ in 0..client.dice.below(4) {
        client.pause_ms(1, 8_000).await;
        if client.dice.one_in(3) {
            client.go_elsewhere();
        }
        look(client, order.order_id, 0).await;
    }
    if client.dice.one_in(3) {
        // The same again, perhaps by a mistake with another quantity.
        let quantity = wish.quantity + i64::from(client.dice.one_in(4));
        client.go_elsewhere();
        place(client, &Wish { quantity, ..wish.clone() }).await;
    }
    browse(client, wish).await;
}

/// Looks at their orders, or at the deal, or at neither.
async fn browse(client: &mut Client, wish: &Wish) {
    match client.dice.below(8) {
        0..2 => drop(client.ask(Draft::get(Asked::Orders(None), "/v1/orders")).await),
        2 => {
            let status = *client.dice.pick(&OrderStatus::ALL[1..]);
            let path = format!("/v1/orders?status={}", status.as_str());
            client.ask(Draft::get(Asked::Orders(Some(status)), path)).await;
        }
        3 => look_at(client, wish.offer.deal_id).await,
        _ => {}
    }
}

/// Listens to what becomes of an order, until nothing more is to come or for so long; then again,
/// as browsers do.
async fn listen(mut client: Client, order_id: Uuid) {
    let path = format!("/v1/orders/{order_id}/stream");
    let draft = Draft::get(Asked::Stream(order_id), path).patient(LISTENS_MS);
    let told = client.ask(draft.clone()).await;
    client.universe().count("listeners that are done");
    let Some(Told { said: Said::Stream(events), .. }) = told else { return };
    if let Some(last) = events.last().filter(|last| last.is_last) {
        client.go_elsewhere();
        client.pause_ms(1, 3_000).await;
        client.ask(draft.with("last-event-id", format!("{}.last", last.read_offset))).await;
    }
}

/// Sends the purchase until it is in, or refused for good.
async fn place(client: &mut Client, wish: &Wish) -> Option<Order> {
    let (mut refusals, mut was_turned_away) = (0, false);
    loop {
        let wait = if client.dice.one_in(3) { client.dice.between(1, 10) } else { 0 };
        let told = client.ask(wish.draft().waiting(wait)).await;
        match told.as_ref().map(|told| told.status) {
            Some(200 | 202) => {
                if was_turned_away {
                    client.universe().count("purchases taken after they were turned away");
                }
                return told.as_ref().and_then(Told::order).cloned();
            }
            // Nobody knows: with the same key nothing is bought twice.
            None | Some(500..) => {}
            Some(404 | 409) if refusals < TRIES_MAX => refusals += 1,
            Some(_) => return None,
        }
        // Turned away here, they try their luck elsewhere.
        let problem = told.as_ref().and_then(Told::problem);
        let is_turned_away = problem.is_some_and(|it| it.code == ProblemCode::Overloaded);
        was_turned_away |= is_turned_away;
        if is_turned_away || client.dice.one_in(2) {
            client.go_elsewhere();
        }
        client.pause_ms(50, 4_000).await;
    }
}

/// Looks at an order until it is decided; none if it is not this client's.
async fn until_decided(client: &mut Client, order_id: Uuid) -> Option<Order> {
    loop {
        let wait = if client.dice.one_in(2) { client.dice.between(1, 20) } else { 0 };
        let told = look(client, order_id, wait).await;
        match told.as_ref().map(|told| (told.status, told.order())) {
            Some((200, Some(order))) if order.status != OrderStatus::Queued => {
                return Some(order.clone());
            }
            Some((404, _)) => return None,
            Some(_) | None => {}
        }
        if client.dice.one_in(3) {
            client.go_elsewhere();
        }
        client.pause_ms(50, 3_000).await;
    }
}

async fn look(client: &mut Client, order_id: Uuid, wait_seconds: u64) -> Option<Told> {
    let path = format!("/v1/orders/{order_id}");
    client.ask(Draft::get(Asked::Order(order_id), path).waiting(wait_seconds)).await
}

/// Pays for a held order, gives it up, both at once or neither.
async fn settle(client: &mut Client, wish: &Wish, order: &Order) {
    let order_id = order.order_id;
    if client.dice.one_in(3) {
        // Long enough for some holds to run out meanwhile.
        client.pause_ms(100, 45_000).await;
    }
    // The price that it was sold for: a deal may have been announced again.
    let total = order.total.map_or(wish.offer.price * wish.quantity, |total| total.amount);
    let bill = Bill { order_id, amount: total };
    match client.dice.below(8) {
        0 => {}
        1 => cancel(client, order_id).await,
        2 => {
            cancel(client, order_id).await;
            pay(client, bill).await;
        }
        _ => {
            pay(client, bill).await;
            if client.dice.one_in(5) {
                cancel(client, order_id).await;
            }
        }
    }
}

async fn cancel(client: &mut Client, order_id: Uuid) {
    loop {
        let path = format!("/v1/orders/{order_id}/cancellation");
        let told = client.ask(Draft::post(Asked::Command, path)).await;
        if let Some(told) = told.filter(|told| told.status < 500) {
            if let Said::Command(queued) = told.said
                && client.dice.one_in(3)
            {
                until_done(client, queued.command_id).await;
            }
            return;
        }
        client.go_elsewhere();
        client.pause_ms(100, 3_000).await;
    }
}

/// Looks at orders as anybody may who answers for them, at every gateway, until each was shown.
pub(crate) async fn verify(mut client: Client, orders: Vec<Uuid>) {
    for order_id in orders {
        for gateway in 0..client.ground.plan.gateways {
            client.go_to(crate::plan::GATEWAYS + gateway);
            loop {
                let told = look(&mut client, order_id, 0).await;
                let status = told.as_ref().and_then(Told::order).map(|order| order.status);
                if status.is_some_and(|status| status != OrderStatus::Queued)
                    || told.is_some_and(|told| told.status == 404)
                {
                    break;
                }
                client.pause_ms(50, 500).await;
            }
        }
    }
    client.universe().count("verifiers that are done");
}
