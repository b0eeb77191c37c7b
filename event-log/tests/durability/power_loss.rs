//! Loss of power at many moments of a run: whatever was acknowledged before is there afterwards,
//! and the log goes on.

use std::path::Path;

use tempfile::{TempDir, tempdir, tempdir_in};

use crate::calls::watch;
use crate::chance::Chance;
use crate::disk::Disk;
use crate::survival;
use crate::trace::{Step, is_wal};
use crate::writer::{Answer, DATA, LOADS, Load};

/// Losses of power for each load and fault; more with the variable `TIMEDEAL_POWER_CUTS`.
const CUTS: usize = 100;
/// So many are enough to find a fault that is there, several times over.
const CUTS_OF_CONTROLS: usize = 60;

fn cuts() -> usize {
    let wanted = std::env::var("TIMEDEAL_POWER_CUTS");
    wanted.map_or(CUTS, |cuts| cuts.parse().expect("a number of losses of power"))
}

/// What was tried.
#[derive(Debug, Default)]
struct Tried {
    cuts: usize,
    /// Acknowledgements that were looked for.
    acknowledged: usize,
    /// Of cuts after which the log held something wrong, what that was.
    faults: Vec<String>,
}

/// Cuts the power `cuts` times, at moments and with losses that follow from `seed`.
fn cut_often(steps: &[Step], load: Load, cuts: usize, seed: u64) -> Tried {
    let mut chance = Chance::new(seed);
    // What is lost changes most at syncs and answers: every other moment is beside one.
    let turns: Vec<usize> = (0..steps.len())
        .filter(|&at| steps[at].answer().is_some() || steps[at].synced().is_some())
        .collect();
    let mut moments: Vec<usize> = (0..cuts)
        .map(|cut| match cut % 2 {
            0 => chance.below(steps.len() + 1),
            _ => turns[chance.below(turns.len())] + chance.below(2),
        })
        .collect();
    moments.sort_unstable();
    let (mut disk, mut answers, mut tried) = (Disk::default(), Vec::new(), Tried::default());
    let failed: Vec<_> = steps.iter().filter_map(|it| it.answer()?.failed()).collect();
    let mut done = 0;
    for moment in moments {
        for step in &steps[done..moment] {
            disk.take(step);
            answers.extend(step.answer());
        }
        done = moment;
        let left = directory();
        disk.lose_power(&mut chance, left.path());
        tried.cuts += 1;
        tried.acknowledged +=
            answers.iter().filter(|it| matches!(it, Answer::Acknowledged(..))).count();
        if let Err(fault) = survival::check(&left.path().join(DATA), load, &answers, &failed) {
            tried.faults.push(format!("cut {seed}/{moment}: {fault}"));
        }
    }
    tried
}

/// In memory where that can be had: what is left has been through its loss of power, and syncs of
/// whoever looks at it need not take their time.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempdir_in(memory).unwrap() } else { tempdir().unwrap() }
}

#[track_caller]
fn survives(steps: &[Step], load: Load, seed: u64) {
    let Tried { cuts, acknowledged, faults } = cut_often(steps, load, cuts(), seed);
    println!("{load:?}: {cuts} losses of power, {acknowledged} acknowledgements looked for");
    assert!(acknowledged > 0);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(5)]);
}

#[test]
fn what_was_acknowledged_survives_a_loss_of_power() {
    for (number, load) in LOADS.into_iter().enumerate() {
        survives(&watch(number, &[]), load, number as u64);
    }
}

/// The operating system says once that a sync has failed, and may have forgotten what was to be
/// written when it is asked again.
#[test]
fn what_was_acknowledged_survives_a_failed_sync_and_a_loss_of_power() {
    // Counted by thread: opening takes 11, the writer at least 20 commits each time.
    for (seed, number) in [14, 17, 20].into_iter().enumerate() {
        let fault = format!("inject=fsync,fdatasync:error=EIO:when={number}");
        let steps = watch(2, &[&fault]);
        let failed = |it: &Step| matches!(it, Step::Sync { path, failed: true } if is_wal(path));
        assert!(steps.iter().any(failed));
        let unknown = |it: &Step| matches!(it.answer(), Some(Answer::Unknown(_)));
        assert!(steps.iter().any(unknown));
        survives(&steps, LOADS[2], 100 + seed as u64);
    }
}

/// Steps of a writer that is at fault, and what the log then is seen to have done.
#[track_caller]
fn comes_to_grief(number: usize, keeps: impl Fn(&Step) -> bool, expected: &str) {
    let mut steps = watch(number, &[]);
    steps.retain(keeps);
    let tried = cut_often(&steps, LOADS[number], CUTS_OF_CONTROLS, 7);
    println!("{} of {} losses of power show it", tried.faults.len(), tried.cuts);
    let shows = tried.faults.iter().any(|fault| fault.contains(expected));
    assert!(shows, "{:#?}", tried.faults);
}

#[test]
fn without_syncs_of_the_write_ahead_log_acknowledged_records_are_lost() {
    comes_to_grief(2, |step| !step.synced().is_some_and(is_wal), "is lost");
}

#[test]
fn without_syncs_of_the_directory_acknowledged_records_are_lost() {
    comes_to_grief(2, |step| step.synced() != Some(DATA), "is lost");
}

#[test]
fn without_syncs_of_the_database_a_checkpoint_loses_records() {
    comes_to_grief(0, |step| !step.synced().is_some_and(|it| it.ends_with("sqlite")), "");
}
