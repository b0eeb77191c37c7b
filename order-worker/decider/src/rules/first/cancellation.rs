//! Orders given up by their customers.

use schemas::Timestamp;
use schemas::log::{CancelOrder, Event, OrderCancelled, RefundDue, RefusalCode};

use super::order_in_hand::OrderInHand;
use super::refused;
use crate::State;
use crate::state::{Counters, PaymentStatus, Pot, Standing};

/// Decides about a cancellation. Another customer's order is unknown, so its hold is left alone.
pub(super) fn cancel(state: &State, command: &CancelOrder, log_time: Timestamp) -> Vec<Event> {
    let found = OrderInHand::find(state, command.order);
    let Some(mut order) = found.filter(|order| order.customer == command.customer) else {
        return vec![refused(RefusalCode::OrderNotFound)];
    };
    let mut events = Vec::new();
    events.extend(order.expire_if_due(log_time));
    match order.standing {
        Standing::Rejected | Standing::Expired | Standing::Cancelled => {
            events.push(refused(RefusalCode::OrderNotCancellable));
        }
        Standing::Held { .. } | Standing::Confirmed => events.push(cancelled(&order)),
        Standing::Paid { payment } => {
            events.push(cancelled(&order));
            events.extend(refund(state, payment));
        }
    }
    events
}

/// The units go back to what is left, also when the deal is closed: it just sells none of them.
fn cancelled(order: &OrderInHand<'_>) -> Event {
    let from = order.standing.pot();
    let Counters { stock_left, held, confirmed: _ } =
        order.counters.moved(from, Pot::Left, order.quantity);
    let (deal_id, order) = (order.deal_id, order.offset);
    Event::OrderCancelled(OrderCancelled { deal_id, order, stock_left, held })
}

/// The money of a cancelled order must go back, unless it has or must already.
fn refund(state: &State, payment: u32) -> Option<Event> {
    let paid = state.payment_at(payment);
    let (order, payment, money) = (paid.order, paid.digest(), paid.money());
    (paid.status == PaymentStatus::Paid).then_some(Event::RefundDue(RefundDue {
        order,
        payment,
        money,
    }))
}
