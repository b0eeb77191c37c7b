//! One partition as this gateway knows it: the deals, the keys that are bound, the orders and
//! outcomes since some point, and changes to orders that only the read model has. A fold of the
//! effective decisions, pure; what a decision changes is said by `read_model::fold`.
//!
//! An order leaves only below the read model's committed `decided_next`, so between them the two
//! always know every decided order. Progress is measured in `decided_next` rather than in
//! `read_offset`: for effective decisions they are equivalent, and positions carry the former.
//!
//! Must not know how decisions are read, who waits for them, or what time it is.

mod deal;
mod ends;
mod key;
mod overlay;
mod rate;
mod recent;
mod slot;

use std::sync::Arc;

use hashbrown::HashMap;
use read_model::{Changes, CommandRow, DealRow, KeyRow, OrderChange, OrderRow};
use schemas::log::{Decision, FilterState};
use schemas::{CustomerId, DealId, Digest, Offset, Partition};

pub use ends::{Asked, Ends};
pub use key::Bound;
pub use rate::Rate;

use key::Keys;
use overlay::Overlays;
use recent::Recent;
use slot::{Offers, Outcome, Slot};

/// How many records leave the view at a time, unless somebody says otherwise.
pub const EVICTED_TOGETHER: usize = 512;

/// What the view knows of a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Not decided; so many commands of the partition come before it.
    Queued {
        /// 0: it is next.
        ahead: u64,
    },
    /// An order, as of the view's `decided_next`.
    Order(Box<OrderRow>),
    /// A command that is not an order.
    Command(CommandRow),
    /// Decided before this view began or has left it: the read model has the row. These changes,
    /// each with the offset of the decision that made it, come on top where the row lacks them.
    Stored(Vec<(Offset, OrderChange)>),
}

/// What a batch of decisions has changed, so that those who wait for it can be woken.
#[derive(Debug, Default)]
pub struct Touched {
    /// Commands that were decided and orders that changed.
    pub offsets: Vec<Offset>,
    /// Deals that changed, each once.
    pub deals: Vec<DealId>,
}

impl Touched {
    fn deal(&mut self, deal_id: DealId) {
        if !self.deals.contains(&deal_id) {
            self.deals.push(deal_id);
        }
    }
}

/// One partition's view.
#[derive(Debug)]
pub struct View {
    log_id: u8,
    partition: Partition,
    filter: FilterState,
    /// `decided_next` that the read model has committed, as far as known here.
    committed: Offset,
    deals: HashMap<DealId, Arc<DealRow>>,
    keys: Keys,
    offers: Offers,
    orders: Recent<Slot>,
    outcomes: Recent<Outcome>,
    overlays: Overlays,
}

impl View {
    /// A view that begins where the read model stands: `filter` and `deals` as of one transaction.
    #[must_use]
    pub fn seed(
        log_id: u8,
        partition: Partition,
        filter: FilterState,
        deals: Vec<DealRow>,
    ) -> Self {
        let committed = filter.decided_next;
        let deals = deals.into_iter().map(|deal| (deal.deal_id, Arc::new(deal))).collect();
        Self {
            log_id,
            partition,
            filter,
            committed,
            deals,
            keys: Keys::default(),
            offers: Offers::default(),
            orders: Recent::new(EVICTED_TOGETHER),
            outcomes: Recent::new(EVICTED_TOGETHER),
            overlays: Overlays::default(),
        }
    }

    /// Lets so many records leave at a time, instead of [`EVICTED_TOGETHER`].
    ///
    /// # Panics
    /// If the view already holds some, or the number is 0.
    #[must_use]
    pub fn evicting_in(mut self, records: usize) -> Self {
        assert!(records > 0 && self.load() == 0, "set before anything is applied");
        self.orders = Recent::new(records);
        self.outcomes = Recent::new(records);
        self
    }

    /// Binds keys that the read model has. Its rows may be older or newer than this view.
    pub fn seed_keys(&mut self, rows: &[KeyRow]) {
        for row in rows {
            let retired = self.deals.get(&row.deal_id).is_some_and(|deal| deal.retired);
            if !retired {
                let bound = Bound { offset: row.offset, fingerprint: row.fingerprint };
                self.keys.bind(row.deal_id, row.key, bound);
            }
        }
    }

    /// Applies the next effective decision.
    ///
    /// # Panics
    /// If it is not the next one, or breaks promise I9: the filter and the decider see to that.
    pub fn apply(&mut self, decision: &Decision, touched: &mut Touched) {
        assert_eq!(decision.after, self.filter.decided_next, "effective decisions have no gaps");
        touched.offsets.push(decision.offset);
        for change in read_model::fold(self.log_id, self.partition, decision) {
            self.change(decision.offset, change, touched);
        }
        self.filter.decided_next = decision.offset + 1;
        self.filter.log_time = decision.log_time;
    }

    /// Takes over the reader's filter state after a batch whose effective decisions were applied.
    ///
    /// # Panics
    /// If one of them was not.
    pub fn advance(&mut self, filter: FilterState) {
        assert_eq!(filter.decided_next, self.filter.decided_next, "every decision was applied");
        self.filter = filter;
    }

