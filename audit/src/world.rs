//! One partition as its events tell it: deals, orders, keys, payments, and what adds up from them.
//! Sorted maps, nothing packed, nothing forgotten.

mod counting;
mod fold;
mod order;
mod payment;

use std::collections::{BTreeMap, BTreeSet};

use read_model::{CommandRow, DealRow, OrderRow};
use schemas::http::OrderStatus;
use schemas::log::{DealTerms, RefusalCode};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Offset, Partition, Timestamp};

/// The fold.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) log_id: u8,
    pub(crate) partition: Partition,
    pub(crate) log_time: Timestamp,
    pub(crate) deals: BTreeMap<DealId, Deal>,
    pub(crate) orders: BTreeMap<Offset, OrderRow>,
    /// Outcomes that are not orders; kept until they have been compared with rows.
    pub(crate) commands: BTreeMap<Offset, CommandRow>,
    /// Purchases by the key that they bind.
    pub(crate) keys: BTreeMap<(DealId, Digest), Offset>,
    /// Adjustments by the key that they bind.
    pub(crate) adjustments: BTreeMap<(DealId, Digest), (Fingerprint, Offset)>,
    /// Units held and owned.
    pub(crate) units: BTreeMap<(DealId, CustomerId), u64>,
    /// Holds by age.
    pub(crate) holds: BTreeSet<(Timestamp, Offset)>,
    pub(crate) payments: BTreeMap<Digest, Payment>,
    /// Whether outcomes that are not orders are still wanted.
    pub(crate) keeps_commands: bool,
}

/// A deal: its row as the events tell it, and what is counted here.
#[derive(Debug)]
pub(crate) struct Deal {
    /// Its counters are those that the events tell.
    pub(crate) row: DealRow,
    /// As announced; rescheduling does not change them.
    pub(crate) announced: DealTerms,
    /// Units of its held orders, added up.
    pub(crate) held: i128,
    /// Units of its confirmed orders, added up.
    pub(crate) confirmed: i128,
}

impl Deal {
    /// Units announced and adjusted.
    pub(crate) fn stock(&self) -> i128 {
        i128::from(self.announced.stock) + i128::from(self.row.adjusted)
    }

    /// Units for sale, counted from the orders; negative if oversold.
    pub(crate) fn left(&self) -> i128 {
        self.stock() - self.held - self.confirmed
    }

    pub(crate) fn is_open_by(&self, time: Timestamp) -> bool {
        self.row.terms.opens_at <= time
    }

    /// By command or by time.
    pub(crate) fn is_closed_by(&self, time: Timestamp) -> bool {
        self.row.closed || self.row.terms.closes_at <= time
    }
}

/// A payment. It only moves down the list of its states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment {
    pub(crate) order: Offset,
    pub(crate) money: Money,
    pub(crate) state: PaymentState,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PaymentState {
    Failed,
    Paid,
    RefundDue,
    Refunded,
}

impl World {
    /// Nothing has happened yet. `keeps_commands` if there are rows to compare with.
    pub(crate) fn new(log_id: u8, partition: Partition, keeps_commands: bool) -> Self {
        Self {
            log_id,
            partition,
            log_time: Timestamp::EPOCH,
            deals: BTreeMap::new(),
            orders: BTreeMap::new(),
            commands: BTreeMap::new(),
            keys: BTreeMap::new(),
            adjustments: BTreeMap::new(),
            units: BTreeMap::new(),
            holds: BTreeSet::new(),
            payments: BTreeMap::new(),
            keeps_commands,
        }
    }

    /// Units that a customer holds or owns of a deal.
    pub(crate) fn units_of(&self, deal_id: DealId, customer: CustomerId) -> u64 {
        self.units.get(&(deal_id, customer)).copied().unwrap_or(0)
    }

    /// An order that can still be paid or given up, or could once: not a rejected one, nor one of
    /// a deal that has retired.
    pub(crate) fn order(&self, offset: Offset) -> Option<&OrderRow> {
        let order = self.orders.get(&offset)?;
        let is_kept = self.deals.get(&order.deal_id).is_some_and(|deal| !deal.row.retired);
        (is_kept && order.status != OrderStatus::Rejected).then_some(order)
    }

    /// The price of all units of an order.
    pub(crate) fn total(order: &OrderRow) -> Option<Money> {
        let price = order.unit_price?;
        let amount = price.amount.checked_mul(i64::from(order.quantity))?;
        Some(Money { amount, ..price })
    }
}

/// Whether a purchase refused so binds its key. Not where the deal knows no keys (unknown,
/// retired), takes none yet, or has bound this one to another order.
pub(crate) fn binds_key(code: RefusalCode) -> bool {
    !matches!(
        code,
        RefusalCode::DealNotFound
            | RefusalCode::DealRetired
            | RefusalCode::DealNotOpen
            | RefusalCode::IdempotencyKeyReused
    )
}
