//! An order as the events tell it, what became of commands that are none, and which steps a status
//! may take. Must not know deals.

use schemas::http::OrderStatus;
use schemas::log::{Event, RefusalCode};
use schemas::{CustomerId, DealId, Offset, Timestamp};

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) deal_id: DealId,
    pub(crate) customer: CustomerId,
    pub(crate) quantity: u32,
    pub(crate) status: OrderStatus,
    pub(crate) expires_at: Option<Timestamp>,
    /// `decided_next` from which on it had this status.
    pub(crate) past: Vec<(Offset, OrderStatus)>,
}

/// What became of a command that is no order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Why it was refused, if it was.
    pub(crate) refusal: Option<RefusalCode>,
    /// What it repeats, if it does.
    pub(crate) first: Option<Offset>,
}

impl Outcome {
    /// Takes note of what an event says of the command that it answers.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::CommandRefused(it) => self.refusal = Some(it.code),
            Event::Unreadable(_) => self.refusal = Some(RefusalCode::Unreadable),
            Event::CommandRepeated(it) => self.first = Some(it.first),
            Event::OrderRepeated(it) => self.first = Some(it.first),
            Event::DealAnnounced(_)
            | Event::StockAdjusted(_)
            | Event::DealPaused(_)
            | Event::DealResumed(_)
            | Event::DealRescheduled(_)
            | Event::DealClosed(_)
            | Event::DealRetired(_)
            | Event::OrderHeld(_)
            | Event::OrderConfirmed(_)
            | Event::OrderRejected(_)
            | Event::OrderPaid(_)
            | Event::OrderExpired(_)
            | Event::OrderCancelled(_)
            | Event::PaymentFailed(_)
            | Event::PaymentMismatch(_)
            | Event::RefundDue(_)
            | Event::RefundSettled(_) => {}
        }
    }
}

/// Whether a purchase that is refused so has bound its key: not if the deal is not there, not yet
/// open or gone, nor if the key was bound before.
pub(super) fn binds_key(code: RefusalCode) -> bool {
    !matches!(
        code,
        RefusalCode::DealNotFound
            | RefusalCode::DealNotOpen
            | RefusalCode::DealRetired
            | RefusalCode::IdempotencyKeyReused
    )
}

/// The steps that a status may take.
pub(crate) fn is_step(before: OrderStatus, next: OrderStatus) -> bool {
    use OrderStatus::{Cancelled, Confirmed, Expired, Held, Queued, Rejected};
    matches!(
        (before, next),
        (Queued, Rejected | Held | Confirmed)
            | (Held, Confirmed | Expired | Cancelled)
            | (Confirmed, Cancelled)
            | (Expired, Confirmed)
    )
}
