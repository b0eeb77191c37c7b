//! Cuts a run that failed to few faults: delta debugging over the chances that it took. Bounded, so
//! that what comes out fails like the whole, and is short, not always the shortest.

use std::collections::BTreeSet;

use crate::faults::Chance;
use crate::report::{Failure, Options, Report};
use crate::run::run;

/// Most runs that are made.
const RUNS_MAX: u32 = 1_200;

/// A failing run with fewer faults, and how it failed.
#[derive(Clone, Debug)]
pub struct Script {
    /// How to run it.
    pub options: Options,
    /// What comes of that.
    pub report: Report,
    /// Runs that it took to find it.
    pub runs: u32,
}

/// Cuts a run that failed.
///
/// # Panics
/// If it did not fail.
#[must_use]
pub fn shrink(options: &Options, report: &Report) -> Script {
    let failure = report.failure.clone().expect("only what failed is cut");
    let mut search = Search { options: options.clone(), failure, runs: 0 };
    let mut kept = report.taken.clone();
    let mut best = report.clone();
    let mut chunk = kept.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        let mut cut = false;
        while from < kept.len() && search.runs < RUNS_MAX {
            let until = (from + chunk).min(kept.len());
            let rest: Vec<_> = kept[..from].iter().chain(&kept[until..]).copied().collect();
            match search.fails(&rest) {
                Some(report) => {
                    // What was not taken in that run is not needed either.
                    let taken: BTreeSet<_> = report.taken.iter().copied().collect();
                    kept = rest.into_iter().filter(|chance| taken.contains(chance)).collect();
                    best = report;
                    cut = true;
                }
                None => from = until,
            }
        }
        if search.runs >= RUNS_MAX || (chunk == 1 && !cut) {
            break;
        }
        if !cut {
            chunk = chunk.div_ceil(2);
        }
        chunk = chunk.min(kept.len().max(1));
    }
    let only = Some(kept.into_iter().collect());
    let options = Options { only, ..search.options };
    Script { options, report: best, runs: search.runs }
}

struct Search {
    options: Options,
    failure: Failure,
    runs: u32,
}

impl Search {
    /// Whether it still fails alike with these chances alone.
    fn fails(&mut self, kept: &[Chance]) -> Option<Report> {
        self.runs += 1;
        let only: BTreeSet<_> = kept.iter().copied().collect();
        let report = run(&Options { only: Some(only), ..self.options.clone() });
        let is_like = report.failure.as_ref().is_some_and(|it| it.is_like(&self.failure));
        is_like.then_some(report)
    }
}
