//! One of the three logs as callers see it: the contract, answered from the tail, the append queue
//! and the reader pool.

use std::fmt;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use schemas::{Offset, Partition, Timestamp};
use tokio::sync::oneshot;

use super::queue::{AppendQueue, Refusal, Waiting};
use super::reader::{self, ReaderPool};
use super::schema::{self, LogName};
use super::tables::{Table, Tables};
use crate::contract::{AppendError, Batch, Log, ReadError, ReadLimits, Receipt, Record, Stored};
use crate::tail::Found;
use crate::weight::{RECORD_BYTES_MAX, record_bytes};

/// What the handles of all three logs share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) tables: Arc<Tables>,
    pub(crate) pool: ReaderPool,
    /// `None` if the file was opened for reading only: then the tails are not up to date, and
    /// bounds come from the file.
    pub(crate) queue: Option<Arc<AppendQueue>>,
}

/// A handle of one log.
pub(crate) struct EmbeddedLog {
    pub(crate) log: LogName,
    pub(crate) shared: Arc<Shared>,
}

impl EmbeddedLog {
    fn table(&self, partition: Partition) -> Option<&Table> {
        let tables = &self.shared.tables;
        tables.index(self.log, partition).map(|index| tables.get(index))
    }

    /// The table, unless the log is closed or there is no such partition.
    fn readable(&self, partition: Partition) -> Result<&Table, ReadError> {
        if self.shared.tables.is_closed() {
            return Err(self.unreadable(partition, "the log is closed".into()));
        }
        self.table(partition)
            .ok_or_else(|| self.unreadable(partition, "there is no such partition".into()))
    }

    fn unreadable(&self, partition: Partition, reason: Box<str>) -> ReadError {
        ReadError::Unavailable { log: self.log.as_str().into(), partition, reason }
    }

    fn unavailable(&self, partition: Partition, reason: &str) -> Receipt {
        let (log, reason) = (self.log.as_str().into(), reason.into());
        Receipt::ready(Err(AppendError::Unavailable { log, partition, reason }))
    }

    fn outside(
        &self,
        partition: Partition,
        offset: Offset,
        (start, end): (Offset, Offset),
    ) -> ReadError {
        ReadError::OutOfRange { log: self.log.as_str().into(), partition, offset, start, end }
    }

    async fn read_older(
        &self,
        table: &Table,
        from: Offset,
        end: Offset,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError> {
        let name = table.sql_name.clone();
        let read = move |connection: &_| reader::read_rows(connection, &name, from, end, limits);
        let records = self.shared.pool.run(read).await;
        let records = records.map_err(|reason| self.unreadable(table.partition, reason))?;
        Ok(Batch { records, end })
    }

    async fn read_file(
        &self,
        table: &Table,
        from: Offset,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError> {
        let name = table.sql_name.clone();
        let read = move |connection: &_| reader::read_snapshot(connection, &name, from, limits);
        let found = self.shared.pool.run(read).await;
        let (bounds, batch) = found.map_err(|reason| self.unreadable(table.partition, reason))?;
        table.tail.advance(bounds.start, bounds.end);
        batch.ok_or_else(|| self.outside(table.partition, from, (bounds.start, bounds.end)))
    }

    async fn bounds(&self, partition: Partition) -> Result<(Offset, Offset), ReadError> {
        let table = self.readable(partition)?;
        if self.shared.queue.is_some() {
            return Ok((table.tail.start(), table.tail.end()));
        }
        let name = table.sql_name.clone();
        let read = move |connection: &_| Ok(schema::bounds(connection, &name)?);
        let found = self.shared.pool.run(read).await;
        let bounds = found.map_err(|reason| self.unreadable(partition, reason))?;
        table.tail.advance(bounds.start, bounds.end);
        Ok((bounds.start, bounds.end))
    }
}

impl Log for EmbeddedLog {
    fn name(&self) -> &str {
        self.log.as_str()
    }

    fn partitions(&self) -> Partition {
        self.shared.tables.partitions()
    }

    fn append(&self, partition: Partition, records: Vec<Record>) -> Receipt {
        let Some(queue) = &self.shared.queue else {
            return self.unavailable(partition, "the log is open for reading only");
        };
        let Some(table) = self.shared.tables.index(self.log, partition) else {
            return self.unavailable(partition, "there is no such partition");
        };
        if self.shared.tables.is_closed() {
            return self.unavailable(partition, "the log is closed");
        }
        if records.is_empty() {
            // The queue counts records, so nothing would bound these.
            return Receipt::ready(Ok(Vec::new()));
        }
        let log = || self.log.as_str().into();
        let mut bytes = 0;
        for record in &records {
            let record_bytes = record_bytes(record);
            if record_bytes > RECORD_BYTES_MAX {
                return Receipt::ready(Err(AppendError::TooLarge {
                    log: log(),
                    partition,
                    bytes: record_bytes,
                    bytes_max: RECORD_BYTES_MAX,
                }));
            }
            bytes += record_bytes;
        }
        let store = |record| Stored::new(0, Timestamp::EPOCH, record);
        let records = records.into_iter().map(store).collect();
        let (answer, answered) = oneshot::channel();
        match queue.push(Waiting { table, records, bytes, answer }) {
            Ok(()) => {}
            Err(Refusal::Full) => {
                return Receipt::ready(Err(AppendError::Full { log: log(), partition }));
            }
            Err(Refusal::Closed) => return self.unavailable(partition, "the log is closed"),
        }
        let log = log();
        Receipt::new(async move {
            let lost = |_| {
                let reason = "the writer stopped before it answered".into();
                AppendError::Unknown { log, partition, reason }
            };
            answered.await.map_err(lost)?
        })
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> BoxFuture<'_, Result<Batch, ReadError>> {
        async move {
            let table = self.readable(partition)?;
            if self.shared.queue.is_none() {
                return self.read_file(table, from, limits).await;
            }
            match table.tail.find(from, limits) {
                Found::Here(batch) => Ok(batch),
                Found::Older { end } => self.read_older(table, from, end, limits).await,
                Found::Outside { start, end } => Err(self.outside(partition, from, (start, end))),
            }
        }
        .boxed()
    }

    fn wait(&self, partition: Partition, offset: Offset) -> BoxFuture<'_, ()> {
        async move {
            if let Some(table) = self.table(partition) {
                table.tail.wait(offset).await;
            }
        }
        .boxed()
    }

    fn start(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        async move { Ok(self.bounds(partition).await?.0) }.boxed()
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        async move { Ok(self.bounds(partition).await?.1) }.boxed()
    }
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog").field("name", &self.name()).finish_non_exhaustive()
    }
}
