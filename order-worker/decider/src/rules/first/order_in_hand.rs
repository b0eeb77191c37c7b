//! An order that a decision is about. Its hold is looked at first: if its time has come it expires,
//! and the rest of the decision is about what is then left. The state itself cannot be changed
//! while deciding, so the changed numbers are kept here.

use schemas::log::{Event, OrderExpired};
use schemas::{CustomerId, DealId, Offset, Timestamp};

use crate::State;
use crate::state::{Counters, Deal, Order, Pot, Standing};

/// The order, and the numbers that the decision has changed so far.
pub(super) struct OrderInHand<'a> {
    pub(super) deal_id: DealId,
    pub(super) deal: &'a Deal,
    pub(super) offset: Offset,
    pub(super) customer: CustomerId,
    pub(super) quantity: u16,
    pub(super) standing: Standing,
    pub(super) counters: Counters,
    /// Units that the order's customer holds or owns.
    units: u32,
}

impl<'a> OrderInHand<'a> {
    pub(super) fn new(deal_id: DealId, deal: &'a Deal, order: &Order) -> Self {
        let (customer, units) = deal.customer_of(order);
        Self {
            deal_id,
            deal,
            offset: order.offset,
            customer,
            quantity: order.quantity,
            standing: order.standing(),
            counters: deal.counters(),
            units,
        }
    }

    /// The order whose purchase stands at `offset`. A rejected one is as good as unknown: nobody
    /// can pay it or give it up.
    pub(super) fn find(state: &'a State, offset: Offset) -> Option<Self> {
        let (deal_id, deal, order) = state.find_order(offset)?;
        (order.standing() != Standing::Rejected).then(|| Self::new(deal_id, deal, order))
    }

    /// Expires the hold if it is one and its time has come.
    pub(super) fn expire_if_due(&mut self, log_time: Timestamp) -> Option<Event> {
        match self.standing {
            Standing::Held { expires_at } if expires_at <= log_time => {}
            Standing::Held { .. }
            | Standing::Rejected
            | Standing::Confirmed
            | Standing::Paid { .. }
            | Standing::Expired
            | Standing::Cancelled => return None,
        }
        self.standing = Standing::Expired;
        self.counters = self.counters.moved(Pot::Held, Pot::Left, self.quantity);
        self.units -= u32::from(self.quantity);
        let Counters { stock_left, held, confirmed: _ } = self.counters;
        let (deal_id, order) = (self.deal_id, self.offset);
        Some(Event::OrderExpired(OrderExpired { deal_id, order, stock_left, held }))
    }

    /// Whether stock and limit allow to confirm the order although it has expired.
    pub(super) fn fits_again(&self) -> bool {
        let quantity = u32::from(self.quantity);
        self.counters.stock_left >= quantity.into()
            && self.units + quantity <= self.deal.terms.limit_per_customer
    }
}
