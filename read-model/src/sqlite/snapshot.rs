//! One read transaction, held open over its pages.

use async_trait::async_trait;
use schemas::Position;
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::fault::fault;
use crate::row::{CommandRow, DealRow, OrderRow};
use crate::sql::{commands, deals, orders, projections};
use crate::store::{ProjectionRow, Snapshot, StoreError};

/// Dropping it ends the transaction.
pub(super) struct SqliteSnapshot(Transaction<'static, Sqlite>);

impl SqliteSnapshot {
    /// A transaction that sees what is committed by now.
    pub(super) async fn begin(pool: &SqlitePool) -> Result<Self, StoreError> {
        let mut transaction = pool.begin().await.map_err(fault)?;
        // SQLite takes the snapshot at the first read, not at the beginning.
        projections::log_ids(&mut *transaction).await?;
        Ok(Self(transaction))
    }
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    async fn projections(&mut self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        projections::of_log(&mut *self.0, log_id).await
    }

    async fn deals(&mut self, log_id: u8) -> Result<Vec<DealRow>, StoreError> {
        deals::of_log(&mut *self.0, log_id).await
    }

    async fn orders(
        &mut self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<OrderRow>, StoreError> {
        orders::page(&mut *self.0, log_id, from, limit).await
    }

    async fn commands(
        &mut self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<CommandRow>, StoreError> {
        commands::page(&mut *self.0, log_id, from, limit).await
    }
}
