//! What operators see of partitions, and what they can ask of them: the board that the ops
//! listener reads (`partition list`) and writes (`partition resume`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::{Offset, Partition};
use serde::Serialize;
use tokio::sync::Notify;

/// What a worker does with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading up, or claiming it.
    TakingOver,
    /// Deciding.
    Owning,
    /// Stopped with an alarm; `park` says why.
    Parked,
    /// Not this process's: another one has it, or none yet.
    Unassigned,
    /// Given up: the worker has stopped.
    Stopped,
}

/// One partition as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionStatus {
    /// Which partition.
    pub partition: Partition,
    /// What is done with it.
    pub phase: Phase,
    /// Why it is parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub park: Option<String>,
    /// Epoch of the current owner.
    pub epoch: u64,
    /// Next command to decide.
    pub decided_next: Offset,
    /// Next record of the decisions log to read back.
    pub read_offset: Offset,
    /// End of the commands log when last looked at.
    pub commands_end: Offset,
}

/// What an operator asks of a parked partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// Go on although log time runs ahead of the clock.
    pub accept_log_time: bool,
    /// Start a fresh state for a new log.
    pub new_log: bool,
}

/// The board of all partitions of one process.
#[derive(Debug)]
pub struct PartitionBoard {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    status: Mutex<PartitionStatus>,
    wish: Mutex<Option<Resume>>,
    wished: Notify,
}

impl PartitionBoard {
    /// A board for the partitions 0 to `partitions` − 1.
    #[must_use]
    pub fn new(partitions: Partition) -> Self {
        let row = |partition| Row {
            status: Mutex::new(PartitionStatus {
                partition,
                phase: Phase::Unassigned,
                park: None,
                epoch: 0,
                decided_next: 1,
                read_offset: 0,
                commands_end: 0,
            }),
            wish: Mutex::new(None),
            wished: Notify::new(),
        };
        Self { rows: (0..partitions).map(row).collect() }
    }

    /// All partitions, in order.
    #[must_use]
    pub fn list(&self) -> Vec<PartitionStatus> {
        self.rows.iter().map(|row| lock(&row.status).clone()).collect()
    }

    /// Asks the partition's worker to try again now; false if there is no such partition.
    #[must_use]
    pub fn resume(&self, partition: Partition, resume: Resume) -> bool {
        let Some(row) = self.rows.get(usize::from(partition)) else { return false };
        *lock(&row.wish) = Some(resume);
        row.wished.notify_one();
        true
    }

    pub(crate) fn update(&self, partition: Partition, change: impl FnOnce(&mut PartitionStatus)) {
        change(&mut lock(&self.row(partition).status));
    }

    pub(crate) fn take_wish(&self, partition: Partition) -> Option<Resume> {
        lock(&self.row(partition).wish).take()
    }

    pub(crate) async fn wished(&self, partition: Partition) {
        self.row(partition).wished.notified().await;
    }

    fn row(&self, partition: Partition) -> &Row {
        &self.rows[usize::from(partition)]
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
