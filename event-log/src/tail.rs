//! What the process knows of one partition of one log without asking the file: its bounds, its
//! newest records, and who waits for more. The writer publishes here; readers look here first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::Offset;
use tokio::sync::watch;

use crate::contract::{Batch, ReadLimits, Stored};
use crate::weight::{Allowance, stored_bytes};

/// How much one tail may hold. The newest group is kept even if it alone is more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailLimits {
    pub(crate) records_max: usize,
    pub(crate) bytes_max: usize,
}

/// One partition of one log, as the process sees it.
#[derive(Debug)]
pub(crate) struct Tail {
    kept: Mutex<Kept>,
    limits: TailLimits,
    published: watch::Sender<Published>,
}

#[derive(Debug)]
struct Kept {
    start: Offset,
    end: Offset,
    /// In offset order, without gaps, the last one ending at `end`.
    groups: VecDeque<Group>,
    records: usize,
    bytes: usize,
}

/// The records of one commit. Shared, so that a reader copies them outside the lock.
#[derive(Debug)]
struct Group {
    first: Offset,
    records: Arc<Vec<Stored>>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Published {
    end: Offset,
    closed: bool,
}

/// What a tail can say about a read.
pub(crate) enum Found {
    /// The answer.
    Here(Batch),
    /// The records are only in the file; the log ends at `end`.
    Older { end: Offset },
    /// There is no such offset.
    Outside { start: Offset, end: Offset },
}

impl Tail {
    pub(crate) fn new(start: Offset, end: Offset, limits: TailLimits) -> Self {
        let kept = Kept { start, end, groups: VecDeque::new(), records: 0, bytes: 0 };
        let published = watch::Sender::new(Published { end, closed: false });
        Self { kept: Mutex::new(kept), limits, published }
    }

    pub(crate) fn start(&self) -> Offset {
        self.kept().start
    }

    pub(crate) fn end(&self) -> Offset {
        self.kept().end
    }

    /// Makes durable records readable and wakes who waits for them. They follow what was there.
    pub(crate) fn publish(&self, records: Vec<Stored>) {
        let Some(first) = records.first().map(|record| record.offset) else { return };
        let end = {
            let mut kept = self.kept();
            assert_eq!(first, kept.end, "a group begins where the last one ended");
            kept.push(first, records);
            kept.shrink(self.limits);
            kept.end
        };
        self.published.send_modify(|published| published.end = end);
    }

    /// Takes over bounds that were read from the file, forgetting the records if they moved.
    pub(crate) fn settle(&self, start: Offset, end: Offset) {
        {
            let mut kept = self.kept();
            if (kept.start, kept.end) == (start, end) {
                return;
            }
            *kept = Kept { start, end, groups: VecDeque::new(), records: 0, bytes: 0 };
        }
        self.published.send_modify(|published| published.end = end);
    }

    /// Learns from the file that the log has grown, without its records.
    pub(crate) fn advance(&self, start: Offset, end: Offset) {
        if end > self.end() {
            self.settle(start, end);
        }
    }

    /// Lets every waiting reader go.
    pub(crate) fn close(&self) {
        self.published.send_modify(|published| published.closed = true);
    }

    /// Whether somebody waits for records that are not there.
    pub(crate) fn is_awaited(&self) -> bool {
        self.published.receiver_count() > 0
    }

    /// Resolves once the end lies after `offset`, or when the log is closed.
    pub(crate) async fn wait(&self, offset: Offset) {
        let mut published = self.published.subscribe();
        // An error would mean that the sender, which `self` holds, is gone.
        drop(published.wait_for(|published| published.closed || published.end > offset).await);
    }

    /// Answers a read from memory as far as memory can.
    pub(crate) fn find(&self, from: Offset, limits: ReadLimits) -> Found {
        let (groups, end) = {
            let kept = self.kept();
            if from < kept.start || from > kept.end {
                return Found::Outside { start: kept.start, end: kept.end };
            }
            let end = kept.end;
            if from == end {
                return Found::Here(Batch { records: Vec::new(), end });
            }
            match kept.from(from, limits.records_max) {
                Some(groups) => (groups, end),
                None => return Found::Older { end },
            }
        };
        let mut allowance = Allowance::new(limits);
        let records = groups
            .iter()
            .flat_map(|group| group.iter())
            .skip_while(|record| record.offset < from)
            .take_while(|record| allowance.admits(record.payload.len()))
            .cloned()
            .collect();
        Found::Here(Batch { records, end })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing here panics half way through a change, so a poisoned lock guards sound data.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, first: Offset, records: Vec<Stored>) {
        let bytes = records.iter().map(stored_bytes).sum();
        self.end += records.len() as Offset;
        self.records += records.len();
        self.bytes += bytes;
        self.groups.push_back(Group { first, records: Arc::new(records), bytes });
    }

    fn shrink(&mut self, limits: TailLimits) {
        while self.groups.len() > 1
            && (self.records > limits.records_max || self.bytes > limits.bytes_max)
        {
            let Some(oldest) = self.groups.pop_front() else { return };
            self.records -= oldest.records.len();
            self.bytes -= oldest.bytes;
        }
    }

    /// The groups that hold `records_max` records (at least one) from `from` on, if `from` is kept.
    fn from(&self, from: Offset, records_max: usize) -> Option<Vec<Arc<Vec<Stored>>>> {
        let after = self.groups.partition_point(|group| group.first <= from);
        let index = after.checked_sub(1)?;
        let until = from.saturating_add(records_max.max(1) as Offset);
        let groups = self.groups.range(index..).take_while(|group| group.first < until);
        Some(groups.map(|group| Arc::clone(&group.records)).collect())
    }
}
