//! Payments for one order, as a provider tells of them: right and wrong, early and late, again and
//! in another order.

use gateway::signature;
use platform::clock::Clock;
use serde_json::json;
use uuid::Uuid;

use super::{Client, Draft};
use crate::history::Asked;
use crate::roles::gateways::WEBHOOK_SECRET;

/// What is paid for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bill {
    pub(crate) order_id: Uuid,
    pub(crate) amount: i64,
}

/// Tells of one payment, or of several.
pub(crate) async fn pay(client: &mut Client, bill: Bill) {
    let payment = format!("payment-{}", client.site);
    if client.dice.one_in(4) {
        notify(client, bill, (&payment, "failed")).await;
        client.pause_ms(1, 3_000).await;
    }
    if client.dice.one_in(8) {
        let wrong = Bill { amount: bill.amount + 1, ..bill };
        notify(client, wrong, (&format!("{payment}-wrong"), "succeeded")).await;
    }
    notify(client, bill, (&payment, "succeeded")).await;
    if client.dice.one_in(4) {
        client.pause_ms(1, 5_000).await;
        notify(client, bill, (&payment, "succeeded")).await;
    }
    if client.dice.one_in(6) {
        notify(client, bill, (&format!("{payment}-again"), "succeeded")).await;
    }
    if client.dice.one_in(6) {
        client.pause_ms(100, 20_000).await;
        notify(client, bill, (&payment, "refunded")).await;
    }
}

/// Tells of it until it is taken: a provider does.
async fn notify(client: &mut Client, bill: Bill, (payment, result): (&str, &str)) {
    loop {
        let body = json!({
            "payment_id": payment,
            "order_id": bill.order_id,
            "result": result,
            "amount": bill.amount,
            "currency": "EUR",
        });
        let now_seconds = client.universe().clock.now_millis() / 1_000;
        let signed = signature::sign(WEBHOOK_SECRET, now_seconds, body.to_string().as_bytes());
        let draft = Draft::post(Asked::Command, "/v1/webhooks/payments").json(&body);
        let told = client.ask(draft.with("timedeal-signature", signed)).await;
        // A gateway whose clock is wrong takes the signature for old.
        if told.is_some_and(|told| told.status < 500 && told.status != 401) {
            return;
        }
        client.go_elsewhere();
        client.pause_ms(100, 2_000).await;
    }
}
