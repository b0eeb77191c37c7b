//! The read model on a server: MySQL 8 or MariaDB 10.11. Owns which connections answer what; what
//! stands in a row is `sql`'s. Must not know what a row means.

mod address;
mod committing;
mod connections;
mod dialect;
mod fault;
mod options;
#[cfg(test)]
mod plans;
mod snapshot;
mod version;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Partition, Position};

pub use options::{AddressSource, MysqlOptions, OpenError};

use crate::fold::Changes;
use crate::row::{CommandRow, DealRow, KeyRow, OrderRow, UserRow};
use crate::sql::{commands, deals, orders, projections, users};
use crate::store::{
    CommitError, OrderFilter, ProjectionRow, Snapshot, Store, StoreError, UserError,
};
use address::Address;
use committing::Step;
use connections::{Connections, Purpose};
use snapshot::MysqlSnapshot;

/// Connections for audits and for gateways that start: they must not take those of shoppers.
const AUDITS: NonZeroU32 = NonZeroU32::new(4).expect("4 is not 0");
/// Longest time of one of their pages.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// A read model on a server. Clones share its connections. Needs a tokio runtime.
#[derive(Clone, Debug)]
pub struct MysqlStore {
    writers: Connections,
    readers: Connections,
    /// Read in pages that may take their time.
    audits: Connections,
}

impl MysqlStore {
    /// Connects to a read model whose tables are of this program's version, or of a later one of
    /// the same series. Changes no table: that is for [`MysqlStore::migrate`].
    ///
    /// # Errors
    /// If the address cannot be used, the server does not answer, or the tables are of an older
    /// version or a later series.
    pub async fn connect(options: &MysqlOptions) -> Result<Self, OpenError> {
        let address = Address::of(options)?;
        let limits = (options.writers, options.write_timeout);
        let writers = Connections::new(&address, options, Purpose::Writing, limits);
        let read_only = Self::open_readers(&address, options).await?;
        Ok(Self { writers, ..read_only })
    }

    /// The same for reading alone: the server itself refuses what writes, which is answered as
    /// [`StoreError::Unavailable`].
    ///
    /// # Errors
    /// As for [`MysqlStore::connect`].
    pub async fn open_read_only(options: &MysqlOptions) -> Result<Self, OpenError> {
        Self::open_readers(&Address::of(options)?, options).await
    }

    async fn open_readers(
        address: &Arc<Address>,
        options: &MysqlOptions,
    ) -> Result<Self, OpenError> {
        let limits = (options.readers, options.read_timeout);
        let readers = Connections::new(address, options, Purpose::Reading, limits);
        let limits = (AUDITS, PAGE_TIMEOUT);
        let audits = Connections::new(address, options, Purpose::Reading, limits);
        let mut lease = readers.lease().await?;
        let checked = readers.within(version::check(&mut lease)).await;
        lease.settle(checked)?;
        Ok(Self { writers: audits.clone(), readers, audits })
    }

    /// Makes the tables, or brings them to this program's version; does nothing if they are. May
    /// be called by two at once. The database itself must exist.
    ///
    /// # Errors
    /// If the address cannot be used, the server does not answer, the tables are of a later
    /// series, or somebody else has been migrating for a minute.
    pub async fn migrate(options: &MysqlOptions) -> Result<(), OpenError> {
        version::migrate(&options.connect_options()?).await
    }
}

#[async_trait]
impl Store for MysqlStore {
    async fn log_ids(&self) -> Result<Vec<u8>, StoreError> {
        let mut lease = self.readers.lease().await?;
        let ids = self.readers.within(projections::log_ids(&mut *lease)).await;
        lease.settle(ids)
    }

    async fn projections(&self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        let mut lease = self.readers.lease().await?;
        let rows = self.readers.within(projections::of_log(&mut *lease, log_id)).await;
        lease.settle(rows)
    }

    async fn commit(
        &self,
        partition: Partition,
        expected: u64,
        filter: &FilterState,
        changes: &[Changes],
    ) -> Result<(), CommitError> {
        let step = Step { partition, expected, filter, changes };
        committing::commit(&self.writers, step).await
    }

    async fn order(&self, log_id: u8, position: Position) -> Result<Option<OrderRow>, StoreError> {
        let mut lease = self.readers.lease().await?;
        let row = self.readers.within(orders::one(&mut *lease, log_id, position)).await;
        lease.settle(row)
    }

    async fn command(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Option<CommandRow>, StoreError> {
        let mut lease = self.readers.lease().await?;
        let row = self.readers.within(commands::one(&mut *lease, log_id, position)).await;
        lease.settle(row)
    }

    async fn orders_of(
        &self,
        customer: CustomerId,
        filter: OrderFilter,
    ) -> Result<Vec<OrderRow>, StoreError> {
        let mut lease = self.readers.lease().await?;
        let rows = self.readers.within(orders::of_customer(&mut *lease, customer, filter)).await;
        lease.settle(rows)
    }

    async fn deals(&self, log_id: u8) -> Result<(Vec<ProjectionRow>, Vec<DealRow>), StoreError> {
        let mut snapshot = MysqlSnapshot::begin(&self.audits).await?;
        Ok((snapshot.projections(log_id).await?, snapshot.deals(log_id).await?))
    }

    async fn keys(
        &self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<KeyRow>, StoreError> {
        let mut lease = self.audits.lease().await?;
        let rows = self.audits.within(orders::keys(&mut *lease, log_id, from, limit)).await;
        lease.settle(rows)
    }

    async fn deal(&self, deal_id: DealId) -> Result<Option<DealRow>, StoreError> {
        let mut lease = self.readers.lease().await?;
        let row = self.readers.within(deals::newest(&mut *lease, deal_id)).await;
        lease.settle(row)
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(MysqlSnapshot::begin(&self.audits).await?))
    }

    async fn create_user(&self, user: &UserRow) -> Result<(), UserError> {
        let mut lease = self.writers.lease().await?;
        let answered = async {
            match users::create(&mut *lease, user).await {
                Err(UserError::Store(fault)) => Err(fault),
                answer => Ok(answer),
            }
        };
        let answered = self.writers.within(answered).await;
        lease.settle(answered)?
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        let mut lease = self.readers.lease().await?;
        let row = self.readers.within(users::by_email(&mut *lease, email)).await;
        lease.settle(row)
    }

    async fn order_as_of(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<(Option<ProjectionRow>, Option<OrderRow>), StoreError> {
        let mut lease = self.readers.lease().await?;
        let rows = self.readers.within(orders::one_as_of(&mut *lease, log_id, position)).await;
        lease.settle(rows)
    }

    async fn close(&self) {
        self.writers.close().await;
        self.readers.close().await;
        self.audits.close().await;
    }
}
