//! Seeded randomness: the same numbers for the same seed on every machine. Must not know what is
//! drawn.

use platform::jitter::SplitMix64;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(SplitMix64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// The next 64 bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let scaled = (u128::from(self.draw()) * u128::from(end)) >> 64;
        u64::try_from(scaled).expect("below a number of 64 bits")
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// A number from `low` to `high`, small ones as likely as large ones by their length.
    pub(crate) fn scattered(&mut self, low: u64, high: u64) -> u64 {
        let bits = (high / low.max(1)).max(1).ilog2();
        let top = (low.max(1) << self.below(u64::from(bits) + 1)).clamp(low, high);
        self.between(low, top)
    }

    /// Whether one of so many comes up.
    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.below(from.len() as u64)).expect("an index")]
    }
}

/// One seed of many numbers.
pub(crate) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x7469_6d65_6465_616c, |mixed, part| {
        SplitMix64::new(mixed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).draw()
    })
}
