//! Rule sets, by number. The owner record in the log names the one in force from there on.
//!
//! An old rule set stays as it is for as long as commands decided by it are kept: every stretch of
//! the log can be decided again, with the same bytes (I4). A new one gets a module beside `first`.

mod first;

use schemas::log::{Command, Decision};
use schemas::{Offset, Timestamp};

use crate::State;

/// What stands at an offset of the commands log.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A command.
    Command(&'a Command),
    /// The partition's first record again.
    Genesis,
    /// Bytes that are broken for every version.
    Unreadable,
}

/// Where and when a decision is made, and by which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Number of the rule set in force.
    pub rules: u32,
    /// Offset of the command.
    pub offset: Offset,
    /// When the log took the command in.
    pub append_time: Timestamp,
    /// `decided_next` at this point: goes into the decision as it is.
    pub after: Offset,
}

/// Whether this build has the rule set `rules`. An owner must not decide by one that it has not.
#[must_use]
pub fn is_known(rules: u32) -> bool {
    rules == 1
}

/// Decides about what stands at an offset. Log time never falls: an append time before that of the
/// last decision counts as the latter.
///
/// # Panics
/// If [`is_known`] denies the rule set. Never because of the command.
#[must_use]
pub fn decide(state: &State, input: Input<'_>, context: Context) -> Decision {
    let Context { rules, offset, append_time, after } = context;
    let log_time = state.log_time().max(append_time);
    let events = match rules {
        1 => first::decide(state, input, log_time),
        _ => panic!("rule set {rules} is not in this build"),
    };
    Decision { offset, after, log_time, events }
}
