//! When to come again: whole seconds for `Retry-After`, jittered, and the randomness for that and
//! for request ids. Must not know why somebody has to come again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::answer::retry_after_seconds;
use http::HeaderValue;
use platform::jitter::{SplitMix64, spread};

/// The step of splitmix64: successive states of all callers stay distinct.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Randomness that many tasks share without a lock. Not for secrets.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub(crate) fn draw(&self) -> u64 {
        SplitMix64::new(self.0.fetch_add(STEP, Ordering::Relaxed)).draw()
    }

    /// `duration` ± 20 %.
    pub(crate) fn jittered(&self, duration: Duration) -> Duration {
        spread(duration, &mut || self.draw())
    }

    /// The value of `Retry-After`: `duration` ± 20 % in whole seconds, 1 to 30.
    pub(crate) fn retry_after(&self, duration: Duration) -> HeaderValue {
        HeaderValue::from(retry_after_seconds(duration, self.draw()))
    }
}
