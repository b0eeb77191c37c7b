//! How much memory an order takes in a view: the aim is at most 200 bytes, its key included.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;

use gateway::view::{Touched, View};
use schemas::log::{Decision, Event, FilterState, OrderHeld, OrderPaid};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Timestamp};
use uuid::Uuid;

/// Just beyond what a table of 2^19 places takes, so that the table of keys is as empty as it gets.
const ORDERS: u64 = 460_000;
const PAGE_BYTES: u64 = 4_096;

/// Resident memory of this process; none where the system does not say.
fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE_BYTES)
}

fn price() -> Money {
    Money { amount: 1_990, currency: "EUR".parse().unwrap() }
}

fn held(deal_id: DealId, offset: u64) -> Event {
    Event::OrderHeld(OrderHeld {
        deal_id,
        customer: CustomerId(Uuid::from_u128(u128::from(offset))),
        key: Digest::of("test", &[&offset.to_be_bytes()]),
        fingerprint: Fingerprint(offset),
        quantity: 1,
        unit_price: price(),
        ticket_key: 1,
        purchased_at: Timestamp::from_millis(1),
        client_reference: None,
        expires_at: Timestamp::from_millis(9),
        stock_left: 5,
        held: 0,
    })
}

fn paid(deal_id: DealId, order: u64) -> Event {
    let (payment, money) = (Digest(u128::from(order)), price());
    Event::OrderPaid(OrderPaid { deal_id, order, payment, money, stock_left: 5, held: 0 })
}

fn announced() -> (DealId, Event) {
    let (product_id, deal_key) = ("sku".parse().unwrap(), "first".parse().unwrap());
    let deal_id = DealId::of(&product_id, &deal_key);
    let text = r#"{"product":{"name":"n","description":"d"},"title":"t","stock":5,
        "price":{"amount":1990,"currency":"EUR"},"limit_per_customer":1,"opens_at":0,
        "closes_at":1,"hold_seconds":0}"#;
    let terms = serde_json::from_str(text).unwrap();
    let event = schemas::log::DealAnnounced { deal_id, product_id, deal_key, terms };
    (deal_id, Event::DealAnnounced(event))
}

#[test]
fn an_order_takes_at_most_two_hundred_bytes() {
    // Held and then paid: what is known of an order in the end takes no more than in the beginning.
    let mut view = View::seed(1, 0, FilterState::default(), Vec::new());
    let mut touched = Touched::default();
    let mut apply = |view: &mut View, offset: u64, events: Vec<Event>| {
        let log_time = Timestamp::from_millis(5);
        view.apply(&Decision { offset, after: offset, log_time, events }, &mut touched);
        touched.offsets.clear();
    };
    let (deal_id, announced) = announced();
    apply(&mut view, 1, vec![announced]);
    let Some(before) = resident_bytes() else { return };
    for offset in 2..ORDERS + 2 {
        apply(&mut view, offset, vec![held(deal_id, offset), paid(deal_id, offset)]);
    }
    let bytes_each = resident_bytes().unwrap().saturating_sub(before) / ORDERS;
    println!("{bytes_each} bytes for each of {ORDERS} orders");
    assert!((100..=200).contains(&bytes_each), "{bytes_each} bytes for each order");
    // The announcement is one more.
    assert_eq!(view.load(), usize::try_from(ORDERS + 1).unwrap());
}
