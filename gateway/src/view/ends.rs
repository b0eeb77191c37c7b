//! How fresh a view is: it has applied everything up to an end that the log was asked for at a
//! known time. Times are handed in: `at_ms` is monotonic, the timestamp is for people.

use std::collections::VecDeque;

use schemas::{Offset, Timestamp};

/// Most ends not reached yet that are remembered.
const PENDING_MAX: usize = 64;

/// An end of the decisions log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Monotonic milliseconds before the log was asked.
    pub at_ms: u64,
    /// Wall time before the log was asked.
    pub at: Timestamp,
    /// What it said.
    pub end: Offset,
}

/// Ends that were asked for and whether the view has reached them.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Oldest first.
    pending: VecDeque<Asked>,
    reached: Option<Asked>,
    first: Option<Offset>,
}

impl Ends {
    /// Takes note of an end, for a view that has read up to `read_offset`.
    pub fn note(&mut self, asked: Asked, read_offset: Offset) {
        self.first.get_or_insert(asked.end);
        if self.pending.len() == PENDING_MAX {
            // Every other one: the oldest is the next to be reached, and has to stay.
            let mut stays = false;
            self.pending.retain(|_| {
                stays = !stays;
                stays
            });
        }
        self.pending.push_back(asked);
        self.reach(read_offset);
    }

    /// Takes note that the view has read up to `read_offset`.
    pub fn reach(&mut self, read_offset: Offset) {
        let reached = self.pending.iter().filter(|asked| asked.end <= read_offset);
        self.reached = reached.chain(&self.reached).max_by_key(|asked| asked.at_ms).copied();
        self.pending.retain(|asked| asked.end > read_offset);
    }

    /// The newest end that the view has reached.
    #[must_use]
    pub fn reached(&self) -> Option<Asked> {
        self.reached
    }

    /// The end that was seen first: whoever has not reached it has only just started.
    #[must_use]
    pub fn first(&self) -> Option<Offset> {
        self.first
    }

    /// Milliseconds of `now_ms` since the newest end that the view has reached was asked for.
    #[must_use]
    pub fn age_ms(&self, now_ms: u64) -> Option<u64> {
        self.reached.map(|reached| now_ms.saturating_sub(reached.at_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Ends, PENDING_MAX};
    use schemas::Timestamp;

    fn asked(at_ms: u64, end: u64) -> Asked {
        Asked { at_ms, at: Timestamp::EPOCH, end }
    }

    #[test]
    fn a_view_is_as_fresh_as_the_newest_end_that_it_reached() {
        let mut ends = Ends::default();
        assert_eq!((ends.age_ms(0), ends.first()), (None, None));
        ends.note(asked(100, 5), 3);
        ends.note(asked(350, 9), 3);
        assert_eq!((ends.age_ms(400), ends.first()), (None, Some(5)));
        ends.reach(5);
        assert_eq!(ends.age_ms(400), Some(300));
        ends.reach(8);
        assert_eq!(ends.age_ms(400), Some(300));
        ends.reach(12);
        assert_eq!(ends.age_ms(400), Some(50));
        // An answer that took long tells of the time at which it was asked for.
        ends.note(asked(300, 9), 12);
        assert_eq!(ends.age_ms(400), Some(50));
    }

    #[test]
    fn ends_of_a_view_that_stands_still_are_bounded() {
        let mut ends = Ends::default();
        for tick in 0..1_000 {
            ends.note(asked(tick, tick + 10), 0);
        }
        assert!(ends.pending.len() <= PENDING_MAX);
        ends.reach(2_000);
        assert_eq!(ends.age_ms(1_000), Some(1));
    }

    #[test]
    fn a_view_that_stays_far_behind_is_at_most_twice_as_old_as_it_is_behind() {
        const BEHIND: u64 = 1_000;
        let mut ends = Ends::default();
        for tick in 0..10_000_u64 {
            ends.note(asked(tick, tick), tick.saturating_sub(BEHIND));
            let age = ends.age_ms(tick).unwrap();
            assert!(age <= 2 * BEHIND, "{age} at {tick}");
        }
    }
}
