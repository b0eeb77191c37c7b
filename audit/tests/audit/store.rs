//! A read model in memory, projected by the real fold, open to be tampered with.

use std::collections::BTreeMap;

use async_trait::async_trait;
use read_model::{
    Changes, CommandRow, CommitError, DealRow, KeyRow, OrderFilter, OrderRow, ProjectionRow,
    Snapshot, Store, StoreError, UserError, UserRow, fold,
};
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Offset, Partition, Position};

use crate::history::{Entry, LOG_ID};

#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) projections: BTreeMap<Partition, FilterState>,
    pub(crate) deals: BTreeMap<DealId, DealRow>,
    pub(crate) orders: BTreeMap<Position, OrderRow>,
    pub(crate) commands: BTreeMap<Position, CommandRow>,
}

impl Tables {
    /// What a projector makes of the first records of a partition.
    pub(crate) fn project(&mut self, partition: Partition, entries: &[Entry]) {
        let mut filter = FilterState::default();
        for entry in entries {
            self.entry(partition, entry, &mut filter);
            filter.read_offset += 1;
        }
        self.projections.insert(partition, filter);
    }

    fn entry(&mut self, partition: Partition, entry: &Entry, filter: &mut FilterState) {
        match entry {
            Entry::Genesis(genesis) => filter.log_id = Some(genesis.log_id),
            Entry::Owner(owner) if owner.epoch > filter.epoch => {
                (filter.epoch, filter.claim, filter.rules) =
                    (owner.epoch, owner.claim, owner.rules);
            }
            Entry::Decision { epoch, claim, decision }
                if (*epoch, *claim) == (filter.epoch, filter.claim)
                    && decision.offset >= filter.decided_next
                    && decision.after == filter.decided_next =>
            {
                filter.decided_next = decision.offset + 1;
                filter.log_time = decision.log_time;
                for change in fold(LOG_ID, partition, decision) {
                    self.apply(partition, change);
                }
            }
            Entry::Owner(_) | Entry::Decision { .. } | Entry::Raw(_) => {}
        }
    }

    fn apply(&mut self, partition: Partition, change: Changes) {
        match change {
            Changes::Deal(deal, _) => {
                self.deals.insert(deal.deal_id, *deal);
            }
            Changes::Order(order) => {
                self.orders.insert(order.position, *order);
            }
            Changes::OrderChanged(offset, change) => {
                if let Some(order) = self.orders.get_mut(&Position { partition, offset }) {
                    order.change(change);
                }
            }
            Changes::Counters { deal_id, stock_left, held, adjusted } => {
                let deal = self.deal(deal_id);
                deal.stock_left = stock_left;
                deal.held = held.unwrap_or(deal.held);
                deal.adjusted += adjusted;
            }
            Changes::Paused(deal_id, paused) => self.deal(deal_id).paused = paused,
            Changes::Rescheduled(deal_id, opens_at, closes_at) => {
                let terms = &mut self.deal(deal_id).terms;
                (terms.opens_at, terms.closes_at) = (opens_at, closes_at);
            }
            Changes::Closed(deal_id) => self.deal(deal_id).closed = true,
            Changes::Retired(deal_id) => self.deal(deal_id).retired = true,
            Changes::Command(row) => {
                self.commands.insert(row.position, row);
            }
        }
    }

    pub(crate) fn deal(&mut self, deal_id: DealId) -> &mut DealRow {
        self.deals.get_mut(&deal_id).expect("a deal that was announced")
    }

    pub(crate) fn order(&mut self, offset: Offset) -> &mut OrderRow {
        self.orders.get_mut(&Position { partition: 0, offset }).expect("an order")
    }

    pub(crate) fn command(&mut self, offset: Offset) -> &mut CommandRow {
        self.commands.get_mut(&Position { partition: 0, offset }).expect("a command")
    }
}

#[async_trait]
impl Snapshot for Tables {
    async fn projections(&mut self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        assert_eq!(log_id, LOG_ID);
        let rows = self.projections.iter();
        let row = |(partition, filter): (&Partition, &FilterState)| ProjectionRow {
            partition: *partition,
            filter: filter.clone(),
        };
        Ok(rows.map(row).collect())
    }

    async fn deals(&mut self, _: u8) -> Result<Vec<DealRow>, StoreError> {
        Ok(self.deals.values().cloned().collect())
    }

    async fn orders(
        &mut self,
        _: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<OrderRow>, StoreError> {
        Ok(page(&self.orders, from, limit))
    }

    async fn commands(
        &mut self,
        _: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<CommandRow>, StoreError> {
        Ok(page(&self.commands, from, limit))
    }
}

fn page<R: Clone>(rows: &BTreeMap<Position, R>, from: Position, limit: u32) -> Vec<R> {
    let rows = rows.range(from..).filter(|(at, _)| at.partition == from.partition);
    rows.take(limit as usize).map(|(_, row)| row.clone()).collect()
}

/// Of a store an audit uses only the snapshot.
#[async_trait]
impl Store for Tables {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(self.clone()))
    }

    async fn log_ids(&self) -> Result<Vec<u8>, StoreError> {
        unreachable!("not for audits")
    }

    async fn projections(&self, _: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        unreachable!("not for audits")
    }

    async fn commit(
        &self,
        _: Partition,
        _: u64,
        _: &FilterState,
        _: &[Changes],
    ) -> Result<(), CommitError> {
        unreachable!("not for audits")
    }

    async fn order(&self, _: u8, _: Position) -> Result<Option<OrderRow>, StoreError> {
        unreachable!("not for audits")
    }

    async fn command(&self, _: u8, _: Position) -> Result<Option<CommandRow>, StoreError> {
        unreachable!("not for audits")
    }

    async fn orders_of(&self, _: CustomerId, _: OrderFilter) -> Result<Vec<OrderRow>, StoreError> {
        unreachable!("not for audits")
    }

    async fn deals(&self, _: u8) -> Result<(Vec<ProjectionRow>, Vec<DealRow>), StoreError> {
        unreachable!("not for audits")
    }

    async fn keys(&self, _: u8, _: Position, _: u32) -> Result<Vec<KeyRow>, StoreError> {
        unreachable!("not for audits")
    }

    async fn deal(&self, _: DealId) -> Result<Option<DealRow>, StoreError> {
        unreachable!("not for audits")
    }

    async fn create_user(&self, _: &UserRow) -> Result<(), UserError> {
        unreachable!("not for audits")
    }

    async fn user_by_email(&self, _: &str) -> Result<Option<UserRow>, StoreError> {
        unreachable!("not for audits")
    }

    async fn close(&self) {}
}
