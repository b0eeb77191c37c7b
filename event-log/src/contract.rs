//! The contract that every backend keeps, held by one conformance suite.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::{Offset, Partition, Timestamp};

/// What is appended: a payload with a few small headers. `key` is only for other people's tools
/// (Kafka's own sense of a key); nothing here reads it. Empty means none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The product id of a command; empty for other records.
    pub key: Bytes,
    /// Shared by all records that have the same.
    pub headers: Headers,
    /// The bytes that the record is about.
    pub payload: Bytes,
}

/// Names and values of a record's headers, in order. Names are few and short; values are text.
pub type Headers = Arc<[(Arc<str>, Bytes)]>;

/// These names and values as a record's headers.
#[must_use]
pub fn headers<V: Into<Bytes>, const N: usize>(list: [(&str, V); N]) -> Headers {
    list.map(|(name, value)| (name.into(), value.into())).into()
}

/// What is read back. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it stands in its partition.
    pub offset: Offset,
    /// The append time that the log gave it. Never falls within a partition of an embedded log; a
    /// broker's may when its leader changes, so readers take the maximum.
    pub log_time: Timestamp,
    /// As appended.
    pub key: Bytes,
    /// As appended, in the same order.
    pub headers: Headers,
    /// As appended.
    pub payload: Bytes,
}

impl Stored {
    /// What becomes of `record` at `offset`.
    pub(crate) fn new(offset: Offset, log_time: Timestamp, record: Record) -> Self {
        let Record { key, headers, payload } = record;
        Self { offset, log_time, key, headers, payload }
    }

    /// The value of the first header called `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|(found, _)| &**found == name).map(|(_, value)| value)
    }
}

/// Where one record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its offset.
    pub offset: Offset,
    /// Its append time.
    pub log_time: Timestamp,
}

/// Consecutive records of one partition, and the end that the log had when they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In offset order, without gaps, from the offset that was asked for.
    pub records: Vec<Stored>,
    /// The offset that the next appended record would have got at the time of reading.
    pub end: Offset,
}

/// How much one read may return. At least one record is returned if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Most records.
    pub records_max: usize,
    /// Most bytes of payload.
    pub bytes_max: usize,
}

/// Why an append did not succeed. The difference between the first three and the last is the
/// difference between "try again" and "nobody knows".
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The queue of waiting appends is full. Nothing was written.
    #[error("{log}/{partition}: too many appends are waiting")]
    Full {
        /// Name of the log.
        log: Box<str>,
        /// Partition of the append.
        partition: Partition,
    },
    /// A record is larger than the log takes. Nothing was written.
    #[error("{log}/{partition}: a record of {bytes} bytes is larger than {bytes_max}")]
    TooLarge {
        /// Name of the log.
        log: Box<str>,
        /// Partition of the append.
        partition: Partition,
        /// Size of the record.
        bytes: usize,
        /// Size that the log takes.
        bytes_max: usize,
    },
    /// The log could not take it (disk full, broker away, closed). Nothing was written.
    #[error("{log}/{partition}: not appended: {reason}")]
    Unavailable {
        /// Name of the log.
        log: Box<str>,
        /// Partition of the append.
        partition: Partition,
        /// What the backend said.
        reason: Box<str>,
    },
    /// The records may or may not stand in the log, now or later.
    #[error("{log}/{partition}: outcome of an append is unknown: {reason}")]
    Unknown {
        /// Name of the log.
        log: Box<str>,
        /// Partition of the append.
        partition: Partition,
        /// What the backend said.
        reason: Box<str>,
    },
}

/// Why a read did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The offset lies before the first or after the last record.
    #[error("{log}/{partition}: offset {offset} is outside {start}..={end}")]
    OutOfRange {
        /// Name of the log.
        log: Box<str>,
        /// Partition of the read.
        partition: Partition,
        /// Offset that was asked for.
        offset: Offset,
        /// First offset kept.
        start: Offset,
        /// Offset after the last record.
        end: Offset,
    },
    /// The log could not be read now.
    #[error("{log}/{partition}: not read: {reason}")]
    Unavailable {
        /// Name of the log.
        log: Box<str>,
        /// Partition of the read.
        partition: Partition,
        /// What the backend said.
        reason: Box<str>,
    },
}

/// One named log of a backend. All operations are cheap to call and may be called from any task.
pub trait Log: Send + Sync + fmt::Debug {
    /// Its name, for messages: `commands`, `decisions`, `dead-letters`.
    fn name(&self) -> &str;

    /// How many partitions it has, fixed at creation.
    fn partitions(&self) -> Partition;

    /// Takes `records` into the partition's order at once, before this call returns: of two calls
    /// by one caller the first stands first in the log, unless it fails. The receipt tells, in the
    /// order of the records, where they stand once they are durable. Dropping it takes nothing
    /// back.
    /// Records of one call stand in order, and no other call's of this process between them. On one
    /// machine none of them is written without those before it; a broker may lose one and keep the
    /// next, and then answers that the outcome is unknown.
    fn append(&self, partition: Partition, records: Vec<Record>) -> Receipt;

    /// Records from `from` on, as many as there are within the limits; an empty batch at the end.
    /// Only durable records are ever returned.
    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> BoxFuture<'_, Result<Batch, ReadError>>;

    /// Resolves once a record at `offset` can be read, at once if it already can, or when the log
    /// is closed. May resolve early; the caller reads to find out.
    fn wait(&self, partition: Partition, offset: Offset) -> BoxFuture<'_, ()>;

    /// The first offset kept.
    fn start(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>>;

    /// The offset that the next appended record will get.
    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>>;
}

/// The pending answer of an append.
pub struct Receipt(BoxFuture<'static, Result<Vec<Appended>, AppendError>>);

impl Receipt {
    /// A receipt that answers when `answer` does.
    pub fn new(
        answer: impl Future<Output = Result<Vec<Appended>, AppendError>> + Send + 'static,
    ) -> Self {
        Self(Box::pin(answer))
    }

    /// A receipt whose answer is already known.
    #[must_use]
    pub fn ready(answer: Result<Vec<Appended>, AppendError>) -> Self {
        Self::new(std::future::ready(answer))
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt")
    }
}

impl Future for Receipt {
    type Output = Result<Vec<Appended>, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}
