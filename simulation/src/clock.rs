//! The clock of one machine: the virtual time of the world, wrong in its own way. Must not know who
//! looks at it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use platform::clock::{BoxFuture, Clock, ManualClock};

use crate::dice::Dice;

const MILLION: i64 = 1_000_000;
/// Fastest and slowest clock, in millionths.
const DRIFT_MAX: u64 = 20_000;

/// How much too fast a clock runs that drifts, in millionths; negative: too slow.
pub(crate) fn drift(dice: &mut Dice) -> i64 {
    dice.between(0, 2 * DRIFT_MAX).cast_signed() - DRIFT_MAX.cast_signed()
}

/// How a clock is wrong.
#[derive(Clone, Copy, Debug, Default)]
struct Error {
    /// Wall time is ahead by so much.
    ahead_ms: i64,
    /// Wall time stands here, whatever passes.
    stands_at_ms: Option<i64>,
}

/// One machine's clock. Clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) struct MachineClock {
    truth: ManualClock,
    /// Of a million, so many run too fast; always the same for a machine.
    drift_millionths: i64,
    error: Arc<Mutex<Error>>,
}

impl MachineClock {
    pub(crate) fn new(truth: &ManualClock, drift_millionths: i64) -> Self {
        Self { truth: truth.clone(), drift_millionths, error: Arc::default() }
    }

    /// Moves wall time alone.
    pub(crate) fn jump(&self, by_ms: i64) {
        let mut error = self.error();
        error.ahead_ms += by_ms;
        error.stands_at_ms = None;
    }

    /// Wall time stands still from now on.
    pub(crate) fn stand(&self) {
        let now_ms = self.now_millis();
        self.error().stands_at_ms = Some(now_ms);
    }

    /// Wall time that stood goes on: as if it had not stood, or from where it did.
    pub(crate) fn go_on(&self, catches_up: bool) {
        let stood_ms = self.now_millis();
        let right_ms = self.truth.now_millis() + self.drifted_ms();
        let mut error = self.error();
        if error.stands_at_ms.take().is_some() && !catches_up {
            error.ahead_ms = stood_ms - right_ms;
        }
    }

    /// Somebody sets it right; it drifts on from there.
    pub(crate) fn heal(&self) {
        let ahead_ms = -self.drifted_ms();
        *self.error() = Error { ahead_ms, stands_at_ms: None };
    }

    fn error(&self) -> MutexGuard<'_, Error> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drifted_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.truth.elapsed_millis()).expect("runs are short");
        elapsed * self.drift_millionths / MILLION
    }
}

impl Clock for MachineClock {
    fn now_millis(&self) -> i64 {
        let Error { ahead_ms, stands_at_ms } = *self.error();
        stands_at_ms.unwrap_or_else(|| self.truth.now_millis() + ahead_ms + self.drifted_ms())
    }

    fn elapsed_millis(&self) -> u64 {
        self.truth.elapsed_millis().saturating_add_signed(self.drifted_ms())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        // By a fast clock it is over sooner.
        let scaled = duration.as_nanos() * MILLION.unsigned_abs() as u128
            / u128::from((MILLION + self.drift_millionths).unsigned_abs());
        let nanos = u64::try_from(scaled).unwrap_or(u64::MAX).max(1);
        self.truth.sleep(Duration::from_nanos(nanos))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use platform::clock::{Clock, ManualClock};

    use super::MachineClock;

    #[test]
    fn what_stood_goes_on_from_there_or_catches_up() {
        let truth = ManualClock::new(1_000_000);
        let clock = MachineClock::new(&truth, 10_000);
        clock.stand();
        truth.advance(Duration::from_secs(100));
        assert_eq!(clock.now_millis(), 1_000_000);
        clock.go_on(false);
        truth.advance(Duration::from_secs(100));
        assert_eq!(clock.now_millis(), 1_101_000);
        clock.stand();
        truth.advance(Duration::from_secs(100));
        clock.go_on(true);
        assert_eq!(clock.now_millis(), 1_202_000);
        clock.heal();
        assert_eq!(clock.now_millis(), truth.now_millis());
        truth.advance(Duration::from_secs(100));
        assert_eq!(clock.now_millis(), truth.now_millis() + 1_000);
    }
}
