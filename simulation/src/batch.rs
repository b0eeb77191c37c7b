//! Many seeds: what they exercised together, and whether enough of them saw what matters. Must not
//! know how a run is made.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults::Fault;
use crate::report::{Options, Report};
use crate::run::run;

/// Fewer seeds than this say nothing about shares.
const SEEDS_MIN: u64 = 50;
/// What most seeds have to see, as any of these counts, and how many of a hundred.
const MATTERS: [(&str, &[&str], u64); 3] = [
    ("a takeover", &["takeovers"], 80),
    ("a lost append", &["append-lost", "append-torn", "lost-in-crash"], 80),
    // Lines are short in four of five; in some of these nobody comes while another waits.
    ("a purchase turned away by the line", &["purchases turned away by the line"], 50),
];

/// So many seeds together have to see everything.
const SEEDS_OF_ALL: u64 = 500;
/// What they have to see, beside every fault.
const ALL: [&str; 29] = [
    "announcements of what is so already",
    "announcements refused",
    "announcements that replace a deal",
    "answers of appends that nobody waited for any more",
    "command_refused",
    "command_repeated",
    "deals shown",
    "decisions after a gap",
    "events of streams",
    "fenced decisions",
    "news of deals",
    "order_expired",
    "order_repeated",
    "orders on pages",
    "orders shown",
    "orders that had left a view",
    "owners that slept for hours and were replaced",
    "pages of orders shown",
    "partitions found parked",
    "processes that ended between two appends",
    "purchases taken after they were turned away",
    "purchases turned away by the queue",
    "refund_due",
    "refusals at the door",
    "repeated decisions",
    "stale claims",
    "streams over",
    "tickets of commands shown",
    "workers that slept for minutes",
];

/// What many runs did.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many runs.
    pub seeds: u64,
    /// Steps of all runs.
    pub steps: u64,
    /// Virtual milliseconds of all runs.
    pub elapsed_ms: u64,
    /// How often, and in how many runs.
    counts: BTreeMap<&'static str, (u64, u64)>,
    saw: [u64; MATTERS.len()],
}

impl Tally {
    /// Adds what a run did.
    pub fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.steps += report.steps;
        self.elapsed_ms += report.elapsed_ms;
        for (what, count) in &report.counts {
            let entry = self.counts.entry(what).or_default();
            entry.0 += count;
            entry.1 += u64::from(*count > 0);
        }
        for (saw, (_, any, _)) in self.saw.iter_mut().zip(MATTERS) {
            *saw += u64::from(any.iter().any(|what| report.count(what) > 0));
        }
    }

    /// What too few runs saw.
    #[must_use]
    pub fn missed(&self) -> Option<String> {
        let shares = self.saw.iter().zip(MATTERS);
        let missed =
            |(saw, (_, _, percent)): &(&u64, (_, _, u64))| **saw * 100 < self.seeds * percent;
        if let Some((saw, (what, _, percent))) = shares.into_iter().find(missed)
            && self.seeds >= SEEDS_MIN
        {
            let seeds = self.seeds;
            return Some(format!("only {saw} of {seeds} seeds saw {what}; {percent} % have to"));
        }
        let faults = Fault::ALL.iter().filter(|fault| **fault != Fault::Session);
        let faults = faults.map(|fault| fault.name());
        let unseen = faults.chain(ALL).find(|what| !self.counts.contains_key(what))?;
        (self.seeds >= SEEDS_OF_ALL).then(|| format!("no seed saw `{unseen}`"))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.elapsed_ms / 3_600_000;
        writeln!(f, "{} seeds, {} steps, {hours} virtual hours", self.seeds, self.steps)?;
        for (saw, (what, ..)) in self.saw.iter().zip(MATTERS) {
            writeln!(f, "{:>12} seeds saw {what}", saw)?;
        }
        for (what, (count, seeds)) in &self.counts {
            writeln!(f, "{count:>12} {what} ({seeds} seeds)")?;
        }
        Ok(())
    }
}

/// Runs seeds one after the other, from that of the options on; stops at the first that fails.
///
/// # Errors
/// The options and the report of the run that failed.
pub fn run_seeds(
    options: &Options,
    count: u64,
    mut done: impl FnMut(&Tally),
) -> Result<Tally, Box<(Options, Report)>> {
    let mut tally = Tally::default();
    for seed in options.seed..options.seed + count {
        let options = Options { seed, ..options.clone() };
        let report = run(&options);
        if report.failure.is_some() {
            return Err(Box::new((options, report)));
        }
        tally.add(&report);
        done(&tally);
    }
    Ok(tally)
}
