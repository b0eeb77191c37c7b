//! Payments, by the protocol's table of what an order is and what comes.

use schemas::Timestamp;
use schemas::http::OrderStatus;
use schemas::log::{
    Event, OrderPaid, PaymentFailed, PaymentMismatch, PaymentResult, RecordPayment, RefundDue,
    RefundSettled, RefusalCode,
};

use super::in_hand::InHand;
use super::{refused, units};
use crate::world::{PaymentState, World};

/// Whatever the notice comes to, a hold whose time has come expires first.
pub(super) fn record(world: &World, command: &RecordPayment, log_time: Timestamp) -> Vec<Event> {
    let mut found = world.order(command.order).and_then(|order| InHand::new(world, order));
    let expired = found.as_mut().and_then(|order| order.expire(log_time));
    let mut events: Vec<Event> = expired.into_iter().collect();
    let known = world.payments.get(&command.payment);
    if command.money.amount < 0 {
        events.push(refused(RefusalCode::OutOfRange));
    } else if known
        .is_some_and(|known| (known.order, known.money) != (command.order, command.money))
    {
        events.push(refused(RefusalCode::PaymentIdReused));
    } else {
        let state = known.map(|known| known.state);
        events.extend(said(found.as_ref(), command, state));
    }
    events
}

fn said(
    found: Option<&InHand<'_>>,
    command: &RecordPayment,
    state: Option<PaymentState>,
) -> Vec<Event> {
    let RecordPayment { order, payment, money, .. } = *command;
    match (command.result, state) {
        (PaymentResult::Failed, None) => {
            let is_held = found.is_some_and(|found| found.status == OrderStatus::Held);
            let failed = Event::PaymentFailed(PaymentFailed { order, payment, money });
            if is_held { vec![failed] } else { Vec::new() }
        }
        (PaymentResult::Succeeded, None | Some(PaymentState::Failed)) => succeeded(found, command),
        (
            PaymentResult::Refunded,
            None | Some(PaymentState::Failed | PaymentState::Paid | PaymentState::RefundDue),
        ) => vec![Event::RefundSettled(RefundSettled { order, payment, money })],
        // A step back, or the same again.
        (PaymentResult::Failed | PaymentResult::Succeeded | PaymentResult::Refunded, Some(_)) => {
            Vec::new()
        }
    }
}

fn succeeded(found: Option<&InHand<'_>>, command: &RecordPayment) -> Vec<Event> {
    let RecordPayment { order, payment, money, .. } = *command;
    let refund = Event::RefundDue(RefundDue { order, payment, money });
    let Some(found) = found else { return vec![refund] };
    let Some(expected) = World::total(found.row) else { return vec![refund] };
    if money != expected {
        let mismatch = PaymentMismatch { order, payment, money, expected };
        return vec![Event::PaymentMismatch(mismatch), refund];
    }
    let quantity = found.quantity();
    let fits_again = found.left >= quantity && found.owned + quantity <= i128::from(found.limit);
    let (left, held) = match found.status {
        OrderStatus::Held => (found.left, found.held - quantity),
        OrderStatus::Expired if fits_again => (found.left - quantity, found.held),
        OrderStatus::Expired
        | OrderStatus::Queued
        | OrderStatus::Rejected
        | OrderStatus::Confirmed
        | OrderStatus::Cancelled => return vec![refund],
    };
    let (deal_id, stock_left, held) = (found.row.deal_id, units(left), units(held));
    vec![Event::OrderPaid(OrderPaid { deal_id, order, payment, money, stock_left, held })]
}
