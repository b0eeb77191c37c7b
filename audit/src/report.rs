//! What an audit found, for people (`Display`) and for machines (serde).

use std::fmt;

use schemas::{Offset, Partition};
use serde::Serialize;

/// A promise, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs, reason = "each is explained by its title")]
pub enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
}

impl Invariant {
    /// All of them, in order.
    pub const ALL: [Self; 9] =
        [Self::I1, Self::I2, Self::I3, Self::I4, Self::I5, Self::I6, Self::I7, Self::I8, Self::I9];

    /// What is promised, in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::I1 => "no unit is sold twice",
            Self::I2 => "every command has one decision, every decision its command",
            Self::I3 => "first come, first served",
            Self::I4 => "deciding again gives the same",
            Self::I5 => "one key, one order",
            Self::I6 => "the read model equals the fold",
            Self::I7 => "nobody is refused while there is enough",
            Self::I8 => "no customer has more than the limit",
            Self::I9 => "orders and payments only move forward",
        }
    }

    /// What the count of checks is a count of.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::I1 => "counters",
            Self::I2 | Self::I3 => "decisions",
            Self::I4 => "decisions, judged again or repeated",
            Self::I5 => "keys and repeats",
            Self::I6 => "rows",
            Self::I7 => "purchases that came to the stock",
            Self::I8 => "purchases that came to the limit",
            Self::I9 => "steps",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Whether a promise holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In all that was checked.
    Holds,
    /// At least once not.
    Violated,
    /// It was not looked at: there is no read model.
    Unchecked,
}

/// One breach of a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which partition.
    pub partition: Partition,
    /// Offset in the commands log of the command that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Offset>,
    /// Offset in the decisions log of the record that shows it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Offset>,
    /// What was expected and what was found, in a sentence.
    pub explanation: Box<str>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}", self.partition)?;
        if let Some(command) = self.command {
            write!(f, ", command {command}")?;
        }
        if let Some(record) = self.record {
            write!(f, ", record {record}")?;
        }
        write!(f, ": {}", self.explanation)
    }
}

/// What was found about one promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Which.
    pub invariant: Invariant,
    /// Whether it holds.
    pub verdict: Verdict,
    /// How many checks were made; [`Invariant::unit`] says of what.
    pub checked: u64,
    /// How many of them failed.
    pub violated: u64,
    /// The first of those, at most [`Line::VIOLATIONS_MAX`].
    pub violations: Vec<Violation>,
}

impl Line {
    /// Most violations that are told one by one.
    pub const VIOLATIONS_MAX: usize = 20;
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, verdict, checked, violated, violations } = self;
        let (title, unit) = (invariant.title(), invariant.unit());
        match verdict {
            Verdict::Holds => write!(f, "{invariant} holds      {title} ({checked} {unit})"),
            Verdict::Unchecked => write!(f, "{invariant} unchecked  {title} (no read model)"),
            Verdict::Violated => {
                write!(f, "{invariant} VIOLATED   {title} ({violated} breaches; {checked} {unit})")
            }
        }?;
        for violation in violations {
            write!(f, "\n     {violation}")?;
        }
        let untold = violated - violations.len() as u64;
        if untold > 0 { write!(f, "\n     and {untold} more") } else { Ok(()) }
    }
}

/// How much of one partition could be checked, and what stood there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Which partition.
    pub partition: Partition,
    /// Records of the decisions log before this offset were read, from offset 0 on.
    pub read_offset: Offset,
    /// The end of the decisions log when the audit began.
    pub end: Offset,
    /// Rows were compared with the fold up to this offset of the decisions log; none: there is no
    /// read model, or the fold did not come so far.
    pub rows_read_offset: Option<Offset>,
    /// Next command to decide.
    pub decided_next: Offset,
    /// Commands at the end of the commands log that are not decided yet: no failure.
    pub pending: u64,
    /// Effective decisions.
    pub effective: u64,
    /// Owner records that counted.
    pub owners: u64,
    /// Owner records that came too late.
    pub stale_owners: u64,
    /// Ignored decisions of those who were not, or no longer, the owner.
    pub zombies: u64,
    /// Ignored decisions on commands that were decided.
    pub repeats: u64,
    /// Ignored decisions after a lost one.
    pub gaps: u64,
    /// Effective decisions that were not judged again, because this build does not know the rules
    /// in force, or cannot read the command.
    pub unjudged: u64,
    /// Why reading stopped before the end, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Box<str>>,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, read_offset, end, decided_next, pending, .. } = self;
        let Self { effective, owners, stale_owners, zombies, repeats, gaps, .. } = self;
        write!(f, "partition {partition}: records 0..{read_offset} of {end}; ")?;
        write!(f, "{effective} decisions, decided_next {decided_next}, {pending} pending; ")?;
        write!(f, "{owners} owners ({stale_owners} too late), ignored: {zombies} of zombies, ")?;
        write!(f, "{repeats} repeats, {gaps} after gaps")?;
        if self.unjudged > 0 {
            write!(f, "; {} not judged again", self.unjudged)?;
        }
        if let Some(rows) = self.rows_read_offset {
            write!(f, "; rows at {rows}")?;
        }
        match &self.stopped {
            Some(reason) => write!(f, "; STOPPED: {reason}"),
            None => Ok(()),
        }
    }
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log that was read.
    pub log_id: u8,
    /// One for every promise, in order.
    pub lines: Vec<Line>,
    /// One for every partition, in order.
    pub partitions: Vec<Range>,
    /// What is odd but breaks no promise.
    pub warnings: Vec<Box<str>>,
}

impl Report {
    /// 0: all promises hold; 1: one does not; 2: none is known to be broken, but a partition could
    /// not be read to its end.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let is_violated = |line: &Line| line.verdict == Verdict::Violated;
        let is_stopped = |range: &Range| range.stopped.is_some();
        match () {
            () if self.lines.iter().any(is_violated) => 1,
            () if self.partitions.iter().any(is_stopped) => 2,
            () => 0,
        }
    }

    /// Commands that are not decided yet, over all partitions.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.partitions.iter().map(|range| range.pending).sum()
    }

    /// The line of one promise.
    ///
    /// # Panics
    /// Never for a report that an audit made: it has a line for every promise.
    #[must_use]
    pub fn line(&self, invariant: Invariant) -> &Line {
        let found = self.lines.iter().find(|line| line.invariant == invariant);
        found.expect("a report has a line for every promise")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        for range in &self.partitions {
            writeln!(f, "{range}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        write!(f, "log {}: {} commands pending", self.log_id, self.pending())
    }
}
