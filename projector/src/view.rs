//! From entries of the decisions log to what is to be written. Pure: no log, store or clock.

use decision_log::{Entry, Verdict};
use read_model::Changes;
use sabotage::Bug;
use schemas::log::{Decision, Event};
use schemas::{Offset, Partition};

/// What a stretch of the decisions log leaves to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Changes of the effective decisions, in order.
    pub(crate) changes: Vec<Changes>,
    /// Commands whose bytes are broken for every version.
    pub(crate) unreadable: Vec<Offset>,
    /// Decisions that count.
    pub(crate) effective: u64,
    /// Records that count for nothing.
    pub(crate) ignored: u64,
    /// Repeats whose bytes differ from the first (promise I4).
    pub(crate) differing: u64,
}

impl View {
    /// The view of entries that stand one after the other in a partition.
    pub(crate) fn of(log_id: u8, partition: Partition, entries: &[Entry]) -> Self {
        let mut view = Self::default();
        for entry in entries {
            match entry {
                Entry::Genesis | Entry::Owner(_, Verdict::Owner) => {}
                Entry::Owner(..) => view.ignored += 1,
                Entry::Decision { decision, verdict: Verdict::Effective, .. } => {
                    view.fold(log_id, partition, decision);
                }
                Entry::Decision { verdict, .. } => {
                    view.ignored += 1;
                    view.differing += u64::from(*verdict == Verdict::Repeat { differs: true });
                }
            }
        }
        view
    }

    fn fold(&mut self, log_id: u8, partition: Partition, decision: &Decision) {
        self.effective += 1;
        if decision.events.iter().any(|event| matches!(event, Event::Unreadable(_))) {
            self.unreadable.push(decision.offset);
        }
        let mut changes = read_model::fold(log_id, partition, decision);
        let is_odd = |event: &Event| matches!(event, Event::OrderCancelled(it) if it.order % 2 > 0);
        if sabotage::is_planted(Bug::ReadModelSkewed) && decision.events.iter().any(is_odd) {
            changes.retain(|change| !matches!(change, Changes::Counters { .. }));
        }
        self.changes.extend(changes);
    }
}
