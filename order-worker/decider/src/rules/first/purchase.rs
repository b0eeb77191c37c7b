//! Purchases: who gets units, and who is told why not.

use std::time::Duration;

use schemas::Timestamp;
use schemas::log::{
    Event, OrderConfirmed, OrderHeld, OrderRejected, OrderRepeated, PlacePurchase, RefusalCode,
};

use super::deal_of;
use super::order_in_hand::OrderInHand;
use crate::State;
use crate::state::{Counters, Deal, Order, Pot};

/// Decides about a purchase. A bound key comes before everything else: what it answers for has been
/// decided already.
pub(super) fn place(state: &State, command: &PlacePurchase, log_time: Timestamp) -> Vec<Event> {
    let deal = match deal_of(state, command.deal_id) {
        Ok(deal) => deal,
        Err(code) => return vec![rejected(command, None, code)],
    };
    if let Some(order) = deal.orders.under(command.key) {
        return repeat(deal, order, command, log_time);
    }
    vec![match units_to_take(deal, command, log_time) {
        Ok(quantity) => taken(deal, quantity, command, log_time),
        Err(code) => rejected(command, Some(deal), code),
    }]
}

/// The order that the key belongs to answers, once its hold has been looked at; but not for another
/// request or for somebody else.
fn repeat(deal: &Deal, order: &Order, command: &PlacePurchase, log_time: Timestamp) -> Vec<Event> {
    let PlacePurchase { deal_id, customer, fingerprint, .. } = *command;
    let (owner, _) = deal.customer_of(order);
    if owner != customer || order.fingerprint != fingerprint.into() {
        return vec![rejected(command, Some(deal), RefusalCode::IdempotencyKeyReused)];
    }
    let mut events = Vec::new();
    events.extend(OrderInHand::new(deal_id, deal, order).expire_if_due(log_time));
    events.push(Event::OrderRepeated(OrderRepeated { deal_id, customer, first: order.offset }));
    events
}

/// All units that were asked for, or the first reason why there are none.
fn units_to_take(
    deal: &Deal,
    command: &PlacePurchase,
    log_time: Timestamp,
) -> Result<u16, RefusalCode> {
    let limit = deal.terms.limit_per_customer;
    if !deal.is_open_by(log_time) {
        return Err(RefusalCode::DealNotOpen);
    }
    if deal.paused {
        return Err(RefusalCode::DealPaused);
    }
    if deal.is_closed_by(log_time) {
        return Err(RefusalCode::DealClosed);
    }
    if !(1..=limit).contains(&command.quantity) {
        return Err(RefusalCode::OutOfRange);
    }
    if deal.units_of(command.customer) + command.quantity > limit {
        return Err(RefusalCode::LimitExceeded);
    }
    let stock_left = deal.counters().stock_left;
    if stock_left == 0 {
        return Err(RefusalCode::SoldOut);
    }
    if stock_left < u64::from(command.quantity) {
        return Err(RefusalCode::InsufficientStock);
    }
    Ok(u16::try_from(command.quantity).expect("the highest limit per customer fits"))
}

fn taken(deal: &Deal, quantity: u16, command: &PlacePurchase, log_time: Timestamp) -> Event {
    let pot = if deal.terms.hold_seconds == 0 { Pot::Confirmed } else { Pot::Held };
    let Counters { stock_left, held, confirmed: _ } =
        deal.counters().moved(Pot::Left, pot, quantity);
    let PlacePurchase { deal_id, customer, key, fingerprint, ticket_key, .. } = *command;
    let purchased_at = command.received_at;
    let unit_price = deal.terms.price;
    let quantity = quantity.into();
    let client_reference = command.client_reference.clone();
    if deal.terms.hold_seconds == 0 {
        return Event::OrderConfirmed(OrderConfirmed {
            deal_id,
            customer,
            key,
            fingerprint,
            quantity,
            unit_price,
            ticket_key,
            purchased_at,
            client_reference,
            stock_left,
            held,
        });
    }
    let hold = Duration::from_secs(deal.terms.hold_seconds.into());
    Event::OrderHeld(OrderHeld {
        deal_id,
        customer,
        key,
        fingerprint,
        quantity,
        unit_price,
        ticket_key,
        purchased_at,
        client_reference,
        expires_at: log_time.plus(hold),
        stock_left,
        held,
    })
}

fn rejected(command: &PlacePurchase, deal: Option<&Deal>, code: RefusalCode) -> Event {
    let PlacePurchase { deal_id, customer, key, fingerprint, quantity, ticket_key, .. } = *command;
    Event::OrderRejected(OrderRejected {
        deal_id,
        customer,
        key,
        fingerprint,
        quantity,
        unit_price: deal.map(|deal| deal.terms.price),
        ticket_key,
        purchased_at: command.received_at,
        client_reference: command.client_reference.clone(),
        code,
        retryable: is_retryable(code, deal),
    })
}

/// Whether another purchase, under another key, may succeed later.
fn is_retryable(code: RefusalCode, deal: Option<&Deal>) -> bool {
    match code {
        RefusalCode::InsufficientStock | RefusalCode::DealPaused => true,
        // One that was closed before it opened never will.
        RefusalCode::DealNotOpen => deal.is_some_and(|deal| !deal.closed),
        RefusalCode::SoldOut => deal.is_some_and(|deal| deal.counters().held > 0),
        RefusalCode::IdempotencyKeyReused
        | RefusalCode::DealNotFound
        | RefusalCode::DealRetired
        | RefusalCode::DealClosed
        | RefusalCode::OutOfRange
        | RefusalCode::LimitExceeded
        | RefusalCode::OrderNotFound
        | RefusalCode::OrderNotCancellable
        | RefusalCode::DealAlreadyOpen
        | RefusalCode::StockBelowCommitted
        | RefusalCode::PaymentIdReused
        | RefusalCode::Unreadable => false,
    }
}
