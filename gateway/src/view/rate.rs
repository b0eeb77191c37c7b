//! How many commands of a partition are decided in a second, measured while some were waiting: an
//! idle partition decides as few as come, and says nothing about how many it could.

use std::time::Duration;

/// A stretch shorter than this is not judged: a batch arrives all at once.
const STRETCH_MS: u64 = 200;
/// How long the past counts: after so long, what is new weighs about as much as what was.
const MEMORY_MS: f64 = 5_000.0;
/// A rate this low is not told from none.
const PER_SECOND_MIN: f64 = 0.01;

/// The measured rate: an exponentially weighted mean over stretches of work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    /// Monotonic milliseconds at which the stretch began.
    since_ms: u64,
    decided: u64,
    /// Whether commands were waiting when the stretch began.
    waiting: bool,
    per_second: Option<f64>,
}

impl Rate {
    /// Takes note at `now_ms` (monotonic) that `decided` more were decided and so many still wait.
    /// To be called with 0 decided too, from time to time: a partition that stands still is slow.
    pub fn observe(&mut self, now_ms: u64, decided: u64, backlog: u64) {
        self.decided += decided;
        let elapsed_ms = now_ms.saturating_sub(self.since_ms);
        if self.waiting && backlog > 0 {
            if elapsed_ms < STRETCH_MS {
                return;
            }
            self.take_in(elapsed_ms);
        }
        *self = Self { since_ms: now_ms, decided: 0, waiting: backlog > 0, ..*self };
    }

    /// Decisions per second; none before the first stretch of work.
    #[must_use]
    pub fn per_second(&self) -> Option<f64> {
        self.per_second
    }

    /// How long until so many are decided, at most a day; none if nothing was measured yet.
    #[must_use]
    pub fn time_for(&self, commands: u64) -> Option<Duration> {
        const DAY_SECONDS: f64 = 86_400.0;
        let seconds = as_float(commands) / self.per_second?.max(PER_SECOND_MIN);
        Some(Duration::from_secs_f64(seconds.min(DAY_SECONDS)))
    }

    fn take_in(&mut self, elapsed_ms: u64) {
        let elapsed_ms = as_float(elapsed_ms);
        let now = as_float(self.decided) * 1_000.0 / elapsed_ms;
        let weight = 1.0 - (-elapsed_ms / MEMORY_MS).exp();
        self.per_second = match self.per_second {
            Some(before) => Some(before + (now - before) * weight),
            None => (now > 0.0).then_some(now),
        };
    }
}

#[allow(clippy::cast_precision_loss, reason = "an estimate needs no more than 53 bits")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::Rate;
    use std::time::Duration;

    #[test]
    fn only_stretches_of_work_are_measured() {
        let mut rate = Rate::default();
        for second in 1..=5 {
            rate.observe(second * 1_000, 3, 0);
        }
        assert_eq!((rate.per_second(), rate.time_for(10)), (None, None));
        rate.observe(5_100, 0, 5_000);
        rate.observe(5_200, 100, 4_900);
        rate.observe(6_100, 900, 4_000);
        assert_eq!(rate.per_second(), Some(1_000.0));
        assert_eq!(rate.time_for(4_000), Some(Duration::from_secs(4)));
        // Idle again: what could be done is still known.
        rate.observe(9_000, 4_000, 0);
        rate.observe(99_000, 1, 0);
        assert_eq!(rate.per_second(), Some(1_000.0));
        assert_eq!(rate.time_for(0), Some(Duration::ZERO));
    }

    #[test]
    fn a_partition_that_stands_still_gets_slow() {
        let mut rate = Rate::default();
        rate.observe(0, 0, 100);
        rate.observe(1_000, 1_000, 100);
        let mut before = rate.per_second().unwrap();
        for quarter in 1..=2_000 {
            rate.observe(1_000 + quarter * 250, 0, 100);
            let now = rate.per_second().unwrap();
            assert!(now <= before);
            before = now;
        }
        assert!(before < 0.01, "{before}");
        assert_eq!(rate.time_for(u64::MAX), Some(Duration::from_secs(86_400)));
    }
}
