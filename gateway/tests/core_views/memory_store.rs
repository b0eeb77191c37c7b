//! A read model in memory, with a lock in place of transactions, that can be down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use read_model::{
    Changes, CommandRow, CommitError, DealRow, KeyRow, OrderCursor, OrderFilter, OrderRow,
    ProjectionRow, Snapshot, Store, StoreError, UserError, UserRow,
};
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Partition, Position};

#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) projections: BTreeMap<Partition, FilterState>,
    pub(crate) deals: BTreeMap<DealId, DealRow>,
    pub(crate) orders: BTreeMap<(u8, Position), OrderRow>,
    pub(crate) commands: BTreeMap<(u8, Position), CommandRow>,
}

impl Rows {
    /// Applies changes as a database does, written apart from the view's own way.
    pub(crate) fn apply(&mut self, partition: Partition, changes: &[Changes]) {
        for change in changes {
            match change {
                Changes::Deal(row, _) => {
                    self.deals.insert(row.deal_id, (**row).clone());
                }
                Changes::Order(row) => {
                    let before = self.orders.insert((row.log_id, row.position), (**row).clone());
                    assert!(before.is_none(), "an order is decided once");
                }
                Changes::OrderChanged(offset, change) => {
                    let position = Position { partition, offset: *offset };
                    let own = self.orders.iter_mut().find(|((_, it), _)| *it == position);
                    own.expect("tests change orders that there are").1.change(*change);
                }
                Changes::Counters { deal_id, stock_left, held, adjusted } => {
                    let deal = self.deals.get_mut(deal_id).unwrap();
                    deal.stock_left = *stock_left;
                    if let Some(held) = held {
                        deal.held = *held;
                    }
                    deal.adjusted += adjusted;
                }
                Changes::Paused(deal_id, paused) => {
                    self.deals.get_mut(deal_id).unwrap().paused = *paused;
                }
                Changes::Rescheduled(deal_id, opens_at, closes_at) => {
                    let terms = &mut self.deals.get_mut(deal_id).unwrap().terms;
                    (terms.opens_at, terms.closes_at) = (*opens_at, *closes_at);
                }
                Changes::Closed(deal_id) => self.deals.get_mut(deal_id).unwrap().closed = true,
                Changes::Retired(deal_id) => self.deals.get_mut(deal_id).unwrap().retired = true,
                Changes::Command(row) => {
                    self.commands.insert((row.log_id, row.position), row.clone());
                }
            }
        }
    }

    fn projections(&self) -> Vec<ProjectionRow> {
        let row = |(&partition, filter): (&Partition, &FilterState)| ProjectionRow {
            partition,
            filter: filter.clone(),
        };
        self.projections.iter().map(row).collect()
    }

    fn orders_from(&self, log_id: u8, from: Position, limit: u32) -> Vec<OrderRow> {
        let range = self.orders.range((log_id, from)..);
        let own = range.filter(|((log, it), _)| *log == log_id && it.partition == from.partition);
        own.map(|(_, row)| row.clone()).take(limit as usize).collect()
    }
}

#[derive(Debug, Default)]
struct Contents {
    rows: Rows,
    is_down: bool,
    /// What the next call of `deals` answers from.
    frozen: Option<Rows>,
    /// What happens once the next page of orders was read.
    after_orders: Option<Meanwhile>,
}

struct Meanwhile(Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<Contents>>);

