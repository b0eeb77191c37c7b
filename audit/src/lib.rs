//! The promises I1 to I9, checked from the logs and the read model.
//!
//! Everything here is written again from the promises, naively, in sorted maps: the filter, the
//! rules, the fold of events into rows. What an audit shared with the code that it judges, it could
//! not judge. So this crate must not use the filter of the decision log, nor the decider, nor the
//! read model's own fold; it takes from them only the shapes of records and rows.
//!
//! [`run`] reads, [`Report`] says. Three parts look at every effective decision: `judge` says what
//! should have been decided, `verdict` compares, and `world` folds what was decided, so that one
//! wrong decision is reported once and what follows is judged by what really happened.

mod error;
mod filter;
mod finding;
mod inspection;
mod judge;
mod page;
mod partition;
mod repeat;
mod report;
mod rows;
mod verdict;
mod world;

pub use error::AuditError;
pub use inspection::{AuditInput, run};
pub use report::{Invariant, Line, Range, Report, Verdict, Violation};
