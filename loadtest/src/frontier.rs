//! How far each partition was known to be decided, and since when: what any gateway has shown, no
//! other may be older than for long. Pure. Must not know who was shown it.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::{Offset, Partition};

use crate::history::{Moment, Seen};

/// Steps that come closer together are left out: a crowd hears far more than is needed.
const STEP: Duration = Duration::from_millis(10);

/// Per partition, rising offsets and the moments from which on they were known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier(BTreeMap<(u8, Partition), Vec<(Moment, Offset)>>);

impl Frontier {
    /// Notes what an answer showed that came `at`.
    pub(crate) fn note(&mut self, seen: Seen, at: Moment) {
        let steps = self.0.entry((seen.log_id, seen.partition)).or_default();
        let is_news = steps.last().is_none_or(|(since, decided_next)| {
            seen.decided_next > *decided_next && at >= since.plus(STEP)
        });
        if is_news {
            steps.push((at, seen.decided_next));
        }
    }

    /// How far the partition of `place` was known to be decided at a moment.
    pub(crate) fn known_by(&self, place: Seen, moment: Moment) -> Option<Offset> {
        let steps = self.0.get(&(place.log_id, place.partition))?;
        let count = steps.partition_point(|(since, _)| *since <= moment);
        steps[..count].last().map(|(_, decided_next)| *decided_next)
    }
}

#[cfg(test)]
mod tests {
    use super::Frontier;
    use crate::history::{Moment, Seen};

    #[test]
    fn what_was_shown_is_known_from_then_on_and_never_less() {
        let seen = |decided_next| Seen { log_id: 3, partition: 1, decided_next };
        let mut frontier = Frontier::default();
        for (millis, decided_next) in [(20, 5), (25, 9), (40, 4), (50, 12)] {
            frontier.note(seen(decided_next), Moment(millis * 1_000));
        }
        let known = |millis: u64| frontier.known_by(seen(0), Moment(millis * 1_000));
        // 9 came too soon after 5 to be kept; 4 is a gateway that was behind.
        assert_eq!([19, 20, 49, 50, 90].map(known), [None, Some(5), Some(5), Some(12), Some(12)]);
        let elsewhere = Seen { partition: 2, ..seen(0) };
        assert_eq!(frontier.known_by(elsewhere, Moment(90_000)), None);
    }
}
