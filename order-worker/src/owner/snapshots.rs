//! When an owner takes a snapshot, of what, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use platform::fail_point::{self, FailPoint};
use sabotage::Bug;
use schemas::log::FilterState;

use super::Owner;

impl Owner {
    pub(super) fn snapshot_is_due(&self) -> bool {
        let (decided_next, at_ms) = self.snapshot_at;
        let decided = self.decided_next() - decided_next;
        if self.making.is_some() || self.snapshot.is_some() || self.resting {
            return false;
        }
        if self.snapshot_wanted || decided == 0 {
            return self.snapshot_wanted;
        }
        let waited = Duration::from_millis(self.parts.clock.elapsed_millis() - at_ms);
        self.draining
            || (decided >= self.options.snapshot_decisions && waited >= self.options.snapshot_pause)
    }

    /// Takes a snapshot if one is due and nothing is on its way: then the state is the fold of
    /// what was read back, to the byte.
    pub(super) fn take_snapshot(&mut self) -> bool {
        if !self.snapshot_is_due() {
            return false;
        }
        let Some(filter) = self.settled() else { return false };
        fail_point::reach(FailPoint::BeforeCheckpoint);
        assert_eq!(filter.decided_next, self.frontier.decided_next, "nothing is ahead of the log");
        self.snapshot_wanted = false;
        self.snapshot_at = (filter.decided_next, self.parts.clock.elapsed_millis());
        let (snapshots, partition) = (self.parts.snapshots.clone(), self.parts.partition);
        let state = Arc::clone(&self.frontier.state);
        let make = async move {
            let bytes = snapshots.make(partition, filter.clone(), state).await?;
            Ok((filter, bytes))
        };
        self.making = Some(make.boxed());
        true
    }

    /// The filter's state at which the frontier stands, once all that was decided is read back.
    fn settled(&self) -> Option<FilterState> {
        let filter = self.reader.state().clone();
        if sabotage::is_planted(Bug::SnapshotOfUnreadState) {
            let (decided_next, log_time) =
                (self.frontier.decided_next, self.frontier.state.log_time());
            return Some(FilterState { decided_next, log_time, ..filter });
        }
        self.is_settled().then_some(filter)
    }

    pub(super) fn collect_snapshot(&mut self) {
        if let Some(made) = self.making.as_mut().and_then(FutureExt::now_or_never) {
            self.making = None;
            let (snapshots, partition) = (self.parts.snapshots.clone(), self.parts.partition);
            let save = async move {
                let (filter, bytes) = made?;
                snapshots.save(partition, &filter, bytes).await
            };
            self.snapshot = Some(save.boxed());
        }
        if let Some(outcome) = self.snapshot.as_mut().and_then(FutureExt::now_or_never) {
            self.snapshot = None;
            match outcome {
                Ok(()) => self.metrics.snapshots_written.increment(1),
                Err(fault) => {
                    self.metrics.snapshots_failed.increment(1);
                    tracing::warn!(%fault, "snapshot not written");
                }
            }
        }
    }
}
