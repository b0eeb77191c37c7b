//! Why an audit could not look: operating faults, never what it found.

use event_log::ReadError;
use read_model::StoreError;
use schemas::{Offset, Partition};

/// Why there is no report. The command line exits with 2.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A log could not be read.
    #[error("a log could not be read")]
    Log(#[from] ReadError),
    /// A log says that it has records which it does not give.
    #[error("{log}/{partition}: offset {offset} is missing")]
    Hole {
        /// Name of the log.
        log: Box<str>,
        /// Which partition.
        partition: Partition,
        /// What was asked for.
        offset: Offset,
    },
    /// The read model could not be read.
    #[error("the read model could not be read")]
    Store(#[from] StoreError),
    /// The read model gives rows out of order, so its pages cannot be followed.
    #[error("the read model gives the {table} of partition {partition} out of order")]
    Disorder {
        /// Which rows.
        table: &'static str,
        /// Which partition.
        partition: Partition,
    },
    /// No partition of either log has begun: there is nothing to look at.
    #[error("the logs have no genesis record: nothing was ever written")]
    NoGenesis,
    /// The two logs, or their partitions, are not of one system.
    #[error("{log}/{partition} is not of the log that the others are of: {reason}")]
    OtherLog {
        /// Name of the log.
        log: Box<str>,
        /// Which partition.
        partition: Partition,
        /// What is different.
        reason: Box<str>,
    },
}
