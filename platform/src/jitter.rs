//! Randomness against thundering herds: spread intervals and backoff between retries.
//!
//! The source of randomness is handed in as a closure, so that a simulator can fix it;
//! [`SplitMix64`] is one. Not for secrets: its output can be guessed from its output.

use std::time::Duration;

/// How far [`spread`] moves a duration, in per cent to either side.
pub const SPREAD_PERCENT: u32 = 20;

/// A small seeded generator (splitmix64): fast, well mixed, the same everywhere for a seed.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator that the system seeds.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn from_system() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self::new)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        // The constants are those of the published algorithm (Steele, Lea, Flood: 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A duration within [`SPREAD_PERCENT`] of `interval`, for periodic work that many do.
pub fn spread(interval: Duration, random: &mut impl FnMut() -> u64) -> Duration {
    let margin = interval / 100 * SPREAD_PERCENT;
    let low = interval.saturating_sub(margin);
    low.saturating_add(draw_up_to(margin.saturating_mul(2), random))
}

/// Waits between retries: drawn evenly from zero to a ceiling that doubles with each retry ("full
/// jitter"), so that clients which failed together do not return together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Ceiling of the first wait of [`Backoff::new`].
    pub const FIRST: Duration = Duration::from_millis(50);
    /// Ceiling that [`Backoff::new`] never exceeds.
    pub const MAX: Duration = Duration::from_secs(5);

    /// From [`Backoff::FIRST`] to [`Backoff::MAX`].
    pub fn new() -> Self {
        Self::between(Self::FIRST, Self::MAX)
    }

    /// From `first` to `max`.
    pub fn between(first: Duration, max: Duration) -> Self {
        Self { first, max, ceiling: first.min(max) }
    }

    /// The next wait; the ceiling of the one after it is twice as high.
    pub fn next_delay(&mut self, random: &mut impl FnMut() -> u64) -> Duration {
        let delay = draw_up_to(self.ceiling, random);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        delay
    }

    /// Starts again at the first ceiling: to be called after a success.
    pub fn reset(&mut self) {
        self.ceiling = self.first.min(self.max);
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// Evenly from zero to `max`, both included, in nanoseconds (at most 584 years).
fn draw_up_to(max: Duration, random: &mut impl FnMut() -> u64) -> Duration {
    let max_ns = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(random()) * (u128::from(max_ns) + 1)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).expect("scaled by 2^-64, so at most max_ns"))
}

#[cfg(test)]
mod tests {
    use super::{Backoff, SplitMix64, spread};
    use std::time::Duration;

    const LOWEST: fn() -> u64 = || 0;
    const HIGHEST: fn() -> u64 = || u64::MAX;

    #[test]
    fn splitmix64_gives_its_published_numbers() {
        let mut random = SplitMix64::new(1_234_567);
        let drawn: Vec<_> = (0..3).map(|_| random.draw()).collect();
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(drawn, published);
    }

    #[test]
    fn two_system_seeds_differ() {
        let (mut one, mut two) =
            (SplitMix64::from_system().unwrap(), SplitMix64::from_system().unwrap());
        assert_ne!(one.draw(), two.draw());
    }

    #[test]
    fn a_spread_interval_stays_within_its_fifth() {
        let interval = Duration::from_secs(10);
        assert_eq!(spread(interval, &mut LOWEST.clone()), Duration::from_secs(8));
        assert_eq!(spread(interval, &mut HIGHEST.clone()), Duration::from_secs(12));
        let mut source = SplitMix64::new(7);
        let mut random = || source.draw();
        for _ in 0..1_000 {
            let spread = spread(interval, &mut random);
            assert!(spread >= Duration::from_secs(8) && spread <= Duration::from_secs(12));
        }
        assert_eq!(spread(Duration::ZERO, &mut HIGHEST.clone()), Duration::ZERO);
    }

    #[test]
    fn the_ceiling_doubles_to_its_maximum_and_starts_again() {
        let mut backoff = Backoff::new();
        let mut next_ms = || backoff.next_delay(&mut HIGHEST.clone()).as_millis();
        let ceilings: Vec<_> = (0..9).map(|_| next_ms()).collect();
        assert_eq!(ceilings, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        backoff.reset();
        assert_eq!(backoff.next_delay(&mut HIGHEST.clone()), Backoff::FIRST);
        assert_eq!(backoff.next_delay(&mut LOWEST.clone()), Duration::ZERO);
    }

    #[test]
    fn extreme_durations_do_not_overflow() {
        let mut backoff = Backoff::between(Duration::MAX, Duration::MAX);
        backoff.next_delay(&mut HIGHEST.clone());
        backoff.next_delay(&mut HIGHEST.clone());
        spread(Duration::MAX, &mut HIGHEST.clone());
    }
}
