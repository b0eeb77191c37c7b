//! A store that fails on request, around one that does not.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use read_model::{
    Changes, CommandRow, CommitError, DealRow, KeyRow, OrderFilter, OrderRow, ProjectionRow,
    Snapshot, SqliteStore, Store, StoreError, UserError, UserRow,
};
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Partition, Position};
use tokio::sync::Notify;

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is written.
    Refused,
    /// It is written, but nobody hears of it.
    AnswerLost,
    /// The store says that it is damaged.
    Damaged,
    /// Nothing happens until the store is told to go on.
    Withheld,
}

#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: SqliteStore,
    faults: Mutex<VecDeque<Fault>>,
    go_on: Notify,
}

impl FaultyStore {
    pub(crate) fn new(inner: SqliteStore) -> Self {
        Self { inner, faults: Mutex::default(), go_on: Notify::new() }
    }

    /// Whether there is nothing left that was decided about later commits.
    pub(crate) fn has_begun_all(&self) -> bool {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Ends what is withheld.
    pub(crate) fn go_on(&self) {
        self.go_on.notify_one();
    }

    /// Decides about the next commit that nothing was decided about yet.
    pub(crate) fn fail_next(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    fn next_fault(&self) -> Option<Fault> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

fn unavailable() -> CommitError {
    StoreError::Unavailable("made to fail".into()).into()
}

#[async_trait]
impl Store for FaultyStore {
    async fn commit(
        &self,
        partition: Partition,
        expected: u64,
        filter: &FilterState,
        changes: &[Changes],
    ) -> Result<(), CommitError> {
        match self.next_fault() {
            Some(Fault::Refused) => Err(unavailable()),
            Some(Fault::Damaged) => Err(StoreError::Damaged("made to fail".into()).into()),
            Some(Fault::AnswerLost) => {
                self.inner.commit(partition, expected, filter, changes).await?;
                Err(unavailable())
            }
            Some(Fault::Withheld) => {
                self.go_on.notified().await;
                self.inner.commit(partition, expected, filter, changes).await
            }
            None => self.inner.commit(partition, expected, filter, changes).await,
        }
    }

    async fn log_ids(&self) -> Result<Vec<u8>, StoreError> {
        self.inner.log_ids().await
    }

    async fn projections(&self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        self.inner.projections(log_id).await
    }

    async fn order(&self, log_id: u8, position: Position) -> Result<Option<OrderRow>, StoreError> {
        self.inner.order(log_id, position).await
    }

    async fn command(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Option<CommandRow>, StoreError> {
        self.inner.command(log_id, position).await
    }

    async fn orders_of(
        &self,
        customer: CustomerId,
        filter: OrderFilter,
    ) -> Result<Vec<OrderRow>, StoreError> {
        self.inner.orders_of(customer, filter).await
    }

    async fn deals(&self, log_id: u8) -> Result<(Vec<ProjectionRow>, Vec<DealRow>), StoreError> {
        self.inner.deals(log_id).await
    }

    async fn keys(
        &self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<KeyRow>, StoreError> {
        self.inner.keys(log_id, from, limit).await
    }

    async fn deal(&self, deal_id: DealId) -> Result<Option<DealRow>, StoreError> {
        self.inner.deal(deal_id).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.inner.snapshot().await
    }

    async fn create_user(&self, user: &UserRow) -> Result<(), UserError> {
        self.inner.create_user(user).await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        self.inner.user_by_email(email).await
    }

    async fn order_as_of(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<(Option<ProjectionRow>, Option<OrderRow>), StoreError> {
        self.inner.order_as_of(log_id, position).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
