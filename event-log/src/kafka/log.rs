//! One log of a broker as callers see it: the contract, answered from the tails, from the brokers,
//! and by the appender.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use rdkafka::error::KafkaResult;
use schemas::{Offset, Partition};

use super::appender::Appender;
use super::catch_up::{CatchUp, Missed, Reading};
use super::connection::Connection;
use super::delivery::{Load, Told};
use super::ends::{Asker, Bound};
use super::follower::Follower;
use super::options::KafkaOptions;
use super::reach::Reach;
use super::tails::Tails;
use crate::contract::{AppendError, Batch, Log, ReadError, ReadLimits, Receipt, Record};
use crate::tail::Found;

/// One log of a broker.
pub(super) struct KafkaLog {
    name: Box<str>,
    tails: Arc<Tails>,
    /// None for who only reads.
    appender: Option<Appender>,
    asker: Asker,
    follower: Follower,
    catch_up: CatchUp,
    patience: Duration,
}

impl KafkaLog {
    pub(super) fn start(
        name: &str,
        partitions: Partition,
        connection: &Connection,
        options: KafkaOptions,
    ) -> KafkaResult<Self> {
        let topic = connection.topic(name);
        let tails = Arc::new(Tails::new(partitions, options.kept_bytes_max));
        let reach = Arc::new(Reach::default());
        let (told, heard) = (Arc::clone(&tails), Arc::clone(&reach));
        let told = Told { name: name.into(), tails: told, reach: heard, load: Load::default() };
        let appender = match options.appends {
            true => Some(Appender::start(Arc::new(told), connection, options)?),
            false => None,
        };
        let (shared, heard) = (Arc::clone(&tails), Arc::clone(&reach));
        let asker = Asker::start(topic.clone(), connection, shared, heard)?;
        let follower = Follower::start(topic.clone(), connection, Arc::clone(&tails), reach)?;
        let catch_up = CatchUp::new(topic, connection, options.read_patience);
        let (name, patience) = (name.into(), options.read_patience);
        Ok(Self { name, tails, appender, asker, follower, catch_up, patience })
    }

    /// Refuses everything from now on. Does not block.
    pub(super) fn refuse(&self) {
        if let Some(appender) = &self.appender {
            appender.refuse();
        }
        self.tails.close();
        self.asker.refuse();
        self.catch_up.refuse();
    }

    /// Waits until what was appended has an outcome and no thread is left; all of them were told.
    pub(super) fn join(&self) {
        if let Some(appender) = &self.appender {
            appender.join();
        }
        self.asker.join();
        self.catch_up.join();
        self.follower.join();
    }

    fn unreadable(&self, partition: Partition, reason: &str) -> ReadError {
        let log = self.name.clone();
        ReadError::Unavailable { log, partition, reason: reason.into() }
    }

    fn check(&self, partition: Partition) -> Result<(), ReadError> {
        if self.tails.is_closed() {
            return Err(self.unreadable(partition, "the log is closed"));
        }
        if partition >= self.tails.partitions() {
            return Err(self.unreadable(partition, "there is no such partition"));
        }
        Ok(())
    }

    async fn bound(&self, partition: Partition, bound: Bound) -> Result<Offset, ReadError> {
        self.check(partition)?;
        let asked = self.asker.ask(partition, bound).await;
        asked.map_err(|reason| self.unreadable(partition, &reason))
    }

