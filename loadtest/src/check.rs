//! Whether what the buyers were told keeps the promises. Pure: a function of the history. Must not
//! know how the service works: it looks at answers alone, as a crowd of shoppers could.

mod forward;
mod keys;
mod limit;
mod outcomes;
mod stock;
#[cfg(test)]
mod tests;
mod units;

use std::fmt;

use serde::Serialize;

use crate::history::History;

/// A promise that a crowd can check. The numbers are those of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Promise {
    /// No oversell: what buyers own is what the stock lost.
    I1,
    /// Every 202 has one outcome, and keeps it.
    I2,
    /// The same key gives the same order; another payload under it is refused.
    I5,
    /// Nobody hears `sold-out` while there is stock.
    I7,
    /// Nobody owns more than the limit, or is refused below it.
    I8,
    /// A status only moves forward.
    I9,
    /// Every answer is one that its call documents.
    Answers,
}

impl Promise {
    /// Every promise.
    pub const ALL: [Self; 7] =
        [Self::I1, Self::I2, Self::I5, Self::I7, Self::I8, Self::I9, Self::Answers];

    /// What it promises, in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::I1 => "no oversell",
            Self::I2 => "every 202 has one outcome",
            Self::I5 => "one key, one order",
            Self::I7 => "no undersell",
            Self::I8 => "limit per customer",
            Self::I9 => "statuses move forward",
            Self::Answers => "only documented answers",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I5 => "I5",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::I9 => "I9",
            Self::Answers => "--",
        })
    }
}

/// A promise that was broken, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// Number of the buyer, from 0, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer: Option<u32>,
    /// What was seen.
    pub what: String,
}

/// How a promise was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which.
    pub promise: Promise,
    /// How many things were looked at: orders, keys, buyers, answers.
    pub looked_at: u64,
    /// How often it was broken.
    pub violations: u64,
    /// What could not be looked at, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<&'static str>,
}

/// What one check found.
#[derive(Default)]
struct Findings {
    looked_at: u64,
    violations: Vec<(Option<u32>, String)>,
    left_out: Option<&'static str>,
}

impl Findings {
    fn add(&mut self, buyer: u32, what: String) {
        self.violations.push((Some(buyer), what));
    }

    fn add_to_all(&mut self, what: String) {
        self.violations.push((None, what));
    }
}

/// Judges a history: a check per promise, and all violations in the order of the promises.
pub(crate) fn check_history(history: &History) -> (Vec<Check>, Vec<Violation>) {
    let (mut checks, mut violations) = (Vec::new(), Vec::new());
    for promise in Promise::ALL {
        let mut findings = Findings::default();
        match promise {
            Promise::I1 => units::check(history, &mut findings),
            Promise::I2 => outcomes::check(history, &mut findings),
            Promise::I5 => keys::check(history, &mut findings),
            Promise::I7 => stock::check(history, &mut findings),
            Promise::I8 => limit::check(history, &mut findings),
            Promise::I9 => forward::check(history, &mut findings),
            Promise::Answers => outcomes::check_answers(history, &mut findings),
        }
        checks.push(Check {
            promise,
            looked_at: findings.looked_at,
            violations: count(findings.violations.len()),
            left_out: findings.left_out,
        });
        let found = findings.violations.into_iter();
        violations.extend(found.map(|(buyer, what)| Violation { promise, buyer, what }));
    }
    (checks, violations)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("usize fits u64")
}