impl MemoryStore {
    pub(crate) fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap().is_down = is_down;
    }

    /// Restored from the day before everything.
    pub(crate) fn forget_all(&self) {
        self.0.lock().unwrap().rows = Rows::default();
    }

    /// The next call of `deals` sees the rows as they are now.
    pub(crate) fn freeze_deals(&self) {
        let mut contents = self.0.lock().unwrap();
        contents.frozen = Some(contents.rows.clone());
    }

    /// Calls `meanwhile` after the next page of orders was read, before it is answered.
    pub(crate) fn after_orders(&self, meanwhile: impl FnOnce() + Send + 'static) {
        self.0.lock().unwrap().after_orders = Some(Meanwhile(Box::new(meanwhile)));
    }

    fn lock(&self) -> Result<MutexGuard<'_, Contents>, StoreError> {
        let contents = self.0.lock().unwrap();
        if contents.is_down {
            return Err(StoreError::Unavailable("it is down".into()));
        }
        Ok(contents)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn log_ids(&self) -> Result<Vec<u8>, StoreError> {
        Ok(Vec::new())
    }

    async fn projections(&self, _: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        Ok(self.lock()?.rows.projections())
    }

    async fn commit(
        &self,
        partition: Partition,
        expected: u64,
        filter: &FilterState,
        changes: &[Changes],
    ) -> Result<(), CommitError> {
        let rows = &mut self.lock()?.rows;
        let stored = rows.projections.get(&partition).map_or(0, |filter| filter.read_offset);
        if stored != expected {
            return Err(CommitError::Moved { partition, expected });
        }
        rows.apply(partition, changes);
        rows.projections.insert(partition, filter.clone());
        Ok(())
    }

    async fn order(&self, log_id: u8, position: Position) -> Result<Option<OrderRow>, StoreError> {
        Ok(self.lock()?.rows.orders.get(&(log_id, position)).cloned())
    }

    async fn command(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Option<CommandRow>, StoreError> {
        Ok(self.lock()?.rows.commands.get(&(log_id, position)).cloned())
    }

    async fn orders_of(
        &self,
        customer: CustomerId,
        filter: OrderFilter,
    ) -> Result<Vec<OrderRow>, StoreError> {
        let contents = self.lock()?;
        let key = |row: &OrderRow| (row.purchased_at, row.log_id, row.position);
        let before = |it: &OrderRow, after: OrderCursor| {
            key(it) < (after.purchased_at, after.log_id, after.position)
        };
        let mut rows: Vec<_> = contents.rows.orders.values().cloned().collect();
        rows.retain(|row| row.customer == customer);
        rows.retain(|row| filter.status.is_none_or(|status| row.status == status));
        rows.retain(|row| filter.after.is_none_or(|after| before(row, after)));
        rows.sort_by_key(|row| std::cmp::Reverse(key(row)));
        rows.truncate(filter.limit as usize);
        drop(contents);
        let meanwhile = self.0.lock().unwrap().after_orders.take();
        if let Some(Meanwhile(meanwhile)) = meanwhile {
            meanwhile();
        }
        Ok(rows)
    }

    async fn deals(&self, _: u8) -> Result<(Vec<ProjectionRow>, Vec<DealRow>), StoreError> {
        let mut contents = self.lock()?;
        let rows = contents.frozen.take().unwrap_or_else(|| contents.rows.clone());
        Ok((rows.projections(), rows.deals.values().cloned().collect()))
    }

    async fn keys(
        &self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<KeyRow>, StoreError> {
        let rows = &self.lock()?.rows;
        let is_live = |row: &OrderRow| {
            row.rejection.is_none() && rows.deals.get(&row.deal_id).is_some_and(|it| !it.retired)
        };
        let live = rows.orders_from(log_id, from, u32::MAX).into_iter().filter(is_live);
        let key = |row: OrderRow| KeyRow {
            deal_id: row.deal_id,
            key: row.key,
            fingerprint: row.fingerprint,
            offset: row.position.offset,
        };
        Ok(live.map(key).take(limit as usize).collect())
    }

    async fn deal(&self, deal_id: DealId) -> Result<Option<DealRow>, StoreError> {
        Ok(self.lock()?.rows.deals.get(&deal_id).cloned())
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(self.lock()?.rows.clone()))
    }

    async fn create_user(&self, _: &UserRow) -> Result<(), UserError> {
        Ok(())
    }

    async fn user_by_email(&self, _: &str) -> Result<Option<UserRow>, StoreError> {
        Ok(None)
    }

    async fn close(&self) {}
}

#[async_trait]
impl Snapshot for Rows {
    async fn projections(&mut self, _: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        Ok(Self::projections(self))
    }

    async fn deals(&mut self, _: u8) -> Result<Vec<DealRow>, StoreError> {
        Ok(self.deals.values().cloned().collect())
    }

    async fn orders(
        &mut self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<OrderRow>, StoreError> {
        Ok(self.orders_from(log_id, from, limit))
    }

    async fn commands(
        &mut self,
        _: u8,
        _: Position,
        _: u32,
    ) -> Result<Vec<CommandRow>, StoreError> {
        Ok(self.commands.values().cloned().collect())
    }
}
