//! What a run was told to do and what came of it. Must not know how it ran.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Once;

use sabotage::{Bug, is_planted};

use crate::faults::Chance;

/// How far a run goes with faults, unless somebody says otherwise.
pub const STEPS: u64 = 8_000;

/// Who judges a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judges {
    /// The checks after every step, and now and then the audit.
    #[default]
    All,
    /// The checks after every step alone.
    Steps,
    /// The audit alone: whatever happens, the run goes on, and what it left is looked at.
    Audit,
}

impl Judges {
    const ALL: [(&'static str, Self); 3] =
        [("all", Self::All), ("steps", Self::Steps), ("audit", Self::Audit)];

    fn name(self) -> &'static str {
        let found = Self::ALL.into_iter().find(|(_, judges)| *judges == self);
        found.expect("all are listed").0
    }
}

impl FromStr for Judges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, judges)| judges).ok_or_else(|| format!("`{text}` is nobody who judges"))
    }
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything that is drawn follows from it.
    pub seed: u64,
    /// Steps with faults; after them everything heals.
    pub steps: u64,
    /// No other faults than these; none: all that the seed draws.
    pub only: Option<BTreeSet<Chance>>,
    /// Whether the trace is kept in words.
    pub in_words: bool,
    /// Who says that it failed.
    pub judges: Judges,
}

impl Options {
    /// A run of a seed as it is.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self { seed, steps: STEPS, only: None, in_words: false, judges: Judges::All }
    }
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A promise does not hold.
    Breach(String),
    /// Code of the service panicked.
    Panic(String),
    /// Not everything came to its end although nothing was wrong any more.
    Stuck(String),
    /// The audit found something.
    Audit(String),
    /// Two audits of a service at rest find the same commands undecided.
    Pending(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breach(words) => write!(f, "{words}"),
            Self::Panic(words) => write!(f, "panic: {words}"),
            Self::Stuck(words) => write!(f, "not drained: {words}"),
            Self::Audit(words) => write!(f, "the audit says:\n{words}"),
            Self::Pending(words) => write!(f, "audits at rest say: {words}"),
        }
    }
}

impl Failure {
    /// Whether another failure is of the same kind: a script that is cut must fail alike.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let promise = |words: &str| words.split_once(' ').map(|(it, _)| it.to_owned());
        match (self, other) {
            (Self::Breach(one), Self::Breach(two)) => promise(one) == promise(two),
            (Self::Panic(_), Self::Panic(_))
            | (Self::Stuck(_), Self::Stuck(_))
            | (Self::Audit(_), Self::Audit(_))
            | (Self::Pending(_), Self::Pending(_)) => true,
            (_, _) => false,
        }
    }

    /// In a word or two, what found it: a promise by its number, as a rule.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Breach(words) => words.split(' ').next().unwrap_or_default().to_owned(),
            Self::Panic(_) => "own assertion".to_owned(),
            Self::Stuck(_) => "liveness".to_owned(),
            Self::Audit(words) => {
                let lines = words.lines().filter(|line| line.contains(" VIOLATED "));
                let promises = lines.filter_map(|line| line.split(' ').next());
                promises.collect::<Vec<_>>().join(" ")
            }
            Self::Pending(_) => "pending at rest".to_owned(),
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Everything that happened, as one number: the same for the same options.
    pub trace_hash: u64,
    /// Steps, with and without faults.
    pub steps: u64,
    /// Virtual milliseconds.
    pub elapsed_ms: u64,
    /// What was exercised, and how often.
    pub counts: BTreeMap<&'static str, u64>,
    /// Chances of faults that were taken, in order.
    pub taken: Vec<Chance>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The trace in words, if it was asked for.
    pub lines: Vec<String>,
}

impl Report {
    /// How often something was exercised.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// The command that runs the same again.
    #[must_use]
    pub fn command(&self, options: &Options) -> String {
        let mut command = format!("cargo xtask simulate --seed {}", self.seed);
        if options.steps != STEPS {
            command += &format!(" --steps {}", options.steps);
        }
        if let Some(only) = &options.only {
            let only: Vec<_> = only.iter().map(ToString::to_string).collect();
            command += &format!(" --only {}", only.join(","));
        }
        if options.judges != Judges::All {
            command += &format!(" --judges {}", options.judges.name());
        }
        if let Some(bug) = Bug::ALL.iter().find(|bug| is_planted(**bug)) {
            command += &format!(" --sabotage {}", bug.name());
        }
        command
    }
}

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics are noted in place of being printed: a run says what it found once.
pub(crate) fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_ours = std::thread::current().name() == Some(THREAD);
            if !is_ours {
                return usual(info);
            }
            LAST_PANIC.with_borrow_mut(|last| *last = info.to_string());
        }));
    });
}

/// Name of threads in which runs are made.
pub(crate) const THREAD: &str = "simulation";

pub(crate) fn last_panic() -> String {
    LAST_PANIC.with_borrow(Clone::clone)
}
