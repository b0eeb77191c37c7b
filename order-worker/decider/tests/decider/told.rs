//! Events as tests read them: one short phrase each.

use schemas::Timestamp;
use schemas::log::Event;

/// The events of a decision, or `nothing`.
pub(crate) fn told(events: &[Event]) -> String {
    if events.is_empty() {
        return "nothing".to_owned();
    }
    events.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn one(event: &Event) -> String {
    match event {
        Event::DealAnnounced(event) => format!("announced {}", event.terms.stock),
        Event::StockAdjusted(event) => {
            format!("adjusted {:+} left {}", event.delta, event.stock_left)
        }
        Event::DealPaused(_) => "paused".to_owned(),
        Event::DealResumed(_) => "resumed".to_owned(),
        Event::DealRescheduled(event) => {
            format!("rescheduled {}..{}", seconds(event.opens_at), seconds(event.closes_at))
        }
        Event::DealClosed(_) => "closed".to_owned(),
        Event::DealRetired(_) => "retired".to_owned(),
        Event::OrderHeld(event) => {
            let counters = counters(event.stock_left, event.held);
            format!("held x{} until {} {counters}", event.quantity, seconds(event.expires_at))
        }
        Event::OrderConfirmed(event) => {
            format!("confirmed x{} {}", event.quantity, counters(event.stock_left, event.held))
        }
        Event::OrderRejected(event) => {
            let retryable = if event.retryable { " retryable" } else { "" };
            format!("rejected {}{retryable}", event.code)
        }
        Event::OrderRepeated(event) => format!("order-repeated {}", event.first),
        Event::OrderPaid(event) => {
            format!("paid {} {}", event.order, counters(event.stock_left, event.held))
        }
        Event::OrderExpired(event) => {
            format!("expired {} {}", event.order, counters(event.stock_left, event.held))
        }
        Event::OrderCancelled(event) => {
            format!("cancelled {} {}", event.order, counters(event.stock_left, event.held))
        }
        Event::PaymentFailed(event) => format!("payment-failed {}", event.order),
        Event::PaymentMismatch(event) => {
            format!("mismatch {} expected {}", event.order, event.expected.amount)
        }
        Event::RefundDue(event) => format!("refund-due {} {}", event.order, event.money.amount),
        Event::RefundSettled(event) => {
            format!("refund-settled {} {}", event.order, event.money.amount)
        }
        Event::CommandRefused(event) => format!("refused {}", event.code),
        Event::CommandRepeated(event) => format!("repeated {}", event.first),
        Event::Unreadable(_) => "unreadable".to_owned(),
    }
}

fn counters(stock_left: u64, held: u64) -> String {
    format!("left {stock_left} held {held}")
}

fn seconds(time: Timestamp) -> i64 {
    time.as_millis() / 1_000
}
