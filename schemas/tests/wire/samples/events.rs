//! Samples of events.

use schemas::log::{
    CommandRefused, CommandRepeated, DealAnnounced, DealClosed, DealPaused, DealRescheduled,
    DealResumed, DealRetired, Event, OrderCancelled, OrderConfirmed, OrderExpired, OrderHeld,
    OrderPaid, OrderRejected, OrderRepeated, PaymentFailed, PaymentMismatch, RefundDue,
    RefundSettled, RefusalCode, StockAdjusted, Unreadable,
};

use super::commands::terms;
use super::{customer, deal_id, fingerprint, key, money, payment, reason, reference, time};

/// Every event; those with optional fields twice, refusals once for every code.
pub(super) fn all() -> Vec<Event> {
    let mut all = deals();
    all.extend(purchases(true));
    all.extend(purchases(false));
    all.extend(orders());
    all.extend(payments());
    all.extend(RefusalCode::ALL.map(|code| Event::CommandRefused(CommandRefused { code })));
    all.push(Event::CommandRepeated(CommandRepeated { first: 700 }));
    all.push(Event::Unreadable(Unreadable {}));
    all
}

fn deals() -> Vec<Event> {
    let deal_id = deal_id();
    let announced = |image_url| {
        Event::DealAnnounced(DealAnnounced {
            deal_id,
            product_id: "sku-1".parse().unwrap(),
            deal_key: "summer-2026".parse().unwrap(),
            terms: terms(image_url),
        })
    };
    vec![
        announced(Some("https://shop.example/kettle.jpg")),
        announced(None),
        Event::StockAdjusted(StockAdjusted {
            deal_id,
            key: key(),
            fingerprint: fingerprint(),
            delta: -5,
            reason_code: reason(),
            stock_left: 995,
        }),
        Event::DealPaused(DealPaused { deal_id }),
        Event::DealResumed(DealResumed { deal_id }),
        Event::DealRescheduled(DealRescheduled {
            deal_id,
            opens_at: time(1_700_000_200_000),
            closes_at: time(1_700_007_200_000),
        }),
        Event::DealClosed(DealClosed { deal_id }),
        Event::DealRetired(DealRetired { deal_id }),
    ]
}

/// The outcomes of a purchase, with their optional fields or without.
fn purchases(whole: bool) -> Vec<Event> {
    let (deal_id, customer, key, fingerprint) = (deal_id(), customer(), key(), fingerprint());
    let (ticket_key, purchased_at) = (2, time(1_700_000_000_000));
    let (quantity, unit_price) = (2, money(1990));
    let client_reference = whole.then(reference);
    vec![
        Event::OrderHeld(OrderHeld {
            deal_id,
            customer,
            key,
            fingerprint,
            quantity,
            unit_price,
            ticket_key,
            purchased_at,
            client_reference: client_reference.clone(),
            expires_at: time(1_700_000_600_123),
            stock_left: 41,
            held: 9,
        }),
        Event::OrderConfirmed(OrderConfirmed {
            deal_id,
            customer,
            key,
            fingerprint,
            quantity,
            unit_price,
            ticket_key,
            purchased_at,
            client_reference: client_reference.clone(),
            stock_left: 41,
            held: 0,
        }),
        Event::OrderRejected(OrderRejected {
            deal_id,
            customer,
            key,
            fingerprint,
            quantity,
            unit_price: whole.then_some(unit_price),
            ticket_key,
            purchased_at,
            client_reference,
            code: if whole { RefusalCode::SoldOut } else { RefusalCode::DealNotFound },
            retryable: whole,
        }),
    ]
}

fn orders() -> Vec<Event> {
    let deal_id = deal_id();
    let (order, stock_left, held) = (777, 43, 7);
    vec![
        Event::OrderRepeated(OrderRepeated { deal_id, customer: customer(), first: 777 }),
        Event::OrderPaid(OrderPaid {
            deal_id,
            order,
            payment: payment(),
            money: money(3980),
            stock_left,
            held,
        }),
        Event::OrderExpired(OrderExpired { deal_id, order, stock_left, held }),
        Event::OrderCancelled(OrderCancelled { deal_id, order, stock_left, held }),
    ]
}

fn payments() -> Vec<Event> {
    let (order, payment, money, expected) = (777, payment(), money(3980), money(1990));
    vec![
        Event::PaymentFailed(PaymentFailed { order, payment, money }),
        Event::PaymentMismatch(PaymentMismatch { order, payment, money, expected }),
        Event::RefundDue(RefundDue { order, payment, money }),
        Event::RefundSettled(RefundSettled { order, payment, money }),
    ]
}
