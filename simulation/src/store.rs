//! The read model as one process reaches it: commits that are refused, slow, unknown or late, reads
//! that are refused. Must not know what a row means.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use read_model::{
    Changes, CommandRow, CommitError, DealRow, KeyRow, OrderFilter, OrderRow, ProjectionRow,
    Snapshot, Store, StoreError, UserError, UserRow,
};
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Partition, Position};

use crate::faults::{Fault, Site};
use crate::rows::Rows;
use crate::universe::Universe;
use crate::wire::Parcel;

/// The database. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Database(Arc<Mutex<Rows>>);

impl Database {
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction.
    fn commit(
        &self,
        partition: Partition,
        expected: u64,
        filter: &FilterState,
        changes: &[Changes],
    ) -> Result<(), CommitError> {
        let mut rows = self.rows();
        let stored = rows.projections.get(&partition).map_or(0, |filter| filter.read_offset);
        if stored != expected {
            return Err(CommitError::Moved { partition, expected });
        }
        rows.apply(partition, changes).map_err(|fault| StoreError::Damaged(fault.into()))?;
        rows.projections.insert(partition, filter.clone());
        Ok(())
    }
}

/// The database through one process's connection.
pub(crate) struct StoreLink {
    pub(crate) universe: Arc<Universe>,
    pub(crate) database: Database,
    pub(crate) site: Site,
}

impl StoreLink {
    async fn look<T>(&self, look: impl FnOnce(&Rows) -> T) -> Result<T, StoreError> {
        self.universe.pass().await;
        if self.universe.fires(Fault::StoreRefused, self.site).is_some() {
            return Err(unavailable());
        }
        let found = look(&self.database.rows());
        // What was found is told later, and may be old by then.
        self.universe.pass().await;
        Ok(found)
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("simulated".into())
}

#[async_trait]
impl Store for StoreLink {
    async fn commit(
        &self,
        partition: Partition,
        expected: u64,
        filter: &FilterState,
        changes: &[Changes],
    ) -> Result<(), CommitError> {
        let (universe, site) = (&self.universe, self.site);
        universe.pass().await;
        if universe.fires(Fault::CommitRefused, site).is_some() {
            return Err(unavailable().into());
        }
        if let Some(mut dice) = universe.fires(Fault::CommitSlow, site) {
            universe.sleep_ms(dice.scattered(10, 10_000)).await;
        }
        if let Some(mut dice) = universe.fires(Fault::CommitLate, site) {
            let (database, filter) = (self.database.clone(), filter.clone());
            let changes = changes.to_vec();
            // Nobody hears how it ends.
            let commit = move || drop(database.commit(partition, expected, &filter, &changes));
            universe.post(dice.scattered(10, 30_000), Parcel::Work(Box::new(commit)));
            return Err(unavailable().into());
        }
        self.database.commit(partition, expected, filter, changes)?;
        if universe.fires(Fault::CommitUnknown, site).is_some() {
            return Err(unavailable().into());
        }
        universe.pass().await;
        Ok(())
    }

    async fn log_ids(&self) -> Result<Vec<u8>, StoreError> {
        self.look(|rows| rows.projections.values().filter_map(|filter| filter.log_id).collect())
            .await
    }

    async fn projections(&self, _: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        self.look(Rows::projections).await
    }

    async fn order(&self, _: u8, position: Position) -> Result<Option<OrderRow>, StoreError> {
        self.look(|rows| rows.orders.get(&position).cloned()).await
    }

    async fn command(&self, _: u8, position: Position) -> Result<Option<CommandRow>, StoreError> {
        self.look(|rows| rows.commands.get(&position).cloned()).await
    }

    async fn orders_of(
        &self,
        customer: CustomerId,
        filter: OrderFilter,
    ) -> Result<Vec<OrderRow>, StoreError> {
        self.look(|rows| rows.orders_of(customer, filter)).await
    }

    async fn deals(&self, _: u8) -> Result<(Vec<ProjectionRow>, Vec<DealRow>), StoreError> {
        self.look(|rows| (rows.projections(), rows.deals())).await
    }

    async fn keys(&self, _: u8, from: Position, limit: u32) -> Result<Vec<KeyRow>, StoreError> {
        self.look(|rows| rows.keys(from, limit)).await
    }

    async fn deal(&self, deal_id: DealId) -> Result<Option<DealRow>, StoreError> {
        self.look(|rows| rows.deals.get(&deal_id).cloned()).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.look(|rows| Box::new(rows.clone()) as Box<dyn Snapshot>).await
    }

    async fn order_as_of(
        &self,
        _: u8,
        position: Position,
    ) -> Result<(Option<ProjectionRow>, Option<OrderRow>), StoreError> {
        // No view asks for what it still has.
        self.universe.count("orders that had left a view");
        let found = |rows: &Rows| {
            let filter = rows.projections.get(&position.partition).cloned();
            let projection =
                filter.map(|filter| ProjectionRow { partition: position.partition, filter });
            (projection, rows.orders.get(&position).cloned())
        };
        self.look(found).await
    }

    async fn create_user(&self, _: &UserRow) -> Result<(), UserError> {
        Err(unavailable().into())
    }

    async fn user_by_email(&self, _: &str) -> Result<Option<UserRow>, StoreError> {
        Err(unavailable())
    }

    async fn close(&self) {}
}

impl fmt::Debug for StoreLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreLink").field("site", &self.site).finish_non_exhaustive()
    }
}
