//! The clock of one machine: the virtual time of the world, wrong in its own way. Must not know who
//! looks at it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use platform::clock::{BoxFuture, Clock, ManualClock};

const MILLION: i64 = 1_000_000;

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

    /// Somebody sets it right.
    pub(crate) fn heal(&self) {
        *self.error() = Error::default();
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
