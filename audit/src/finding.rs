//! What is being found: counts of checks and the first breaches of each promise, with the place
//! that the audit has come to.

use schemas::{Offset, Partition};

use crate::report::{Invariant, Line, Verdict, Violation};

/// Most warnings that are told one by one.
const WARNINGS_MAX: usize = 20;

/// Where the audit is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) partition: Partition,
    pub(crate) command: Option<Offset>,
    pub(crate) record: Option<Offset>,
}

/// The collection.
#[derive(Debug)]
pub(crate) struct Findings {
    /// Set by whoever goes on to the next record or row.
    pub(crate) place: Place,
    lines: Vec<Line>,
    warnings: Vec<Box<str>>,
    warned: u64,
}

impl Findings {
    /// None yet. Without a read model I6 stays unchecked.
    pub(crate) fn new(has_rows: bool) -> Self {
        let line = |invariant| {
            let is_checked = has_rows || invariant != Invariant::I6;
            let verdict = if is_checked { Verdict::Holds } else { Verdict::Unchecked };
            Line { invariant, verdict, checked: 0, violated: 0, violations: Vec::new() }
        };
        let lines = Invariant::ALL.into_iter().map(line).collect();
        Self { place: Place::default(), lines, warnings: Vec::new(), warned: 0 }
    }

    /// Counts one check.
    pub(crate) fn check(&mut self, invariant: Invariant) {
        self.line(invariant).checked += 1;
    }

    /// Notes a breach at the present place.
    pub(crate) fn violated(&mut self, invariant: Invariant, explanation: impl Into<Box<str>>) {
        let Place { partition, command, record } = self.place;
        let line = self.line(invariant);
        line.verdict = Verdict::Violated;
        line.violated += 1;
        if line.violations.len() < Line::VIOLATIONS_MAX {
            let explanation = explanation.into();
            line.violations.push(Violation { partition, command, record, explanation });
        }
    }

    /// Counts one check, and notes a breach if it did not hold.
    pub(crate) fn expect(
        &mut self,
        invariant: Invariant,
        holds: bool,
        explanation: impl FnOnce() -> String,
    ) {
        self.check(invariant);
        if !holds {
            self.violated(invariant, explanation());
        }
    }

    /// Notes what is odd but breaks no promise.
    pub(crate) fn warn(&mut self, warning: impl Into<Box<str>>) {
        self.warned += 1;
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(warning.into());
        }
    }

    /// Lines in order, and warnings.
    pub(crate) fn finish(mut self) -> (Vec<Line>, Vec<Box<str>>) {
        let untold = self.warned - self.warnings.len() as u64;
        if untold > 0 {
            self.warnings.push(format!("and {untold} more warnings").into());
        }
        (self.lines, self.warnings)
    }

    fn line(&mut self, invariant: Invariant) -> &mut Line {
        &mut self.lines[invariant as usize]
    }
}
