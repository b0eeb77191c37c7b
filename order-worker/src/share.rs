//! How much of what the log lets wait is one partition's: the partitions of a process share it
//! evenly. Must not know which log it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many batches of one partition may be on their way before its batches get larger: with one
/// alone nothing would be decided while it is acknowledged.
const APPENDS_FIRST: usize = 4;

/// What the partitions that a process has at the time may have unacknowledged together. If it were
/// more than the log lets wait, their own load would read as lost appends.
#[derive(Debug)]
pub struct Share {
    waiting_records_max: usize,
    partitions: AtomicUsize,
}

/// One partition's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Most records of one append.
    pub(crate) records_max: usize,
    /// Most appends that are unacknowledged.
    pub(crate) appends_max: usize,
}

impl Share {
    /// To share `waiting_records_max` unacknowledged decisions.
    #[must_use]
    pub fn new(waiting_records_max: usize) -> Arc<Self> {
        Arc::new(Self { waiting_records_max, partitions: AtomicUsize::new(0) })
    }

    /// What each of the partitions may have now, and `most` at most.
    pub(crate) fn portion(&self, most: Portion) -> Portion {
        let partitions = self.partitions.load(Ordering::Relaxed).max(1);
        let records = (self.waiting_records_max / partitions).max(1);
        let appends_max = (records / most.records_max).max(APPENDS_FIRST);
        let appends_max = appends_max.min(most.appends_max).min(records);
        let records_max = (records / appends_max).min(most.records_max);
        Portion { records_max, appends_max }
    }
}

/// A partition that takes part in sharing, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Share>);

impl Seat {
    pub(crate) fn take(share: &Arc<Share>) -> Self {
        share.partitions.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(share))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.partitions.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Portion, Seat, Share};

    const MOST: Portion = Portion { records_max: 1_024, appends_max: 8 };

    #[test]
    fn batches_follow_each_other_whatever_the_number_of_partitions() {
        let table = [
            // (waiting, partitions) → (records, appends)
            ((32_768, 1), (1_024, 8)),
            ((32_768, 4), (1_024, 8)),
            ((32_768, 64), (128, 4)),
            ((65_536, 8), (1_024, 8)),
            ((65_536, 64), (256, 4)),
            ((65_536, 16_384), (1, 4)),
            // Not even four records for each of them.
            ((32_768, 16_384), (1, 2)),
            ((4, 16_384), (1, 1)),
        ];
        for ((waiting, partitions), (records_max, appends_max)) in table {
            let share = Share::new(waiting);
            let _seats: Vec<Seat> = (0..partitions).map(|_| Seat::take(&share)).collect();
            let portion = share.portion(MOST);
            assert_eq!(portion, Portion { records_max, appends_max }, "{waiting}, {partitions}");
        }
    }

    #[test]
    fn all_portions_together_are_never_more_than_may_wait() {
        let share = Share::new(65_536);
        let mut seats = Vec::new();
        while seats.len() < 16_384 {
            seats.push(Seat::take(&share));
            let Portion { records_max, appends_max } = share.portion(MOST);
            assert!(appends_max >= 4);
            assert!(records_max * appends_max * seats.len() <= 65_536, "{}", seats.len());
        }
        seats.truncate(4);
        assert_eq!(share.portion(MOST), MOST, "whoever is left has it all");
    }
}
