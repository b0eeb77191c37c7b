//! Decisions that were handed to the log and not read back yet. The state ahead of what was read
//! back is speculation: it is never stored or shown.

use std::collections::VecDeque;

use decision_log::DecisionHead;
use schemas::Offset;

/// The loop pauses at so many, so that load alone can never make a decision late.
pub(crate) const SENT_MAX: usize = 65_536;

/// Why a decision that was read back is not the one that was sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("read back decision on {read_back}, expected one on {expected:?}")]
pub(crate) struct Mismatch {
    read_back: Offset,
    expected: Option<Offset>,
}

/// Own decisions in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct Sent(VecDeque<DecisionHead>);

impl Sent {
    pub(crate) fn push(&mut self, head: DecisionHead) {
        self.0.push_back(head);
    }

    /// What will be read back, in its order.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &DecisionHead> {
        self.0.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the oldest out if it is what was read back, to the byte.
    pub(crate) fn read_back(&mut self, head: &DecisionHead) -> Result<(), Mismatch> {
        let oldest = self.0.pop_front();
        if oldest.as_ref() == Some(head) {
            return Ok(());
        }
        Err(Mismatch { read_back: head.offset, expected: oldest.map(|head| head.offset) })
    }
}