    async fn read_now(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError> {
        loop {
            self.check(partition)?;
            let row = self.tails.row(partition).expect("it was checked");
            if !row.is_followed() {
                return self.read_apart(partition, from, limits).await;
            }
            self.tails.touch(row);
            // Before the tail is looked at: what is acknowledged later is not owed to this call.
            let known = self.tails.known_end(partition);
            match row.tail.find(from, limits) {
                Found::Here(batch) if !batch.records.is_empty() || known <= from => {
                    return Ok(Batch { end: batch.end.max(known), ..batch });
                }
                Found::Outside { end, .. } if from > end && from > known => {
                    return self.read_apart(partition, from, limits).await;
                }
                Found::Here(_) => {}
                Found::Outside { end, .. } if from > end => {}
                Found::Outside { .. } | Found::Older { .. } => {
                    return self.read_apart(partition, from, limits).await;
                }
            }
            // It is there, and on its way to the tail.
            let arrived = self.tails.arrival(row, from, self.patience).await;
            if !arrived && row.is_followed() && !self.tails.is_closed() {
                let end = self.bound(partition, Bound::End).await?;
                if end < known {
                    tracing::error!(partition, end, known, "{} has become shorter", self.name);
                    self.tails.correct_end(partition, end);
                    self.follower.let_go(partition);
                    return Err(self.unreadable(partition, "the log has become shorter"));
                }
                let reason = format!("the brokers did not give {from} in time");
                return Err(self.unreadable(partition, &reason));
            }
        }
    }

    /// Reads past the tail, and begins to follow the partition once its end is reached.
    async fn read_apart(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError> {
        let known = self.tails.known_end(partition);
        let is_old = from < known;
        let end = if is_old { known } else { self.bound(partition, Bound::End).await? };
        if from >= end {
            if from > end {
                return Err(self.outside(partition, from).await);
            }
            self.follower.follow(partition, end);
            return Ok(Batch { records: Vec::new(), end });
        }
        let read = self.catch_up.read(Reading { partition, from, end, limits }).await;
        let records = match read {
            Ok(records) => records,
            Err(Missed::Outside) => return Err(self.outside(partition, from).await),
            Err(Missed::Because(reason)) => return Err(self.unreadable(partition, &reason)),
        };
        // From an end that was known for long the tail would begin empty, and look like the end.
        if !is_old && records.last().is_some_and(|last| last.offset + 1 == end) {
            self.follower.follow(partition, end);
        }
        Ok(Batch { records, end })
    }

    async fn outside(&self, partition: Partition, offset: Offset) -> ReadError {
        let start = self.bound(partition, Bound::Start).await;
        let end = self.bound(partition, Bound::End).await;
        match (start, end) {
            (Ok(start), Ok(end)) if !(start..=end).contains(&offset) => {
                ReadError::OutOfRange { log: self.name.clone(), partition, offset, start, end }
            }
            (Ok(_), Ok(_)) => self.unreadable(partition, "the log is moving"),
            (Err(fault), _) | (_, Err(fault)) => fault,
        }
    }
}

impl Log for KafkaLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn partitions(&self) -> Partition {
        self.tails.partitions()
    }

    fn append(&self, partition: Partition, records: Vec<Record>) -> Receipt {
        match &self.appender {
            Some(appender) => appender.append(partition, records),
            None => {
                let (log, reason) = (self.name.clone(), "opened for reading alone".into());
                Receipt::ready(Err(AppendError::Unavailable { log, partition, reason }))
            }
        }
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> BoxFuture<'_, Result<Batch, ReadError>> {
        self.read_now(partition, from, limits).boxed()
    }

    fn wait(&self, partition: Partition, offset: Offset) -> BoxFuture<'_, ()> {
        async move {
            let Some(row) = self.tails.row(partition) else { return };
            if self.tails.known_end(partition) > offset {
                return;
            }
            if !row.is_followed() {
                // If nobody knows the end, the caller's next read says why.
                let Ok(end) = self.bound(partition, Bound::End).await else { return };
                self.follower.follow(partition, end);
            }
            self.tails.wait(partition, offset).await;
        }
        .boxed()
    }

    fn start(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        self.bound(partition, Bound::Start).boxed()
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        self.bound(partition, Bound::End).boxed()
    }
}

/// Its threads end with it.
impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.refuse();
        self.join();
    }
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog").field("name", &self.name).finish_non_exhaustive()
    }
}
