//! Seeded mutations of good and once bad input, at every decoder of the table. The same every time;
//! `TIMEDEAL_MUTATION_SEED` and `TIMEDEAL_MUTATION_CASES` make another, or a longer, run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod driver;

use std::num::NonZeroU64;
use std::path::Path;

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

#[test]
fn libfuzzer_tries_every_target_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<String> = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(&format!("(\"{name}\"")).count(), 2, "{name} tries another");
        found.push(name);
    }
    let mut names = TARGETS.map(|target| target.name);
    names.sort_unstable();
    found.sort();
    assert_eq!(found, names);
}
