//! Why a worker has nothing of a partition, or has to let go of it. What is to be done about it is
//! decided in [`crate::worker`].

use decision_log::{Park, ReaderError};
use event_log::{AppendError, ReadError};

/// Why a partition was not taken over, or is not owned any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Setback {
    /// Going on could break a promise.
    #[error("parked: {0}")]
    Parked(Park),
    /// Somebody else owns it, or claimed it first.
    #[error("the partition is another owner's, epoch {epoch}")]
    Fenced {
        /// Epoch of that owner.
        epoch: u64,
    },
    /// The state is no longer known to be the fold of the log: start over.
    #[error("start over: {0}")]
    Lost(Box<str>),
    /// A log cannot be read or written now.
    #[error(transparent)]
    Read(ReadError),
    /// The log does not take the claim or its outcome is unknown.
    #[error(transparent)]
    Append(AppendError),
}

impl From<Park> for Setback {
    fn from(park: Park) -> Self {
        Self::Parked(park)
    }
}

impl From<ReaderError> for Setback {
    fn from(fault: ReaderError) -> Self {
        match fault {
            ReaderError::Parked { park, .. } => Self::Parked(park),
            ReaderError::Read(fault) => Self::Read(fault),
        }
    }
}
