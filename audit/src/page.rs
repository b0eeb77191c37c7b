//! Records of one partition of a log, one after another, read in pages. Must not know what they
//! say.

use std::collections::VecDeque;
use std::sync::Arc;

use event_log::{Log, ReadLimits, Stored};
use schemas::{Offset, Partition};

use crate::AuditError;

/// One page. Commands and decisions are some hundred bytes each.
const LIMITS: ReadLimits = ReadLimits { records_max: 4_096, bytes_max: 8 << 20 };

/// The records from an offset on up to an end that was seen before.
#[derive(Debug)]
pub(crate) struct Pages {
    log: Arc<dyn Log>,
    partition: Partition,
    next: Offset,
    end: Offset,
    page: VecDeque<Stored>,
}

impl Pages {
    pub(crate) fn new(
        log: Arc<dyn Log>,
        partition: Partition,
        range: std::ops::Range<Offset>,
    ) -> Self {
        Self { log, partition, next: range.start, end: range.end, page: VecDeque::new() }
    }

    /// The next record; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Stored>, AuditError> {
        if self.next >= self.end {
            return Ok(None);
        }
        if self.page.is_empty() {
            let batch = self.log.read(self.partition, self.next, LIMITS).await?;
            self.page = batch.records.into();
        }
        let found = self.page.pop_front().filter(|stored| stored.offset == self.next);
        let Some(stored) = found else {
            let (log, partition) = (self.log.name().into(), self.partition);
            return Err(AuditError::Hole { log, partition, offset: self.next });
        };
        self.next += 1;
        Ok(Some(stored))
    }

    /// The record at `offset`, which lies ahead; those before it are passed over.
    pub(crate) async fn seek(&mut self, offset: Offset) -> Result<Option<Stored>, AuditError> {
        while self.next < offset && self.next < self.end {
            self.next().await?;
        }
        if self.next == offset { self.next().await } else { Ok(None) }
    }
}
