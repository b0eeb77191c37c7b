//! Whether anybody would notice: plants every bug of `sabotage`, one after the other, and lets
//! seeds run until the checks of the simulation find it, and until the audit alone does. Must not
//! know what a bug does or where it stands.

use std::fmt;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sabotage::Bug;

use crate::faults::{Chance, Fault};
use crate::report::{Judges, Options, Report};
use crate::run::run;
use crate::shrink::shrink;

/// A judge who has found nothing in so many seeds does not see the bug.
const SEEDS_MAX: u64 = 300;
/// A judge who is said not to see a bug, and one to whom nothing was done, are asked so often.
const SEEDS_QUIET: u64 = 30;
/// What [`shrink()`] is shown on: one that needs no fault but a shopper, and one that needs an
/// append of a fenced owner that lands late. Cutting is bounded: so many shoppers may be left, and
/// so many faults. Without one shopper all others come at other moments, where faults do no harm.
const SHRUNK: [(Bug, usize, usize); 2] = [(Bug::OversellByOne, 2, 0), (Bug::EpochIgnored, 60, 8)];

/// Bugs of which neither logs nor rows have a trace, whoever looks.
const UNTRACED: [(Bug, &str); 5] = [
    (Bug::EarlySoldOut, "who is refused at the door leaves nothing in any log"),
    (Bug::UnknownToldAsUntaken, "the log is right, and what was said of it stands nowhere"),
    (Bug::StatusGoingBack, "the rows and the logs are right, and what was shown stands nowhere"),
    (Bug::KeyLookupSkipped, "the repeat that is let in looks like that of a view that was behind"),
    (Bug::LossUnheard, "who takes over from whom, and how often, is nobody's promise"),
];

/// The columns of a [`Finding`].
pub(crate) const HEADING: &str =
    "bug                       simulation       seeds  audit alone      seeds";

/// How a judge fared.
#[derive(Clone, Debug)]
struct Verdict {
    /// The seed that gave it away, if one did, and how it ran.
    found: Option<(Options, Report)>,
    /// Seeds up to that one, or all.
    seeds: u64,
}

/// What came of planting a bug.
#[derive(Debug)]
pub(crate) struct Finding {
    /// None: nothing was planted.
    bug: Option<Bug>,
    steps: Verdict,
    audit: Verdict,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.bug.map_or("(none)", Bug::name);
        let (steps, audit) = (self.steps.in_short(), self.audit.in_short());
        let (many, more) = (self.steps.seeds, self.audit.seeds);
        write!(f, "{name:<25} {steps:<16} {many:>5}  {audit:<16} {more:>5}")?;
        self.reason().map_or(Ok(()), |reason| write!(f, "  no log shows it: {reason}"))
    }
}

impl Verdict {
    fn in_short(&self) -> String {
        let failure = self.found.as_ref().and_then(|(_, report)| report.failure.as_ref());
        failure.map_or_else(|| "nothing".to_owned(), crate::Failure::in_short)
    }
}

impl Finding {
    /// Why the audit cannot see it.
    fn reason(&self) -> Option<&'static str> {
        let unseen = UNTRACED.iter().find(|(bug, _)| Some(*bug) == self.bug);
        unseen.map(|(_, reason)| *reason)
    }

    /// What is wrong with it.
    fn misses(&self) -> Vec<String> {
        let (steps, audit) = (self.steps.found.is_some(), self.audit.found.is_some());
        let Some(bug) = self.bug.map(Bug::name) else {
            let found = self.steps.found.iter().chain(&self.audit.found);
            return found.map(|(options, report)| broken(options, report)).collect();
        };
        let mut misses = Vec::new();
        if !steps {
            misses.push(format!("the simulation does not find {bug}"));
        }
        match (audit, self.reason()) {
            (false, None) => misses.push(format!("the audit does not find {bug}")),
            (true, Some(_)) => misses.push(format!(
                "the audit finds {bug}, of which no log is said to have a trace: say so no more"
            )),
            (true, None) | (false, Some(_)) => {}
        }
        misses
    }
}

