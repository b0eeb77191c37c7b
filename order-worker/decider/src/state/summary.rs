//! What may be seen of a state from outside: for tests, for what-if questions, for metrics. No
//! decision is made from it.

use schemas::{CustomerId, DealId, Digest, Money, Offset, Timestamp};

use super::{Counters, Deal, Found, PaymentStatus, Standing, State};

/// A deal that is not retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DealSummary {
    /// Price of one unit.
    pub price: Money,
    /// Most units that one customer may hold or own.
    pub limit_per_customer: u32,
    /// First instant at which a purchase is taken.
    pub opens_at: Timestamp,
    /// First instant at which none is taken any more.
    pub closes_at: Timestamp,
    /// How long an order is held for its payment; 0: confirmed at once.
    pub hold_seconds: u32,
    /// It takes no purchases until resumed.
    pub paused: bool,
    /// It was closed by command.
    pub closed: bool,
    /// Units announced.
    pub announced: u64,
    /// Sum of all adjustments since then, in units.
    pub adjustments: i64,
    /// Units for sale.
    pub stock_left: u64,
    /// Units held.
    pub held: u64,
    /// Units sold.
    pub confirmed: u64,
    /// Purchases whose key is bound, the rejected ones among them.
    pub orders: u32,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Refused.
    Rejected,
    /// Waiting for its payment until then.
    Held {
        /// When the hold runs out.
        expires_at: Timestamp,
    },
    /// Sold.
    Confirmed {
        /// The payment that made it final; none if none was needed.
        payment: Option<Digest>,
    },
    /// Not paid in time.
    Expired,
    /// Given up.
    Cancelled,
}

/// An order of a deal that is not retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSummary {
    /// Its deal.
    pub deal_id: DealId,
    /// Whose order it is.
    pub customer: CustomerId,
    /// Units that it was for; 0 if it was rejected.
    pub quantity: u32,
    /// Where it stands.
    pub status: OrderStatus,
}

/// What is known of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentSummary {
    /// Offset of the order that it named.
    pub order: Offset,
    /// How much.
    pub money: Money,
    /// What became of it.
    pub status: PaymentStatus,
}

/// How much a state holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deals that are not retired.
    pub deals: u64,
    /// Deals of which only the id is left.
    pub retired_deals: u64,
    /// Orders of deals that are not retired, the rejected ones whose key is bound among them.
    pub orders: u64,
    /// Payments, for ever.
    pub payments: u64,
    /// Memory of it all, in bytes; capacity that waits to be filled is counted.
    pub heap_bytes: u64,
}

impl State {
    /// A deal; none if it is unknown or retired.
    #[must_use]
    pub fn deal(&self, deal_id: &DealId) -> Option<DealSummary> {
        match self.find(*deal_id) {
            Found::Deal(deal) => Some(summarize(deal)),
            Found::Nothing | Found::Retired => None,
        }
    }

    /// Whether the deal has retired.
    #[must_use]
    pub fn is_retired(&self, deal_id: &DealId) -> bool {
        matches!(self.find(*deal_id), Found::Retired)
    }

    /// The order whose purchase stands at `offset`; none if there is none, its deal has retired, or
    /// it was rejected without binding its key.
    #[must_use]
    pub fn order(&self, offset: Offset) -> Option<OrderSummary> {
        let (deal_id, deal, order) = self.find_order(offset)?;
        let (customer, _) = deal.customer_of(order);
        let status = match order.standing() {
            Standing::Rejected => OrderStatus::Rejected,
            Standing::Held { expires_at } => OrderStatus::Held { expires_at },
            Standing::Confirmed => OrderStatus::Confirmed { payment: None },
            Standing::Paid { payment } => {
                OrderStatus::Confirmed { payment: Some(self.payment_at(payment).digest()) }
            }
            Standing::Expired => OrderStatus::Expired,
            Standing::Cancelled => OrderStatus::Cancelled,
        };
        Some(OrderSummary { deal_id, customer, quantity: order.quantity.into(), status })
    }

    /// A payment, by its hashed id.
    #[must_use]
    pub fn payment_summary(&self, payment: Digest) -> Option<PaymentSummary> {
        let found = self.payment(payment)?;
        let (order, money, status) = (found.order, found.money(), found.status);
        Some(PaymentSummary { order, money, status })
    }

    /// How much there is of everything. Walks through all deals, not through orders.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { payments: self.payments.len().into(), ..Counts::default() };
        let tables = self.deals.heap_bytes() + self.payments.heap_bytes();
        let mut heap_bytes = tables + self.directory.heap_bytes() + self.agenda.heap_bytes();
        for slot in self.deals.iter() {
            match slot.deal.as_deref() {
                Some(deal) => {
                    counts.deals += 1;
                    counts.orders += u64::from(deal.orders.len());
                    heap_bytes += deal.heap_bytes();
                }
                None => counts.retired_deals += 1,
            }
        }
        Counts { heap_bytes: heap_bytes as u64, ..counts }
    }
}

fn summarize(deal: &Deal) -> DealSummary {
    let (announced, adjustments) = deal.stock();
    let Counters { stock_left, held, confirmed } = deal.counters();
    DealSummary {
        price: deal.terms.price,
        limit_per_customer: deal.terms.limit_per_customer,
        opens_at: deal.terms.opens_at,
        closes_at: deal.terms.closes_at,
        hold_seconds: deal.terms.hold_seconds,
        paused: deal.paused,
        closed: deal.closed,
        announced,
        adjustments,
        stock_left,
        held,
        confirmed,
        orders: deal.orders.len(),
    }
}
