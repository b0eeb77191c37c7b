//! What becomes of an append: the one place where faults are decided.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use schemas::Partition;
use tokio::sync::oneshot;

use crate::contract::{AppendError, Appended, Record};

/// What becomes of one append. An append that is acknowledged and lost is not among them: no
/// backend may do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It lands at once and is acknowledged.
    Lands,
    /// It lands at once, but its caller is told that nobody knows.
    LandsUnknown,
    /// Nothing is written, and its caller is told so.
    Refused,
    /// It never lands; its caller is told that nobody knows.
    Lost,
    /// It never lands and is never answered.
    LostSilently,
    /// It lands when it is released and is acknowledged then. Appends of the same caller that
    /// come later must be held too: no backend lets them overtake.
    Held,
    /// Its caller is told at once that nobody knows; it lands when it is released.
    Late,
}

/// Fates decided beforehand, and who decides the others.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    decided: BTreeMap<Partition, VecDeque<Fate>>,
    pub(crate) source: Option<FateSource>,
}

/// A scheduler, asked about every append.
pub(crate) struct FateSource(pub(crate) Box<Ask>);

type Ask = dyn FnMut(Partition, &[Record]) -> Fate + Send;

impl fmt::Debug for FateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FateSource")
    }
}

impl Fates {
    pub(crate) fn decide(&mut self, partition: Partition, fate: Fate) {
        self.decided.entry(partition).or_default().push_back(fate);
    }

    pub(crate) fn next(&mut self, partition: Partition, records: &[Record]) -> Fate {
        if let Some(fate) = self.decided.get_mut(&partition).and_then(VecDeque::pop_front) {
            return fate;
        }
        self.source.as_mut().map_or(Fate::Lands, |FateSource(ask)| ask(partition, records))
    }
}

/// An append that has not landed.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) records: Vec<Record>,
    pub(crate) answer: Answer,
}

/// What the caller of a held append knows.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Nothing yet.
    Awaited(oneshot::Sender<Result<Vec<Appended>, AppendError>>),
    /// That nobody knows.
    Given,
}

impl Answer {
    pub(crate) fn give(self, outcome: Result<Vec<Appended>, AppendError>) {
        match self {
            // Whoever dropped the receipt does not want to know.
            Self::Awaited(answer) => drop(answer.send(outcome)),
            Self::Given => {}
        }
    }
}
