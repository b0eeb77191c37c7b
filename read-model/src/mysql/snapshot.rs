//! One read transaction, held open over its pages.

use async_trait::async_trait;
use schemas::Position;

use super::connections::{Connections, Lease};
use super::fault::fault;
use crate::row::{CommandRow, DealRow, OrderRow};
use crate::sql::{commands, deals, orders, projections};
use crate::store::{ProjectionRow, Snapshot, StoreError};

/// Both databases take the snapshot with the statement, not with the first question.
const BEGIN: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// Dropping it closes the connection, which ends the transaction. After a fault there is none: a
/// later page from another transaction would not be of the same moment.
pub(super) struct MysqlSnapshot {
    connections: Connections,
    lease: Option<Lease>,
}

impl MysqlSnapshot {
    /// A transaction that sees what is committed by now.
    pub(super) async fn begin(connections: &Connections) -> Result<Self, StoreError> {
        let mut lease = connections.lease().await?;
        let begun = async { sqlx::raw_sql(BEGIN).execute(&mut *lease).await.map_err(fault) };
        connections.within(begun).await?;
        Ok(Self { connections: connections.clone(), lease: Some(lease) })
    }

    /// The connection, until the answer is there.
    fn take(&mut self) -> Result<Lease, StoreError> {
        let gone = || StoreError::Unavailable("the snapshot ended with an earlier fault".into());
        self.lease.take().ok_or_else(gone)
    }

    fn keep<T>(&mut self, lease: Lease, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_ok() {
            self.lease = Some(lease);
        }
        answer
    }
}

#[async_trait]
impl Snapshot for MysqlSnapshot {
    async fn projections(&mut self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        let mut lease = self.take()?;
        let rows = self.connections.within(projections::of_log(&mut *lease, log_id)).await;
        self.keep(lease, rows)
    }

    async fn deals(&mut self, log_id: u8) -> Result<Vec<DealRow>, StoreError> {
        let mut lease = self.take()?;
        let rows = self.connections.within(deals::of_log(&mut *lease, log_id)).await;
        self.keep(lease, rows)
    }

    async fn orders(
        &mut self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<OrderRow>, StoreError> {
        let mut lease = self.take()?;
        let page = orders::page(&mut *lease, log_id, from, limit);
        let rows = self.connections.within(page).await;
        self.keep(lease, rows)
    }

    async fn commands(
        &mut self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<CommandRow>, StoreError> {
        let mut lease = self.take()?;
        let page = commands::page(&mut *lease, log_id, from, limit);
        let rows = self.connections.within(page).await;
        self.keep(lease, rows)
    }
}
