//! What holds of every run: it can be made again, as a whole or in part, and it exercises what it
//! is for.

use std::collections::BTreeSet;

use simulation::{Chance, Fault, Judges, Options, Tally, run};

#[test]
fn the_same_seed_gives_the_same_run_to_the_byte() {
    for seed in [1, 2, 3] {
        let options = Options { in_words: true, ..Options::of(seed) };
        let (one, two) = (run(&options), run(&options));
        assert_eq!(one.lines, two.lines);
        assert_eq!(one.trace_hash, two.trace_hash);
        assert_eq!((one.counts, one.taken), (two.counts, two.taken));
    }
}

#[test]
fn a_run_without_words_is_the_same_run() {
    let silent = Options::of(4);
    let told = Options { in_words: true, ..silent.clone() };
    assert_eq!(run(&silent).trace_hash, run(&told).trace_hash);
}

#[test]
fn other_seeds_give_other_runs() {
    assert_ne!(run(&Options::of(5)).trace_hash, run(&Options::of(6)).trace_hash);
}

#[test]
fn a_run_with_all_its_own_faults_named_is_the_same_run() {
    let whole = run(&Options::of(7));
    let only: BTreeSet<_> = whole.taken.iter().copied().collect();
    assert!(only.len() > 10);
    let named = run(&Options { only: Some(only), ..Options::of(7) });
    assert_eq!(whole.trace_hash, named.trace_hash);
}

#[test]
fn without_any_fault_everybody_gets_what_they_came_for() {
    for seed in 8..12 {
        let session = |site| Chance { fault: Fault::Session, site, number: 0 };
        let only = Some((101..200).map(session).collect());
        let report = run(&Options { only, ..Options::of(seed) });
        assert_eq!(report.failure, None);
        assert!(report.taken.iter().all(|chance| chance.fault == Fault::Session));
        assert!(report.count("units sold") > 0 && report.count("decisions after a gap") == 0);
    }
}

#[test]
fn who_judges_changes_nothing_about_a_run() {
    let one = run(&Options { judges: Judges::Steps, ..Options::of(12) });
    assert_eq!(one.trace_hash, run(&Options::of(12)).trace_hash);
}

#[test]
fn the_audit_alone_finds_nothing_either() {
    for seed in 13..23 {
        let options = Options { judges: Judges::Audit, ..Options::of(seed) };
        let report = run(&options);
        assert_eq!(report.failure, None, "{}", report.command(&options));
    }
}

#[test]
fn a_few_seeds_hold_every_promise_and_see_what_matters() {
    let mut tally = Tally::default();
    for seed in 1..=60 {
        let report = run(&Options::of(seed));
        assert_eq!(report.failure, None, "{}", report.command(&Options::of(seed)));
        tally.add(&report);
    }
    assert_eq!(tally.missed(), None, "{tally}");
}
