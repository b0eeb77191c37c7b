//! What payment providers say: payments make held orders final, and money that buys nothing goes
//! back, once.
//!
//! One payment moves failed → succeeded → refunded; a step back or a repeat is nothing. Notices
//! come late, twice and in any order, also after the deal has retired.

use schemas::Timestamp;
use schemas::log::{
    Event, OrderPaid, PaymentFailed, PaymentMismatch, PaymentResult, RecordPayment, RefundDue,
    RefundSettled, RefusalCode,
};

use super::order_in_hand::OrderInHand;
use super::refused;
use crate::State;
use crate::state::{Counters, Payment, PaymentStatus, Pot, Standing};

/// Decides about a notice. The hold of the order that it names is looked at first, whatever the
/// notice then comes to.
pub(super) fn record(state: &State, command: &RecordPayment, log_time: Timestamp) -> Vec<Event> {
    let mut order = OrderInHand::find(state, command.order);
    let mut events = Vec::new();
    events.extend(order.as_mut().and_then(|order| order.expire_if_due(log_time)));
    if command.money.amount < 0 {
        events.push(refused(RefusalCode::OutOfRange));
        return events;
    }
    let known = state.payment(command.payment);
    if known.is_some_and(|known| !is_same(known, command)) {
        events.push(refused(RefusalCode::PaymentIdReused));
        return events;
    }
    let status = known.map(|known| known.status);
    match command.result {
        PaymentResult::Failed => events.extend(failed(order.as_ref(), command, status)),
        PaymentResult::Succeeded => succeeded(order.as_ref(), command, status, &mut events),
        PaymentResult::Refunded => events.extend(refunded(command, status)),
    }
    events
}

fn is_same(known: &Payment, command: &RecordPayment) -> bool {
    known.order == command.order && known.money() == command.money
}

/// Only the first failure for a held order is worth an event. No money has moved, so its amount is
/// not judged.
fn failed(
    order: Option<&OrderInHand<'_>>,
    command: &RecordPayment,
    status: Option<PaymentStatus>,
) -> Option<Event> {
    let is_held = order.is_some_and(|order| matches!(order.standing, Standing::Held { .. }));
    let RecordPayment { order, payment, money, .. } = *command;
    (is_held && status.is_none()).then_some(Event::PaymentFailed(PaymentFailed {
        order,
        payment,
        money,
    }))
}

/// The money is there: it buys the order, or it must go back.
fn succeeded(
    order: Option<&OrderInHand<'_>>,
    command: &RecordPayment,
    status: Option<PaymentStatus>,
    events: &mut Vec<Event>,
) {
    match status {
        None | Some(PaymentStatus::Failed) => {}
        Some(PaymentStatus::Paid | PaymentStatus::RefundDue | PaymentStatus::Refunded) => return,
    }
    if let Some(found) = order {
        let expected = found.deal.terms.price.times(found.quantity.into());
        let RecordPayment { order, payment, money, .. } = *command;
        if money != expected {
            let mismatch = PaymentMismatch { order, payment, money, expected };
            events.push(Event::PaymentMismatch(mismatch));
        } else if let Some(paid) = paid(found, command) {
            events.push(paid);
            return;
        }
    }
    let RecordPayment { order, payment, money, .. } = *command;
    events.push(Event::RefundDue(RefundDue { order, payment, money }));
}

/// A held order is paid; an expired one if it still can be, also when the deal is closed or paused:
/// it was bought in time.
fn paid(found: &OrderInHand<'_>, command: &RecordPayment) -> Option<Event> {
    let is_payable = match found.standing {
        Standing::Held { .. } => true,
        Standing::Expired => found.fits_again(),
        Standing::Rejected | Standing::Confirmed | Standing::Paid { .. } | Standing::Cancelled => {
            false
        }
    };
    is_payable.then(|| {
        let from = found.standing.pot();
        let Counters { stock_left, held, confirmed: _ } =
            found.counters.moved(from, Pot::Confirmed, found.quantity);
        let RecordPayment { order, payment, money, .. } = *command;
        let deal_id = found.deal_id;
        Event::OrderPaid(OrderPaid { deal_id, order, payment, money, stock_left, held })
    })
}

/// The money went back. This is the last word on a payment, also on one of which nothing was known:
/// a success that comes later is then a step back.
fn refunded(command: &RecordPayment, status: Option<PaymentStatus>) -> Option<Event> {
    let RecordPayment { order, payment, money, .. } = *command;
    (status != Some(PaymentStatus::Refunded)).then_some(Event::RefundSettled(RefundSettled {
        order,
        payment,
        money,
    }))
}
