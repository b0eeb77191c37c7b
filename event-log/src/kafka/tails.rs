//! What this process knows of each partition of one log without asking a broker: its newest
//! records as far as they were followed, how far it is known to go, and who waits.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future;
use schemas::{Offset, Partition};
use tokio::sync::watch;

use crate::tail::{Tail, TailLimits};

/// Records of one partition that are kept at most, whatever they weigh.
const KEPT_RECORDS_MAX: usize = 262_144;
/// What is kept of every partition in any case.
const KEPT_BYTES_MIN: usize = 1 << 20;

const NOT_FOLLOWED: u8 = 0;
/// Somebody empties the tail just now.
const BEGINS: u8 = 1;
const FOLLOWED: u8 = 2;

/// All partitions of a log.
#[derive(Debug)]
pub(super) struct Tails {
    rows: Vec<Row>,
    since: Instant,
    closed: AtomicBool,
    /// Sent now and then while somebody waits, for whoever has a deadline: futures here know no
    /// timer.
    beats: watch::Sender<()>,
}

/// One partition.
#[derive(Debug)]
pub(super) struct Row {
    /// Sound only while it is followed.
    pub(super) tail: Tail,
    /// Whether the tail grows by itself: one of the three below.
    followed: AtomicU8,
    /// The log is known to go to here: acknowledged, read, or told by a broker.
    end: watch::Sender<Offset>,
    /// Milliseconds since the start at which somebody read near the end.
    used_ms: AtomicU64,
}

impl Tails {
    pub(super) fn new(partitions: Partition, kept_bytes_max: usize) -> Self {
        let bytes_max = (kept_bytes_max / usize::from(partitions)).max(KEPT_BYTES_MIN);
        let limits = TailLimits { records_max: KEPT_RECORDS_MAX, bytes_max };
        let row = |_| Row {
            tail: Tail::new(0, 0, limits),
            followed: AtomicU8::new(NOT_FOLLOWED),
            end: watch::Sender::new(0),
            used_ms: AtomicU64::new(0),
        };
        let rows = (0..partitions).map(row).collect();
        Self {
            rows,
            since: Instant::now(),
            closed: AtomicBool::new(false),
            beats: watch::Sender::new(()),
        }
    }

    pub(super) fn partitions(&self) -> Partition {
        Partition::try_from(self.rows.len()).expect("as many as there were")
    }

    pub(super) fn row(&self, partition: Partition) -> Option<&Row> {
        self.rows.get(usize::from(partition))
    }

    /// How far a partition is known to go.
    pub(super) fn known_end(&self, partition: Partition) -> Offset {
        self.row(partition).map_or(0, |row| *row.end.borrow())
    }

    /// It goes at least to `end`.
    pub(super) fn note_end(&self, partition: Partition, end: Offset) {
        let Some(row) = self.row(partition) else { return };
        row.end.send_if_modified(|known| {
            let is_news = *known < end;
            *known = end.max(*known);
            is_news
        });
    }

    /// It ends here although it went further before: a broker has lost records.
    pub(super) fn correct_end(&self, partition: Partition, end: Offset) {
        let Some(row) = self.row(partition) else { return };
        row.end.send_modify(|known| *known = end);
    }

    /// Resolves once the log is known to hold a record at `offset`, or when it is closed.
    pub(super) async fn wait(&self, partition: Partition, offset: Offset) {
        let Some(row) = self.row(partition) else { return };
        let mut end = row.end.subscribe();
        // The sender lives as long as we do.
        let is_over = |end: &Offset| *end > offset || self.is_closed() || !row.is_followed();
        drop(end.wait_for(is_over).await);
    }

    /// Resolves once the tail of `row` holds a record at `offset`, with whether it does by then:
    /// after `patience` it need not, nor if it is followed no more.
    pub(super) async fn arrival(&self, row: &Row, offset: Offset, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut beats = self.beats.subscribe();
        loop {
            if row.tail.end() > offset {
                return true;
            }
            if Instant::now() >= deadline || self.is_closed() || !row.is_followed() {
                return false;
            }
            let (arrived, beat) = (pin!(row.tail.wait(offset)), pin!(beats.changed()));
            future::select(arrived, beat).await;
        }
    }

    /// Lets those look at their deadlines who wait.
    pub(super) fn beat(&self) {
        if self.beats.receiver_count() > 0 {
            self.beats.send_modify(|()| {});
        }
    }

    /// Somebody reads near the end of this partition.
    pub(super) fn touch(&self, row: &Row) {
        row.used_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// How long nobody has read near the end, in milliseconds; 0 while somebody waits there.
    pub(super) fn unused_ms(&self, row: &Row) -> u64 {
        if row.end.receiver_count() > 0 || row.tail.is_awaited() {
            return 0;
        }
        self.now_ms().saturating_sub(row.used_ms.load(Ordering::Relaxed))
    }

    /// Refuses and releases everybody from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for row in &self.rows {
            row.tail.close();
            // Wakes who waits, without another end.
            row.end.send_modify(|_| {});
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Row {
    pub(super) fn is_followed(&self) -> bool {
        self.followed.load(Ordering::SeqCst) == FOLLOWED
    }

    /// Whether this call is the one that begins: the tail is empty then, at `offset`.
    pub(super) fn begin_following(&self, offset: Offset) -> bool {
        let (from, to, order) = (NOT_FOLLOWED, BEGINS, Ordering::SeqCst);
        let begins = self.followed.compare_exchange(from, to, order, order).is_ok();
        if begins {
            self.tail.settle(offset, offset);
            self.followed.store(FOLLOWED, order);
        }
        begins
    }

    /// Readers look for themselves from now on; those who wait are told so.
    pub(super) fn stop_following(&self) {
        self.followed.store(NOT_FOLLOWED, Ordering::SeqCst);
        self.end.send_modify(|_| {});
    }
}

#[cfg(test)]
mod tests {
    use super::Tails;

    #[test]
    fn a_log_that_became_shorter_is_followed_no_more_and_known_to_be() {
        let tails = Tails::new(1, 1 << 20);
        let row = tails.row(0).unwrap();
        assert!(row.begin_following(7));
        assert!(!row.begin_following(9), "it is followed already");
        tails.note_end(0, 7);
        tails.note_end(0, 5);
        assert_eq!(tails.known_end(0), 7, "an old answer is no news");
        tails.correct_end(0, 5);
        row.stop_following();
        assert_eq!((tails.known_end(0), row.is_followed()), (5, false));
        assert!(row.begin_following(5));
        assert_eq!(row.tail.end(), 5);
    }
}
