//! Worlds so small that everything that can happen in them is tried.
//!
//! Two or three workers, their claims, what they send, when it arrives or whether it does, what is
//! stored and loaded again, who is killed when. The filter and the claims are the real ones; the
//! loops around them are written again, so that a world can be copied and gone on from twice.
#![allow(clippy::print_stdout, reason = "says how much was tried")]

mod explorer;
mod healing;
mod kept;
mod log;
mod worker;
mod world;

use explorer::{Explored, explore};
use kept::{ALL, Kept, Size};
use world::Laws;

/// All that can happen in these is tried whenever tests are run.
const SMALL: [Size; 3] = [
    Size { workers: &[(1, 1), (2, 1)], commands: 2, ahead: 2, snapshots: 1, repeats: 1 },
    Size { workers: &[(1, 2), (2, 1)], commands: 2, ahead: 2, snapshots: 0, repeats: 0 },
    Size { workers: &[(1, 1), (2, 1), (1, 1)], commands: 1, ahead: 1, snapshots: 0, repeats: 0 },
];
/// Up to so many worlds are tried of these, with the variable `TIMEDEAL_WORLDS`.
const LARGE: [Size; 5] = [
    Size { workers: &[(1, 2), (2, 2)], commands: 1, ahead: 1, snapshots: 1, repeats: 0 },
    Size { workers: &[(1, 2), (2, 1)], commands: 2, ahead: 2, snapshots: 2, repeats: 0 },
    Size { workers: &[(1, 1), (2, 1), (1, 1)], commands: 2, ahead: 2, snapshots: 0, repeats: 0 },
    Size { workers: &[(1, 2), (2, 2)], commands: 2, ahead: 2, snapshots: 1, repeats: 0 },
    Size { workers: &[(1, 2), (2, 2)], commands: 3, ahead: 3, snapshots: 2, repeats: 1 },
];

fn try_all(size: Size, worlds_max: usize) {
    let seen = explore(&mut Laws::new(ALL, size), size, worlds_max);
    let Explored { worlds, logs, steps, broken, is_cut } = &seen;
    let all = if *is_cut { "the first" } else { "all" };
    println!("{size:?}: {all} {worlds} worlds, {logs} logs, {steps} steps");
    assert!(broken.is_none(), "{broken:#?}");
}

#[test]
fn nothing_that_happens_in_a_small_world_breaks_a_promise() {
    SMALL.into_iter().for_each(|size| try_all(size, usize::MAX));
}

#[test]
fn nothing_that_happens_in_a_larger_world_breaks_a_promise() {
    let Ok(worlds_max) = std::env::var("TIMEDEAL_WORLDS") else {
        println!("TIMEDEAL_WORLDS does not say how many worlds to try");
        return;
    };
    let worlds_max = worlds_max.parse().expect("a number of worlds");
    LARGE.into_iter().for_each(|size| try_all(size, worlds_max));
}

const PAIR: Size =
    Size { workers: &[(1, 1), (2, 1)], commands: 2, ahead: 2, snapshots: 0, repeats: 0 };

/// Explores with a rule taken away until a promise is broken.
#[track_caller]
fn comes_to_grief(laws: &mut Laws, expected: &str) {
    let (size, kept) = (laws.size, laws.kept);
    let seen = explore(laws, size, 2_000_000);
    let (schedule, fault) = seen.broken.expect("without a rule a promise is broken");
    println!("{kept:?}: {} worlds until {fault}: {schedule:?}", seen.worlds);
    assert!(fault.contains(expected), "{fault}, not {expected}");
}

fn safety(kept: Kept, size: Size) -> Laws {
    Laws { checks_healing: false, ..Laws::new(kept, size) }
}

#[test]
fn without_after_a_decision_is_lost() {
    comes_to_grief(&mut safety(Kept { after: false, ..ALL }, PAIR), "I2");
}

#[test]
fn without_a_random_claim_two_own_one_epoch() {
    let size = Size { workers: &[(1, 1), (1, 1)], ..PAIR };
    let kept = Kept { claim: false, ..ALL };
    comes_to_grief(&mut safety(kept, size), "two owners decide");
    comes_to_grief(&mut Laws::new(kept, size), "owners are [0, 1]");
}

#[test]
fn without_the_epoch_in_what_is_stored_a_reader_goes_astray() {
    comes_to_grief(&mut safety(Kept { checkpoint_epoch: false, ..ALL }, PAIR), "restarted");
}

#[test]
fn without_reading_up_no_claim_is_won_any_more() {
    comes_to_grief(&mut Laws::new(Kept { read_up: false, ..ALL }, PAIR), "no end");
}

#[test]
fn without_reading_on_the_next_owner_decides_otherwise() {
    comes_to_grief(&mut safety(Kept { read_on: false, ..ALL }, PAIR), "I4");
}

#[test]
fn without_stepping_down_one_decides_in_anothers_name() {
    let kept = Kept { step_down: false, ..ALL };
    comes_to_grief(&mut safety(kept, PAIR), "two owners decide");
    comes_to_grief(&mut Laws::new(kept, PAIR), "owners are [0, 1]");
}

#[test]
fn without_reading_back_a_snapshot_is_ahead_of_its_log() {
    let size = Size { snapshots: 1, ..PAIR };
    let kept = Kept { snapshot_read: false, ..ALL };
    comes_to_grief(&mut safety(kept, size), "not the fold");
    let mut laws = Laws { checks_snapshots: false, ..Laws::new(kept, size) };
    comes_to_grief(&mut laws, "is not decided");
}
