//! The one trait in front of the databases.

use async_trait::async_trait;
use schemas::http::OrderStatus;
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Partition, Position, Timestamp};

use crate::fold::Changes;
use crate::row::{CommandRow, DealRow, KeyRow, OrderRow, UserRow};

/// How far one partition of one log is projected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionRow {
    /// Which partition.
    pub partition: Partition,
    /// State of the filter, stored in the same transaction as the rows.
    pub filter: FilterState,
}

/// Which orders of a customer, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only of this status.
    pub status: Option<OrderStatus>,
    /// Only after this one of the page before.
    pub after: Option<OrderCursor>,
    /// At most so many.
    pub limit: u32,
}

/// The last order of a page: the next page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCursor {
    /// When it was purchased.
    pub purchased_at: Timestamp,
    /// Log of its command.
    pub log_id: u8,
    /// Position of its command.
    pub position: Position,
}

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is locked for long, or its disk is full.
    #[error("read model is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What it holds is not what this program wrote.
    #[error("read model is damaged: {0}")]
    Damaged(Box<str>),
}

/// Why changes were not committed. Nothing of them was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another projector has gone on from where this one started: read the state again.
    #[error("partition {partition} is no longer at read_offset {expected}")]
    Moved {
        /// Which partition.
        partition: Partition,
        /// Where this projector started.
        expected: u64,
    },
    /// As for reads. The outcome may be unknown: read the state again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an account was not created.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The e-mail address has one.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// As for reads.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A read model. All times in milliseconds, all ids as 16 bytes.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Logs that rows were ever projected from: a new log takes another id than any of these.
    async fn log_ids(&self) -> Result<Vec<u8>, StoreError>;

    /// How far each partition of the log is projected, by partition; none that never was.
    async fn projections(&self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError>;

    /// Writes the changes of the effective decisions between the read_offset `expected` and
    /// `filter.read_offset` together with `filter`, in one transaction, only if the stored
    /// read_offset of this log and partition still is `expected` (0: none stored).
    async fn commit(
        &self,
        partition: Partition,
        expected: u64,
        filter: &FilterState,
        changes: &[Changes],
    ) -> Result<(), CommitError>;

    /// The order whose purchase stands there.
    async fn order(&self, log_id: u8, position: Position) -> Result<Option<OrderRow>, StoreError>;

    /// The command that stands there, if it did not become an order.
    async fn command(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Option<CommandRow>, StoreError>;

    /// A customer's orders over all logs, newest first by (purchased_at, log_id, position).
    async fn orders_of(
        &self,
        customer: CustomerId,
        filter: OrderFilter,
    ) -> Result<Vec<OrderRow>, StoreError>;

    /// One transaction's view of the deals of a log, with the projections that they are as of,
    /// so that a gateway's view can start from it.
    async fn deals(&self, log_id: u8) -> Result<(Vec<ProjectionRow>, Vec<DealRow>), StoreError>;

    /// Keys of all orders of unretired deals that ever took a unit, in one partition, from
    /// `offset` on in order of offset, at most `limit`.
    async fn keys(&self, log_id: u8, from: Position, limit: u32)
    -> Result<Vec<KeyRow>, StoreError>;

    /// One deal of any log, the newest log first: for links to deals of a log that was replaced.
    async fn deal(&self, deal_id: DealId) -> Result<Option<DealRow>, StoreError>;

    /// One transaction that sees the whole read model as of now, for audits.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Creates an account.
    async fn create_user(&self, user: &UserRow) -> Result<(), UserError>;

    /// The account of an e-mail address in lower case.
    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError>;

    /// Ends all connections.
    async fn close(&self);

    /// The order whose purchase stands there and the projection of its partition, as of one
    /// transaction, so that a gateway can lay exactly those changes over the row that it lacks.
    /// This one asks a [`Snapshot`]; a store that has a cheaper way should take it.
    async fn order_as_of(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<(Option<ProjectionRow>, Option<OrderRow>), StoreError> {
        let mut snapshot = self.snapshot().await?;
        let mut projections = snapshot.projections(log_id).await?;
        projections.retain(|row| row.partition == position.partition);
        let mut rows = snapshot.orders(log_id, position, 1).await?;
        rows.retain(|row| row.position == position);
        Ok((projections.pop(), rows.pop()))
    }
}

/// A consistent view of the whole read model, read in pages.
#[async_trait]
pub trait Snapshot: Send {
    /// Projections of a log, by partition.
    async fn projections(&mut self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError>;

    /// All deals of a log, by id.
    async fn deals(&mut self, log_id: u8) -> Result<Vec<DealRow>, StoreError>;

    /// Orders of a partition from `from` on in order of offset, at most `limit`.
    async fn orders(
        &mut self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<OrderRow>, StoreError>;

    /// Commands of a partition from `from` on in order of offset, at most `limit`.
    async fn commands(
        &mut self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<CommandRow>, StoreError>;
}
