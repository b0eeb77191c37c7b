//! The backends as the suite sees them, a clock that tests turn, and short ways to write records.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use event_log::{
    Appended, Batch, Clock, EmbeddedLogs, Log, Options, ReadError, ReadLimits, Record, SimulatedLog,
};
use schemas::{Offset, Partition, Timestamp};
use tempfile::TempDir;

pub(crate) const PARTITIONS: Partition = 3;

/// No limits to speak of.
pub(crate) const ALL: ReadLimits = ReadLimits { records_max: usize::MAX, bytes_max: usize::MAX };

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_millis(millis.load(Ordering::SeqCst)))
    }
}

/// An empty log of one backend.
pub(crate) struct Backend {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) hand: Hand,
    close: Box<dyn Fn() + Send + Sync>,
    _directory: Option<TempDir>,
}

impl Backend {
    pub(crate) fn embedded() -> Self {
        let (hand, directory) = (Hand::default(), tempfile::tempdir().unwrap());
        let logs = EmbeddedLogs::open(directory.path(), Options::new(PARTITIONS, hand.clock()));
        let logs = logs.unwrap();
        let (log, close) = (logs.commands(), Box::new(move || logs.close()));
        Self { log, hand, close, _directory: Some(directory) }
    }

    pub(crate) fn simulated() -> Self {
        let hand = Hand::default();
        let log = SimulatedLog::new("commands", PARTITIONS, hand.clock());
        let controls = log.clone();
        let close = Box::new(move || controls.close());
        Self { log: Arc::new(log), hand, close, _directory: None }
    }

    pub(crate) fn close(&self) {
        (self.close)();
    }
}

/// Runs a future on this thread, without any runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}

/// A record that says `text`.
pub(crate) fn record(text: impl Into<String>) -> Record {
    Record { payload: Bytes::from(text.into()), ..Record::default() }
}

/// Appends one record for each text and waits for the receipt.
#[track_caller]
pub(crate) fn append(log: &dyn Log, partition: Partition, texts: &[&str]) -> Vec<Appended> {
    let records = texts.iter().map(|text| record(*text)).collect();
    block_on(log.append(partition, records)).unwrap()
}

pub(crate) fn read(
    log: &dyn Log,
    partition: Partition,
    from: Offset,
    limits: ReadLimits,
) -> Result<Batch, ReadError> {
    block_on(log.read(partition, from, limits))
}

/// What the records of a partition say, from its start on.
#[track_caller]
pub(crate) fn texts(log: &dyn Log, partition: Partition) -> Vec<String> {
    let start = block_on(log.start(partition)).unwrap();
    let batch = read(log, partition, start, ALL).unwrap();
    let offsets: Vec<Offset> = batch.records.iter().map(|stored| stored.offset).collect();
    assert_eq!(offsets, (start..batch.end).collect::<Vec<_>>(), "offsets have no gaps");
    batch.records.iter().map(|it| String::from_utf8(it.payload.to_vec()).unwrap()).collect()
}
