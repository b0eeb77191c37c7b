//! What operators see of the projection of each partition.

use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::{Offset, Partition};
use serde::Serialize;

/// The projection of one partition as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProjectorStatus {
    /// Which partition.
    pub partition: Partition,
    /// Next record of the decisions log to project; everything before it is committed.
    pub read_offset: Offset,
    /// Next command whose decision is not committed yet.
    pub decided_next: Offset,
    /// End of the decisions log when last looked at.
    pub end: Offset,
    /// Records that wait.
    pub lag_records: u64,
    /// Since when the oldest decision of them waits, in milliseconds since the Unix epoch; none if
    /// none waits. Its age tells a projector that hangs from one that has nothing to do.
    pub waiting_since_ms: Option<i64>,
    /// Its age when last looked at, in milliseconds: it stands still while a commit hangs. 0 if
    /// none waits.
    pub lag_ms: u64,
    /// Why the partition is stopped, if it is.
    pub park: Option<String>,
}

/// The statuses of all partitions of one process.
#[derive(Debug)]
pub struct ProjectorBoard {
    rows: Vec<Mutex<ProjectorStatus>>,
}

impl ProjectorBoard {
    /// A board for the partitions 0 to `partitions` − 1.
    #[must_use]
    pub fn new(partitions: Partition) -> Self {
        let row = |partition| {
            Mutex::new(ProjectorStatus {
                partition,
                read_offset: 0,
                decided_next: 1,
                end: 0,
                lag_records: 0,
                waiting_since_ms: None,
                lag_ms: 0,
                park: None,
            })
        };
        Self { rows: (0..partitions).map(row).collect() }
    }

    /// All partitions, in order.
    #[must_use]
    pub fn list(&self) -> Vec<ProjectorStatus> {
        self.rows.iter().map(|row| lock(row).clone()).collect()
    }

    /// Changes one status and returns it.
    pub(crate) fn update(
        &self,
        partition: Partition,
        change: impl FnOnce(&mut ProjectorStatus),
    ) -> ProjectorStatus {
        let mut status = lock(&self.rows[usize::from(partition)]);
        change(&mut status);
        status.lag_records = status.end.saturating_sub(status.read_offset);
        if status.lag_records == 0 {
            (status.waiting_since_ms, status.lag_ms) = (None, 0);
        }
        status.clone()
    }
}

fn lock(row: &Mutex<ProjectorStatus>) -> MutexGuard<'_, ProjectorStatus> {
    row.lock().unwrap_or_else(PoisonError::into_inner)
}
