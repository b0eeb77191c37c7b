//! Retry-After: always whole seconds, never all at once, never far away.

use std::time::Duration;

/// Longest Retry-After, in seconds.
pub const RETRY_AFTER_MAX: u64 = 30;

/// Delta-seconds for `wait`, moved by up to a fifth either way by `random` (64 even bits), at least
/// 1 and at most [`RETRY_AFTER_MAX`].
#[must_use]
pub fn retry_after_seconds(wait: Duration, random: u64) -> u64 {
    let wait = wait.min(Duration::from_secs(RETRY_AFTER_MAX));
    whole_seconds(platform::jitter::spread(wait, &mut || random))
}

/// The same for a `wait` that is spread already.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    // Rounded up: who comes a moment too early has come in vain.
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    whole.clamp(1, RETRY_AFTER_MAX)
}

#[cfg(test)]
mod tests {
    use super::{retry_after_seconds, whole_seconds};
    use std::time::Duration;

    #[test]
    fn retry_after_is_spread_and_bounded() {
        let seconds = |wait_ms, random| retry_after_seconds(Duration::from_millis(wait_ms), random);
        assert_eq!((seconds(0, 0), seconds(0, u64::MAX)), (1, 1));
        assert_eq!((seconds(10_000, 0), seconds(10_000, u64::MAX)), (8, 12));
        assert_eq!((seconds(1_300, 0), seconds(1_300, u64::MAX)), (2, 2));
        assert_eq!((seconds(86_400_000, 0), seconds(86_400_000, u64::MAX)), (24, 30));
    }

    #[test]
    fn what_is_spread_already_is_only_rounded_up_and_bounded() {
        let seconds = |wait_ms| whole_seconds(Duration::from_millis(wait_ms));
        assert_eq!([0, 1, 1_000, 1_001, 86_400_000].map(seconds), [1, 1, 1, 2, 30]);
    }
}
