//! When those may come again who found no place: one after the other, as fast as purchases go
//! through, so that they do not all come at once and find the line full, nor stay away while it is
//! empty. Must not know why there was no place.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Nobody is sent away for longer: who does not come again keeps no place in this line.
const LONGEST: Duration = Duration::from_secs(2);

/// The moment, in microseconds of the process's clock, for the last who was sent away.
#[derive(Debug, Default)]
pub(super) struct Comeback(AtomicU64);

impl Comeback {
    /// How long the next one stays away, while so many go through a second; `soonest` at least.
    pub(super) fn next(&self, now: Duration, per_second: u64, soonest: Duration) -> Duration {
        let (now, soonest, longest) = (micros(now), micros(soonest), micros(LONGEST));
        let apart = 1_000_000 / per_second.max(1);
        let after = |last: u64| (last + apart).clamp(now + soonest, now + longest.max(soonest));
        let before = self.0.update(Ordering::Relaxed, Ordering::Relaxed, after);
        Duration::from_micros(after(before) - now)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Comeback;

    const SOONEST: Duration = Duration::from_millis(30);

    fn waits(comeback: &Comeback, now_ms: u64, count: usize) -> Vec<u128> {
        let now = Duration::from_millis(now_ms);
        let next = || comeback.next(now, 1_000, SOONEST).as_millis();
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn they_come_again_one_after_the_other_as_fast_as_purchases_go_through() {
        let comeback = Comeback::default();
        assert_eq!(waits(&comeback, 1_000, 3), [30, 31, 32]);
        // Those before are not overtaken, and when they have come there is nobody to wait for.
        assert_eq!(waits(&comeback, 1_001, 2), [32, 33]);
        assert_eq!(waits(&comeback, 5_000, 1), [30]);
    }

    #[test]
    fn nobody_stays_away_for_long() {
        let comeback = Comeback::default();
        let waits = waits(&comeback, 0, 10_000);
        assert_eq!(waits[1_000], 1_030);
        assert_eq!(waits[9_999], 2_000);
    }

    #[test]
    fn where_nothing_goes_through_the_next_stays_away_as_long_as_may_be() {
        let comeback = Comeback::default();
        let wait = |rate| comeback.next(Duration::from_secs(9), rate, SOONEST).as_millis();
        assert_eq!([wait(0), wait(0), wait(0)], [30, 1_030, 2_000]);
    }
}
