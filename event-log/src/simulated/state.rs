//! The contents of a simulated log and who waits for more: plain data, changed under one lock.
//! Wakers are handed out, never called here, because a woken reader may look at once.

use std::collections::BTreeMap;
use std::task::Waker;

use schemas::{Offset, Partition, Timestamp};

use super::fate::{Fates, Held};
use crate::contract::{Appended, Batch, ReadLimits, Record, Stored};
use crate::weight::Allowance;

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct State {
    contents: Vec<Contents>,
    pub(crate) fates: Fates,
    /// By number, so that readers are woken in the order in which they came.
    waiting: BTreeMap<u64, Waiting>,
    numbers: u64,
    pub(crate) closed: bool,
    /// Whether log times fall when the clock does.
    pub(crate) times_fall: bool,
}

#[derive(Debug)]
struct Waiting {
    partition: Partition,
    offset: Offset,
    waker: Waker,
}

/// One partition.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    start: Offset,
    records: Vec<Stored>,
    last_time: Timestamp,
    held: Vec<Held>,
}

impl State {
    pub(crate) fn new(partitions: Partition) -> Self {
        let contents = (0..partitions).map(|_| Contents::default()).collect();
        let (fates, waiting) = (Fates::default(), BTreeMap::new());
        Self { contents, fates, waiting, numbers: 0, closed: false, times_fall: false }
    }

    pub(crate) fn contents(&self, partition: Partition) -> Option<&Contents> {
        self.contents.get(usize::from(partition))
    }

    fn contents_mut(&mut self, partition: Partition) -> &mut Contents {
        self.contents.get_mut(usize::from(partition)).expect("callers name a partition that exists")
    }

    pub(crate) fn land(
        &mut self,
        partition: Partition,
        records: Vec<Record>,
        now: Timestamp,
    ) -> (Vec<Appended>, Vec<Waker>) {
        let times_fall = self.times_fall;
        let contents = self.contents_mut(partition);
        if !records.is_empty() {
            contents.last_time = if times_fall { now } else { contents.last_time.max(now) };
        }
        let appended = records.into_iter().map(|record| contents.push(record)).collect();
        let end = contents.end();
        let ready = self
            .waiting
            .extract_if(.., |_, waiting| waiting.partition == partition && waiting.offset < end);
        let woken = ready.map(|(_, waiting)| waiting.waker).collect();
        (appended, woken)
    }

    pub(crate) fn hold(&mut self, partition: Partition, held: Held) {
        self.contents_mut(partition).held.push(held);
    }

    pub(crate) fn held(&self, partition: Partition) -> usize {
        self.contents(partition).map_or(0, |contents| contents.held.len())
    }

    pub(crate) fn take_held(&mut self, partition: Partition) -> Vec<Held> {
        std::mem::take(&mut self.contents_mut(partition).held)
    }

    pub(crate) fn truncate(&mut self, partition: Partition, end: Offset) {
        let contents = self.contents_mut(partition);
        let kept = usize::try_from(end.saturating_sub(contents.start)).unwrap_or(usize::MAX);
        contents.records.truncate(kept);
    }

    pub(crate) fn trim(&mut self, partition: Partition, start: Offset) {
        let contents = self.contents_mut(partition);
        let start = start.clamp(contents.start, contents.end());
        let gone = contents.index(start).unwrap_or(contents.records.len());
        contents.records.drain(..gone);
        contents.start = start;
    }

    pub(crate) fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        std::mem::take(&mut self.waiting).into_values().map(|waiting| waiting.waker).collect()
    }

    /// Whether a reader that waits for `offset` may go on.
    pub(crate) fn is_ready(&self, partition: Partition, offset: Offset) -> bool {
        self.closed || self.contents(partition).is_none_or(|contents| offset < contents.end())
    }

    pub(crate) fn remember_waiting(
        &mut self,
        partition: Partition,
        offset: Offset,
        waker: Waker,
    ) -> u64 {
        self.numbers += 1;
        self.waiting.insert(self.numbers, Waiting { partition, offset, waker });
        self.numbers
    }

    pub(crate) fn forget_waiting(&mut self, number: u64) {
        self.waiting.remove(&number);
    }
}

impl Contents {
    pub(crate) fn start(&self) -> Offset {
        self.start
    }

    pub(crate) fn end(&self) -> Offset {
        self.start + self.records.len() as Offset
    }

    pub(crate) fn read(&self, from: Offset, limits: ReadLimits) -> Option<Batch> {
        let records = self.records.get(self.index(from)?..)?;
        let mut allowance = Allowance::new(limits);
        let fits = |record: &&Stored| allowance.admits(record.payload.len());
        Some(Batch { records: records.iter().take_while(fits).cloned().collect(), end: self.end() })
    }

    fn index(&self, offset: Offset) -> Option<usize> {
        usize::try_from(offset.checked_sub(self.start)?).ok()
    }

    fn push(&mut self, record: Record) -> Appended {
        let (offset, log_time) = (self.end(), self.last_time);
        self.records.push(Stored::new(offset, log_time, record));
        Appended { offset, log_time }
    }
}