fn broken(options: &Options, report: &Report) -> String {
    let failure = report.failure.as_ref().expect("it was found");
    format!("nothing was planted, and {} fails: {failure}", report.command(options))
}

/// Plants a bug in this process, or takes it out; false if this build holds none.
#[cfg(feature = "sabotage")]
pub(crate) fn plant(bug: Option<Bug>) -> bool {
    sabotage::plant(bug);
    true
}

/// The same in a build that holds none.
#[cfg(not(feature = "sabotage"))]
pub(crate) fn plant(_: Option<Bug>) -> bool {
    false
}

/// Plants every bug, and nothing, and tells what came of each. The commands that show
/// some of them in runs that were cut.
///
/// # Errors
/// What was not found, or was found although it was said that it cannot be.
pub(crate) fn try_all(mut tell: impl FnMut(&Finding)) -> Result<Vec<String>, Vec<String>> {
    let (mut misses, mut scripts) = (Vec::new(), Vec::new());
    for bug in std::iter::once(None).chain(Bug::ALL.iter().copied().map(Some)) {
        assert!(plant(bug), "whoever asks for this has built it in");
        let unseen = UNTRACED.iter().any(|(unseen, _)| Some(*unseen) == bug);
        let (seen, quiet) = (SEEDS_MAX, SEEDS_QUIET);
        let steps = ask(Judges::Steps, if bug.is_none() { quiet } else { seen });
        let audit = ask(Judges::Audit, if bug.is_none() || unseen { quiet } else { seen });
        let finding = Finding { bug, steps, audit };
        tell(&finding);
        misses.extend(finding.misses());
        let shrunk = SHRUNK.iter().find(|(shrunk, ..)| Some(*shrunk) == bug);
        if let (Some((_, shoppers, faults)), Some(found)) = (shrunk, &finding.steps.found) {
            match cut(found, *shoppers, *faults) {
                Ok(script) => scripts.push(script),
                Err(miss) => misses.push(miss),
            }
        }
    }
    plant(None);
    if misses.is_empty() { Ok(scripts) } else { Err(misses) }
}

/// Cuts a run that failed, and runs what is left once more: it fails in the same words.
fn cut(
    (options, report): &(Options, Report),
    shoppers_max: usize,
    faults_max: usize,
) -> Result<String, String> {
    let script = shrink(options, report);
    let again = run(&script.options);
    let command = again.command(&script.options);
    let left = script.options.only.iter().flatten().copied();
    let (shoppers, faults): (Vec<Chance>, Vec<Chance>) =
        left.partition(|chance| chance.fault == Fault::Session);
    if again.failure != script.report.failure {
        return Err(format!("{command} fails otherwise: {:?}", again.failure));
    }
    if shoppers.len() > shoppers_max || faults.len() > faults_max {
        let (shoppers, faults, all) = (shoppers.len(), faults.len(), report.taken.len());
        return Err(format!("{shoppers} shoppers, {faults} faults of {all} are left: {command}"));
    }
    Ok(command)
}

/// Lets a judge look at one seed after the other, until one fails. Seeds run side by side; which is
/// the first that fails does not depend on that.
fn ask(judges: Judges, seeds: u64) -> Verdict {
    let next = AtomicU64::new(1);
    let first: Mutex<Option<(Options, Report)>> = Mutex::default();
    let look = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let is_earlier = |found: &Option<(Options, Report)>| {
                found.as_ref().is_none_or(|(options, _)| seed < options.seed)
            };
            if seed > seeds || !is_earlier(&lock(&first)) {
                return;
            }
            let options = Options { judges, ..Options::of(seed) };
            let report = run(&options);
            let mut first = lock(&first);
            if report.failure.is_some() && is_earlier(&first) {
                *first = Some((options, report));
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(look);
        }
    });
    let found = first.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seeds = found.as_ref().map_or(seeds, |(options, _)| options.seed);
    Verdict { found, seeds }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