    /// The reader's state after the last batch: where to go on reading.
    #[must_use]
    pub fn filter(&self) -> &FilterState {
        &self.filter
    }

    /// Takes note of how far the read model is; never takes anything back.
    pub fn note_committed(&mut self, decided_next: Offset) {
        self.committed = self.committed.max(decided_next);
        self.overlays.forget_below(self.committed);
    }

    /// `decided_next` that the read model is known to have committed.
    #[must_use]
    pub fn committed(&self) -> Offset {
        self.committed
    }

    /// Lets go of the oldest orders that the read model has, at most about `count`; tells how many
    /// left. Outcomes of other commands leave in step with the orders' age.
    pub fn evict(&mut self, count: usize) -> usize {
        let committed = self.committed;
        let left = self.orders.evict(count, |slot| slot.changed < committed);
        let outcomes = self.outcomes.len().saturating_sub(self.orders.len());
        left + self.outcomes.evict(outcomes, |outcome| outcome.offset < committed)
    }

    /// How many records the view holds that are bounded by configuration.
    #[must_use]
    pub fn load(&self) -> usize {
        self.orders.len() + self.outcomes.len() + self.overlays.len()
    }

    /// What is known of a position.
    #[must_use]
    pub fn look(&self, offset: Offset) -> Known {
        if let Some(ahead) = offset.checked_sub(self.filter.decided_next) {
            return Known::Queued { ahead };
        }
        if let Some(slot) = self.orders.find(offset) {
            return Known::Order(Box::new(self.row(slot)));
        }
        match self.outcomes.find(offset) {
            Some(outcome) => Known::Command(outcome.row(self.log_id, self.partition)),
            None => Known::Stored(self.overlays.of(offset).to_vec()),
        }
    }

    /// The order that a key of a deal is bound to. Orders that only a newer read model has told of
    /// are not decided for this view, and so not bound yet.
    #[must_use]
    pub fn bound(&self, deal_id: DealId, key: Digest) -> Option<Bound> {
        self.keys.find(deal_id, key).filter(|bound| bound.offset < self.filter.decided_next)
    }

    /// A deal of this partition.
    #[must_use]
    pub fn deal(&self, deal_id: DealId) -> Option<&Arc<DealRow>> {
        self.deals.get(&deal_id)
    }

    /// All deals of this partition, in no order.
    pub fn deals(&self) -> impl Iterator<Item = &Arc<DealRow>> {
        self.deals.values()
    }

    /// Orders of a customer that were decided at `from` or later, newest first; looks at no more
    /// than `scan_max` orders.
    #[must_use]
    pub fn orders_of(&self, customer: CustomerId, from: Offset, scan_max: usize) -> Vec<OrderRow> {
        let recent = self.orders.newest_first().take(scan_max);
        let recent = recent.take_while(|slot| slot.offset >= from);
        recent.filter(|slot| slot.customer == customer).map(|slot| self.row(slot)).collect()
    }

    fn row(&self, slot: &Slot) -> OrderRow {
        slot.unpack(self.log_id, self.partition, &self.offers)
    }

    fn change(&mut self, decided: Offset, change: Changes, touched: &mut Touched) {
        match change {
            Changes::Order(row) => self.add_order(*row),
            Changes::OrderChanged(order, change) => {
                touched.offsets.push(order);
                self.change_order(decided, order, change);
            }
            Changes::Command(row) => self.outcomes.push(Outcome::from(&row)),
            Changes::Deal(row, _) => {
                touched.deal(row.deal_id);
                self.deals.insert(row.deal_id, Arc::from(row));
            }
            Changes::Retired(deal_id) => {
                touched.deal(deal_id);
                self.keys.forget(deal_id);
                self.change_deal(deal_id, &Changes::Retired(deal_id));
            }
            Changes::Counters { deal_id, .. }
            | Changes::Paused(deal_id, _)
            | Changes::Rescheduled(deal_id, ..)
            | Changes::Closed(deal_id) => {
                touched.deal(deal_id);
                self.change_deal(deal_id, &change);
            }
        }
    }

    fn change_deal(&mut self, deal_id: DealId, change: &Changes) {
        let deal = self.deals.get_mut(&deal_id).expect("events speak of announced deals only");
        deal::change(Arc::make_mut(deal), change);
    }

    fn add_order(&mut self, row: OrderRow) {
        if row.rejection.is_none() {
            let bound = Bound { offset: row.position.offset, fingerprint: row.fingerprint };
            self.keys.bind(row.deal_id, row.key, bound);
        }
        self.orders.push(Slot::pack(row, &mut self.offers));
    }

    fn change_order(&mut self, decided: Offset, order: Offset, change: OrderChange) {
        let Some(slot) = self.orders.find_mut(order) else {
            return self.overlays.add(order, decided, change);
        };
        let mut row = slot.unpack(self.log_id, self.partition, &self.offers);
        row.change(change);
        *slot = Slot::pack(row, &mut self.offers);
        slot.changed = decided;
    }
}
