//! Appends that wait for the writer: one line for all logs and partitions, bounded by records and
//! bytes. Whoever comes when it is full is turned away at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::contract::{AppendError, Appended, Stored};

/// How the writer answers one append.
pub(crate) type Answer = oneshot::Sender<Result<Vec<Appended>, AppendError>>;

/// One call of `append`.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Index of the log and partition.
    pub(crate) table: usize,
    /// Without offsets and times yet: they are turned by the many callers, not by the one writer.
    pub(crate) records: Vec<Stored>,
    /// What the records weigh.
    pub(crate) bytes: usize,
    pub(crate) answer: Answer,
}

/// Why an append may not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

/// How much may wait, or may be taken at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    pub(crate) records_max: usize,
    pub(crate) bytes_max: usize,
}

impl Capacity {
    fn holds(self, records: usize, bytes: usize) -> bool {
        records <= self.records_max && bytes <= self.bytes_max
    }
}

/// The line.
#[derive(Debug)]
pub(crate) struct AppendQueue {
    line: Mutex<Line>,
    arrived: Condvar,
    capacity: Capacity,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    records: usize,
    bytes: usize,
    closed: bool,
}

impl AppendQueue {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self { line: Mutex::default(), arrived: Condvar::new(), capacity }
    }

    /// Takes a place in the line. An empty line takes any append, however large: otherwise one that
    /// is larger than the line could never succeed.
    pub(crate) fn push(&self, waiting: Waiting) -> Result<(), Refusal> {
        let was_empty = {
            let mut line = self.line();
            if line.closed {
                return Err(Refusal::Closed);
            }
            let records = line.records + waiting.records.len();
            let bytes = line.bytes + waiting.bytes;
            let was_empty = line.waiting.is_empty();
            if !was_empty && !self.capacity.holds(records, bytes) {
                return Err(Refusal::Full);
            }
            line.records = records;
            line.bytes = bytes;
            line.waiting.push_back(waiting);
            was_empty
        };
        if was_empty {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for appends, then takes the first ones, at least one and as many as fit into `group`.
    /// `None` once the queue is closed and empty.
    pub(crate) fn take(&self, group: Capacity) -> Option<Vec<Waiting>> {
        let mut line = self.line();
        while line.waiting.is_empty() {
            if line.closed {
                return None;
            }
            line = self.arrived.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut count, mut records, mut bytes) = (0, 0, 0);
        for waiting in &line.waiting {
            records += waiting.records.len();
            bytes += waiting.bytes;
            if count > 0 && !group.holds(records, bytes) {
                break;
            }
            count += 1;
        }
        let taken: Vec<Waiting> = line.waiting.drain(..count).collect();
        line.records -= taken.iter().map(|waiting| waiting.records.len()).sum::<usize>();
        line.bytes -= taken.iter().map(|waiting| waiting.bytes).sum::<usize>();
        Some(taken)
    }

    /// Lets nobody else in; what waits is still taken.
    pub(crate) fn close(&self) {
        self.line().closed = true;
        self.arrived.notify_all();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // The counts change together with the line and nothing between them panics.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{AppendQueue, Capacity, Refusal, Waiting};
    use crate::contract::{Record, Stored};
    use schemas::Timestamp;
    use tokio::sync::oneshot;

    fn waiting(table: usize, records: usize, bytes: usize) -> Waiting {
        let answer = oneshot::channel().0;
        let record = Stored::new(0, Timestamp::EPOCH, Record::default());
        Waiting { table, records: vec![record; records], bytes, answer }
    }

    fn queue(records_max: usize, bytes_max: usize) -> AppendQueue {
        AppendQueue::new(Capacity { records_max, bytes_max })
    }

    fn tables(taken: Option<Vec<Waiting>>) -> Vec<usize> {
        taken.unwrap().iter().map(|waiting| waiting.table).collect()
    }

    #[test]
    fn a_full_line_turns_away_by_records_and_by_bytes() {
        let queue = queue(3, 100);
        assert_eq!(queue.push(waiting(0, 2, 10)), Ok(()));
        assert_eq!(queue.push(waiting(0, 2, 10)), Err(Refusal::Full));
        assert_eq!(queue.push(waiting(0, 1, 91)), Err(Refusal::Full));
        assert_eq!(queue.push(waiting(0, 1, 90)), Ok(()));
        assert_eq!(queue.push(waiting(0, 1, 0)), Err(Refusal::Full));
    }

    #[test]
    fn an_empty_line_takes_what_is_larger_than_itself() {
        let queue = queue(1, 1);
        assert_eq!(queue.push(waiting(0, 5, 500)), Ok(()));
        assert_eq!(queue.push(waiting(1, 1, 0)), Err(Refusal::Full));
        assert_eq!(tables(queue.take(Capacity { records_max: 1, bytes_max: 1 })), [0]);
        assert_eq!(queue.push(waiting(1, 1, 0)), Ok(()));
    }

    #[test]
    fn a_group_takes_the_first_that_fit_and_leaves_the_rest_in_order() {
        let queue = queue(100, 100);
        for table in 0..5 {
            queue.push(waiting(table, 2, 1)).unwrap();
        }
        let group = Capacity { records_max: 5, bytes_max: 100 };
        assert_eq!(tables(queue.take(group)), [0, 1]);
        assert_eq!(tables(queue.take(group)), [2, 3]);
        assert_eq!(tables(queue.take(group)), [4]);
    }

    #[test]
    fn a_closed_line_is_emptied_and_then_ends() {
        let queue = queue(100, 100);
        queue.push(waiting(0, 1, 1)).unwrap();
        queue.close();
        assert_eq!(queue.push(waiting(1, 1, 1)), Err(Refusal::Closed));
        let group = Capacity { records_max: 5, bytes_max: 100 };
        assert_eq!(tables(queue.take(group)), [0]);
        assert!(queue.take(group).is_none());
    }
}
