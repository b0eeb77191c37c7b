//! The read model's rows in memory, changed as a database would change them. Must not know who
//! writes or who asks.

use std::collections::BTreeMap;

use async_trait::async_trait;
use read_model::{
    Changes, CommandRow, DealRow, KeyRow, OrderCursor, OrderFilter, OrderRow, ProjectionRow,
    Snapshot, StoreError,
};
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Partition, Position};

/// Everything that is stored, of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) projections: BTreeMap<Partition, FilterState>,
    pub(crate) deals: BTreeMap<DealId, DealRow>,
    pub(crate) orders: BTreeMap<Position, OrderRow>,
    pub(crate) commands: BTreeMap<Position, CommandRow>,
}

impl Rows {
    /// Lays changes over the rows. Says what the rows lack.
    pub(crate) fn apply(
        &mut self,
        partition: Partition,
        changes: &[Changes],
    ) -> Result<(), String> {
        for change in changes {
            match change {
                Changes::Deal(row, _) => {
                    self.deals.insert(row.deal_id, (**row).clone());
                }
                Changes::Order(row) => {
                    if self.orders.insert(row.position, (**row).clone()).is_some() {
                        return Err(format!("the order at {} was there", row.position));
                    }
                }
                // A payment may name a position where no order stands.
                Changes::OrderChanged(offset, change) => {
                    let position = Position { partition, offset: *offset };
                    if let Some(row) = self.orders.get_mut(&position) {
                        row.change(*change);
                    }
                }
                Changes::Counters { deal_id, stock_left, held, adjusted } => {
                    let deal = self.deal_mut(*deal_id)?;
                    deal.stock_left = *stock_left;
                    deal.held = held.unwrap_or(deal.held);
                    deal.adjusted += adjusted;
                }
                Changes::Paused(deal_id, paused) => self.deal_mut(*deal_id)?.paused = *paused,
                Changes::Rescheduled(deal_id, opens_at, closes_at) => {
                    let terms = &mut self.deal_mut(*deal_id)?.terms;
                    (terms.opens_at, terms.closes_at) = (*opens_at, *closes_at);
                }
                Changes::Closed(deal_id) => self.deal_mut(*deal_id)?.closed = true,
                Changes::Retired(deal_id) => self.deal_mut(*deal_id)?.retired = true,
                Changes::Command(row) => {
                    self.commands.insert(row.position, row.clone());
                }
            }
        }
        Ok(())
    }

    fn deal_mut(&mut self, deal_id: DealId) -> Result<&mut DealRow, String> {
        self.deals.get_mut(&deal_id).ok_or_else(|| format!("there is no deal {deal_id}"))
    }

    pub(crate) fn projections(&self) -> Vec<ProjectionRow> {
        let row = |(&partition, filter): (&Partition, &FilterState)| ProjectionRow {
            partition,
            filter: filter.clone(),
        };
        self.projections.iter().map(row).collect()
    }

    pub(crate) fn deals(&self) -> Vec<DealRow> {
        self.deals.values().cloned().collect()
    }

    pub(crate) fn keys(&self, from: Position, limit: u32) -> Vec<KeyRow> {
        let is_live = |row: &&OrderRow| {
            row.rejection.is_none() && self.deals.get(&row.deal_id).is_some_and(|it| !it.retired)
        };
        let own = self.orders.range(from..).map(|(_, row)| row);
        let own = own.take_while(|row| row.position.partition == from.partition);
        let key = |row: &OrderRow| KeyRow {
            deal_id: row.deal_id,
            key: row.key,
            fingerprint: row.fingerprint,
            offset: row.position.offset,
        };
        own.filter(is_live).map(key).take(limit as usize).collect()
    }

    pub(crate) fn orders_of(&self, customer: CustomerId, filter: OrderFilter) -> Vec<OrderRow> {
        let key = |row: &OrderRow| (row.purchased_at, row.log_id, row.position);
        let is_before = |row: &OrderRow, after: OrderCursor| {
            key(row) < (after.purchased_at, after.log_id, after.position)
        };
        let mut rows: Vec<_> = self.orders.values().cloned().collect();
        rows.retain(|row| row.customer == customer);
        rows.retain(|row| filter.status.is_none_or(|status| row.status == status));
        rows.retain(|row| filter.after.is_none_or(|after| is_before(row, after)));
        rows.sort_by_key(|row| std::cmp::Reverse(key(row)));
        rows.truncate(filter.limit as usize);
        rows
    }
}

fn page<T: Clone>(rows: &BTreeMap<Position, T>, from: Position, limit: u32) -> Vec<T> {
    let own = rows.range(from..).take_while(|(at, _)| at.partition == from.partition);
    own.map(|(_, row)| row.clone()).take(limit as usize).collect()
}

#[async_trait]
impl Snapshot for Rows {
    async fn projections(&mut self, _: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        Ok(Self::projections(self))
    }

    async fn deals(&mut self, _: u8) -> Result<Vec<DealRow>, StoreError> {
        Ok(Self::deals(self))
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
