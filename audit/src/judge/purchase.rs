//! Purchases, in the protocol's order of precedence.

use std::time::Duration;

use schemas::Timestamp;
use schemas::log::{
    Event, OrderConfirmed, OrderHeld, OrderRejected, OrderRepeated, PlacePurchase, RefusalCode,
};

use super::in_hand::InHand;
use super::units;
use crate::world::{Deal, World};

pub(super) fn place(world: &World, command: &PlacePurchase, log_time: Timestamp) -> Vec<Event> {
    let deal = match world.deals.get(&command.deal_id) {
        None => return vec![rejected(command, None, RefusalCode::DealNotFound)],
        Some(deal) if deal.row.retired => {
            return vec![rejected(command, None, RefusalCode::DealRetired)];
        }
        Some(deal) => deal,
    };
    let first = world.keys.get(&(command.deal_id, command.key));
    if let Some(first) = first.and_then(|first| world.orders.get(first)) {
        let is_same = first.customer == command.customer;
        if !is_same || first.fingerprint != command.fingerprint {
            return vec![rejected(command, Some(deal), RefusalCode::IdempotencyKeyReused)];
        }
        let expired = InHand::new(world, first).and_then(|mut first| first.expire(log_time));
        let mut events: Vec<Event> = expired.into_iter().collect();
        events.push(Event::OrderRepeated(OrderRepeated {
            deal_id: command.deal_id,
            customer: command.customer,
            first: first.position.offset,
        }));
        return events;
    }
    vec![match refusal(world, deal, command, log_time) {
        Some(code) => rejected(command, Some(deal), code),
        None => taken(deal, command, log_time),
    }]
}

/// The first reason to refuse a purchase under a new key.
fn refusal(
    world: &World,
    deal: &Deal,
    command: &PlacePurchase,
    log_time: Timestamp,
) -> Option<RefusalCode> {
    let limit = u64::from(deal.row.terms.limit_per_customer);
    let quantity = u64::from(command.quantity);
    let owned = world.units_of(command.deal_id, command.customer);
    let left = deal.left();
    let reasons = [
        (!deal.is_open_by(log_time), RefusalCode::DealNotOpen),
        (deal.row.paused, RefusalCode::DealPaused),
        (deal.is_closed_by(log_time), RefusalCode::DealClosed),
        (quantity == 0 || quantity > limit, RefusalCode::OutOfRange),
        (owned + quantity > limit, RefusalCode::LimitExceeded),
        (left <= 0, RefusalCode::SoldOut),
        (left < i128::from(quantity), RefusalCode::InsufficientStock),
    ];
    reasons.into_iter().find(|(applies, _)| *applies).map(|(_, code)| code)
}

fn taken(deal: &Deal, command: &PlacePurchase, log_time: Timestamp) -> Event {
    let terms = &deal.row.terms;
    let quantity = i128::from(command.quantity);
    let stock_left = units(deal.left() - quantity);
    let PlacePurchase { deal_id, customer, key, fingerprint, ticket_key, .. } = *command;
    if terms.hold_seconds == 0 {
        return Event::OrderConfirmed(OrderConfirmed {
            deal_id,
            customer,
            key,
            fingerprint,
            quantity: command.quantity,
            unit_price: terms.price,
            ticket_key,
            purchased_at: command.received_at,
            client_reference: command.client_reference.clone(),
            stock_left,
            held: units(deal.held),
        });
    }
    Event::OrderHeld(OrderHeld {
        deal_id,
        customer,
        key,
        fingerprint,
        quantity: command.quantity,
        unit_price: terms.price,
        ticket_key,
        purchased_at: command.received_at,
        client_reference: command.client_reference.clone(),
        expires_at: log_time.plus(Duration::from_secs(terms.hold_seconds.into())),
        stock_left,
        held: units(deal.held + quantity),
    })
}

fn rejected(command: &PlacePurchase, deal: Option<&Deal>, code: RefusalCode) -> Event {
    // What may yet change: a pause, other orders' units, an opening that lies ahead.
    let retryable = match deal {
        Some(deal) if code == RefusalCode::SoldOut => deal.held > 0,
        Some(deal) if code == RefusalCode::DealNotOpen => !deal.row.closed,
        Some(_) => matches!(code, RefusalCode::DealPaused | RefusalCode::InsufficientStock),
        None => false,
    };
    Event::OrderRejected(OrderRejected {
        deal_id: command.deal_id,
        customer: command.customer,
        key: command.key,
        fingerprint: command.fingerprint,
        quantity: command.quantity,
        unit_price: deal.map(|deal| deal.row.terms.price),
        ticket_key: command.ticket_key,
        purchased_at: command.received_at,
        client_reference: command.client_reference.clone(),
        code,
        retryable,
    })
}
