//! Chance from a seed: the same numbers everywhere for the same seed (splitmix64). Not for secrets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A generator that many tasks may share; in the hands of one it repeats exactly.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub(crate) fn draw(&self) -> u64 {
        // The constants are those of the published algorithm (Steele, Lea, Flood: 2014).
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to below `limit`; 0 if that is 0.
    pub(crate) fn below(&self, limit: u64) -> u64 {
        let scaled = (u128::from(self.draw()) * u128::from(limit)) >> 64;
        u64::try_from(scaled).expect("scaled by 2^-64, so below the limit")
    }

    /// Evenly from nothing to `max`.
    pub(crate) fn up_to(&self, max: Duration) -> Duration {
        let max = u64::try_from(max.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(max.saturating_add(1)))
    }

    /// Any order of `items`, each as likely as the others.
    pub(crate) fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(u64::try_from(last + 1).expect("usize fits u64"));
            items.swap(last, usize::try_from(chosen).expect("below a length"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        let dice = Dice::new(1_234_567);
        let drawn: Vec<_> = (0..3).map(|_| dice.draw()).collect();
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(drawn, published);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Dice::new(3).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
