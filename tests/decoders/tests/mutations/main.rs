//! Seeded mutations of good and once bad input, at every decoder of the table. The same every time;
//! `TIMEDEAL_MUTATION_SEED` and `TIMEDEAL_MUTATION_CASES` make another, or a longer, run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod driver;

use std::num::NonZeroU64;

use decoders::TARGETS;

/// The seed of a run that nobody gave one.
const SEED: u64 = 0x7131_0003;
/// Mutations of one target's input: all targets together take some seconds in a debug build.
const CASES: u64 = 20_000;

#[test]
fn no_decoder_panics_and_what_is_taken_reads_back_the_same() {
    let variable = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = variable("TIMEDEAL_MUTATION_SEED").unwrap_or(SEED);
    let cases = variable("TIMEDEAL_MUTATION_CASES").unwrap_or(CASES);
    for target in &TARGETS {
        driver::drive(target, seed, NonZeroU64::new(cases).unwrap());
    }
}

#[test]
fn every_target_takes_its_own_seeds() {
    for target in &TARGETS {
        let seeds = target.seeds();
        assert!(!seeds.is_empty(), "{} has nothing to begin with", target.name);
        let taken = seeds.iter().filter(|seed| (target.run)(seed)).count();
        assert!(taken > 0, "{}: none of its seeds is taken, so nothing is tried", target.name);
    }
}
