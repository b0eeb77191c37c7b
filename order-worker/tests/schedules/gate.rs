//! A log that stands still for its readers, or takes smaller records than others, when a test says
//! so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_log::{AppendError, Batch, Log, ReadError, ReadLimits, Receipt, Record, SimulatedLog};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemas::{Offset, Partition};
use tokio::sync::watch;

/// A gate before a log; clones share both.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    log: SimulatedLog,
    is_open: watch::Sender<bool>,
    readers: Arc<AtomicUsize>,
    payload_bytes_max: Arc<AtomicUsize>,
}

impl Gate {
    pub(crate) fn new(log: &SimulatedLog) -> Self {
        Self {
            log: log.clone(),
            is_open: watch::Sender::new(true),
            readers: Arc::default(),
            payload_bytes_max: Arc::new(AtomicUsize::new(usize::MAX)),
        }
    }

    /// Whether reads get through from now on.
    pub(crate) fn open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }

    /// How many reads have come to a gate that was closed.
    pub(crate) fn readers(&self) -> usize {
        self.readers.load(Ordering::Relaxed)
    }

    /// Larger payloads are refused from now on.
    pub(crate) fn take_at_most(&self, payload_bytes_max: usize) {
        self.payload_bytes_max.store(payload_bytes_max, Ordering::Relaxed);
    }
}

impl Log for Gate {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn partitions(&self) -> Partition {
        self.log.partitions()
    }

    fn append(&self, partition: Partition, records: Vec<Record>) -> Receipt {
        let bytes_max = self.payload_bytes_max.load(Ordering::Relaxed);
        let sizes = records.iter().map(|record| record.payload.len());
        if let Some(bytes) = sizes.max().filter(|bytes| *bytes > bytes_max) {
            let log = self.name().into();
            let fault = AppendError::TooLarge { log, partition, bytes, bytes_max };
            return Receipt::ready(Err(fault));
        }
        self.log.append(partition, records)
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> BoxFuture<'_, Result<Batch, ReadError>> {
        async move {
            if !*self.is_open.borrow() {
                self.readers.fetch_add(1, Ordering::Relaxed);
                let opened = self.is_open.subscribe().wait_for(|is_open| *is_open).await.is_ok();
                assert!(opened, "whoever reads holds the other end");
            }
            self.log.read(partition, from, limits).await
        }
        .boxed()
    }

    fn wait(&self, partition: Partition, offset: Offset) -> BoxFuture<'_, ()> {
        self.log.wait(partition, offset)
    }

    fn start(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        self.log.start(partition)
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        self.log.end(partition)
    }
}
