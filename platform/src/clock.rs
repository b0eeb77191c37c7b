//! Time as something handed in: real in a process, set by hand in tests and in the simulator.
//!
//! Owns the contract [`Clock`] and its two implementations. Must not know what anybody does with
//! the time; decisions in particular know the log's time only, never a clock's.

mod manual;

use std::time::{Duration, SystemTime};
use tokio::time::Instant;

pub use futures_util::future::BoxFuture;
pub use manual::ManualClock;

/// A source of wall time, of monotonic time and of waiting.
pub trait Clock: Send + Sync {
    /// Wall time in milliseconds since 1970-01-01T00:00Z; may jump in either direction.
    fn now_millis(&self) -> i64;

    /// Milliseconds since some fixed point in this clock's past; never goes back.
    fn elapsed_millis(&self) -> u64;

    /// Ends once `duration` of monotonic time has passed, counted from this call. Dropping it
    /// cancels the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// The machine's clock; it waits on tokio's timer, so [`Clock::sleep`] needs a tokio runtime.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now_millis(&self) -> i64 {
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => saturate(since),
            Err(before) => -saturate(before.duration()),
        }
    }

    fn elapsed_millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn saturate(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Clock, SystemClock};
    use std::time::Duration;

    /// 2020-01-01T00:00Z: earlier than any machine that runs this.
    const LONG_AGO_MILLIS: i64 = 1_577_836_800_000;

    #[tokio::test(start_paused = true)]
    async fn the_system_clock_sleeps_in_monotonic_time() {
        let clock = SystemClock::new();
        assert!(clock.now_millis() > LONG_AGO_MILLIS);
        assert_eq!(clock.elapsed_millis(), 0);
        clock.sleep(Duration::from_millis(250)).await;
        assert_eq!(clock.elapsed_millis(), 250);
    }
}
