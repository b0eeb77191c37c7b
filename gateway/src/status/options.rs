//! What a status view is started with, and why it may not start.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_log::{Log, ReadLimits};
use platform::clock::Clock;
use read_model::{Store, StoreError};

use crate::admission::DoorLimits;
use crate::view::EVICTED_TOGETHER;

/// What a status view is made of.
pub struct StatusOptions {
    /// The decisions log, which it follows.
    pub decisions: Arc<dyn Log>,
    /// The commands log, of which it asks the ends only: how many wait.
    pub commands: Arc<dyn Log>,
    /// The read model, from which it starts and which has the older orders.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Id of the log.
    pub log_id: u8,
    /// Name of this gateway, for the record of admissions.
    pub gateway: Box<str>,
    /// Bounds.
    pub limits: StatusLimits,
}

impl fmt::Debug for StatusOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("StatusOptions");
        debug.field("log_id", &self.log_id).field("gateway", &self.gateway);
        debug.field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Bounds of a status view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLimits {
    /// Orders (and outcomes of other commands) beyond which those leave that the read model has.
    pub records_max: usize,
    /// Orders beyond which no purchase is let in, because the read model does not keep up.
    pub records_hard_max: usize,
    /// How many records leave at a time; each partition keeps up to so many more.
    pub evicted_together: usize,
    /// Queued purchases of this gateway whose details it remembers, for each partition.
    pub queued_max: usize,
    /// Polls for queued orders that this gateway takes in a second.
    pub polls_per_second_max: u64,
    /// A view older than this is not ready.
    pub stale_after: Duration,
    /// How much of the log is read and applied at once.
    pub read: ReadLimits,
    /// The door.
    pub door: DoorLimits,
}

impl Default for StatusLimits {
    fn default() -> Self {
        Self {
            records_max: 1_000_000,
            records_hard_max: 4_000_000,
            evicted_together: EVICTED_TOGETHER,
            queued_max: 200_000,
            polls_per_second_max: 2_000,
            stale_after: Duration::from_secs(10),
            read: ReadLimits { records_max: 2_048, bytes_max: 4 << 20 },
            door: DoorLimits::default(),
        }
    }
}

/// Why a status view did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The read model, from which it starts, did not answer.
    #[error("the status view cannot start from the read model")]
    Store(#[from] StoreError),
    /// The read model knows a partition that the log does not have.
    #[error("the read model has partition {partition}, but the log has {partitions} partitions")]
    OtherPartitionCount {
        /// The partition of a row.
        partition: schemas::Partition,
        /// Count of the log.
        partitions: schemas::Partition,
    },
}
