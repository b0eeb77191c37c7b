//! Why a partition is parked: going on could break a promise, so one partition stops with an
//! alarm and the others go on.

use schemas::{Offset, Partition, Timestamp};

/// The cause of a park. It ends when its cause ends, or when an operator says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Park {
    /// The genesis record names another log than the stored state does.
    #[error("the log is {found}, but what is stored was read from log {expected}")]
    OtherLog {
        /// Log id in the genesis record.
        found: u8,
        /// Log id in the stored state.
        expected: u8,
    },
    /// The genesis record names another number of partitions than the log has.
    #[error("the genesis record says {found} partitions, but there are {expected}")]
    OtherPartitionCount {
        /// Count in the genesis record.
        found: Partition,
        /// Count of the log.
        expected: Partition,
    },
    /// The partition does not begin with a genesis record.
    #[error("the first record is not a genesis record")]
    NoGenesis,
    /// The stored `read_offset` lies outside the decisions log: it was cut at one of its ends.
    #[error("read_offset {read_offset} is outside the decisions log, {start}..={end}")]
    ReadOffsetOutside {
        /// Next offset to read.
        read_offset: Offset,
        /// First offset kept.
        start: Offset,
        /// Offset after the last record.
        end: Offset,
    },
    /// `decided_next` lies outside the commands log: it was cut at one of its ends.
    #[error("decided_next {decided_next} is outside the commands log, {start}..={end}")]
    DecidedNextOutside {
        /// Next command to decide.
        decided_next: Offset,
        /// First offset kept.
        start: Offset,
        /// Offset after the last record.
        end: Offset,
    },
    /// Log time runs more than a minute ahead of the owner's clock: one of the two is wrong, and
    /// holds would expire by the wrong one.
    #[error("log time {log_time} is more than 60 s ahead of this worker's clock, {now}")]
    LogTimeAhead {
        /// Log time of the partition.
        log_time: Timestamp,
        /// Clock of the owner.
        now: Timestamp,
    },
    /// A decision would not fit into a record of the log.
    #[error("the decision on offset {offset} has {bytes} bytes, more than the log takes")]
    TooLarge {
        /// The command's offset.
        offset: Offset,
        /// Size of the decision.
        bytes: usize,
    },
    /// An effective decision that cannot have been made in the state before it.
    #[error("the decision on offset {offset} contradicts those before it")]
    Impossible {
        /// The command's offset.
        offset: Offset,
    },
    /// A decision of an epoch that nobody has claimed.
    #[error("a decision at {read_offset} has epoch {found}, but the current epoch is {current}")]
    UnclaimedEpoch {
        /// Where it stands in the decisions log.
        read_offset: Offset,
        /// Its epoch.
        found: u64,
        /// The highest epoch claimed before it.
        current: u64,
    },
    /// A record of a newer writer: this build must be upgraded first.
    #[error("{log} record at {offset}: {fault}; upgrade this program")]
    Newer {
        /// Which log.
        log: &'static str,
        /// Where it stands.
        offset: Offset,
        /// What could not be understood.
        fault: Box<str>,
    },
    /// A record of the decisions log that nobody can read.
    #[error("decisions record at {offset}: {fault}")]
    Unreadable {
        /// Where it stands.
        offset: Offset,
        /// What is wrong with it.
        fault: Box<str>,
    },
}
