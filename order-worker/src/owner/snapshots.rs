//! When an owner takes a snapshot, and of what.

use std::time::Duration;

use futures_util::FutureExt;
use platform::fail_point::{self, FailPoint};

use super::Owner;
use crate::snapshot;

impl Owner {
    pub(super) fn snapshot_is_due(&self) -> bool {
        let (decided_next, at_ms) = self.snapshot_at;
        let decided = self.decided_next() - decided_next;
        if self.snapshot.is_some() || self.resting {
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
        if !self.snapshot_is_due() || !self.is_settled() {
            return false;
        }
        fail_point::reach(FailPoint::BeforeCheckpoint);
        let filter = self.reader.state().clone();
        assert_eq!(filter.decided_next, self.frontier.decided_next, "nothing is ahead of the log");
        let bytes = snapshot::encode(&filter, &self.frontier.state);
        self.snapshot_wanted = false;
        self.snapshot_at = (filter.decided_next, self.parts.clock.elapsed_millis());
        let (snapshots, partition) = (self.parts.snapshots.clone(), self.parts.partition);
        let save = async move { snapshots.save(partition, &filter, bytes).await };
        self.snapshot = Some(save.boxed());
        true
    }
}
