//! An order that a decision is about, with its deal's counters: the decision first expires its hold
//! if the time has come, and goes on from what is then left.

use read_model::OrderRow;
use schemas::Timestamp;
use schemas::http::OrderStatus;
use schemas::log::{Event, OrderCancelled, OrderExpired};

use super::units;
use crate::world::{Deal, World};

/// The order, and what the decision has changed so far.
pub(super) struct InHand<'a> {
    pub(super) row: &'a OrderRow,
    pub(super) status: OrderStatus,
    pub(super) left: i128,
    pub(super) held: i128,
    pub(super) limit: u64,
    /// Units that the customer holds or owns.
    pub(super) owned: i128,
}

impl<'a> InHand<'a> {
    pub(super) fn new(world: &'a World, row: &'a OrderRow) -> Option<Self> {
        let deal: &Deal = world.deals.get(&row.deal_id)?;
        let owned = world.units_of(row.deal_id, row.customer).into();
        let limit = deal.row.terms.limit_per_customer.into();
        let (left, held) = (deal.left(), deal.held);
        Some(Self { row, status: row.status, left, held, limit, owned })
    }

    pub(super) fn quantity(&self) -> i128 {
        self.row.quantity.into()
    }

    pub(super) fn has_units(&self) -> bool {
        matches!(self.status, OrderStatus::Held | OrderStatus::Confirmed)
    }

    /// Expires the hold if there is one and its time has come.
    pub(super) fn expire(&mut self, log_time: Timestamp) -> Option<Event> {
        let is_due = self.row.expires_at.is_some_and(|expires_at| expires_at <= log_time);
        if self.status != OrderStatus::Held || !is_due {
            return None;
        }
        self.status = OrderStatus::Expired;
        self.left += self.quantity();
        self.held -= self.quantity();
        self.owned -= self.quantity();
        Some(Event::OrderExpired(OrderExpired {
            deal_id: self.row.deal_id,
            order: self.row.position.offset,
            stock_left: units(self.left),
            held: units(self.held),
        }))
    }

    /// The event of giving the order up, which has units.
    pub(super) fn cancelled(&self) -> Event {
        let from_held = if self.status == OrderStatus::Held { self.quantity() } else { 0 };
        Event::OrderCancelled(OrderCancelled {
            deal_id: self.row.deal_id,
            order: self.row.position.offset,
            stock_left: units(self.left + self.quantity()),
            held: units(self.held - from_held),
        })
    }
}
