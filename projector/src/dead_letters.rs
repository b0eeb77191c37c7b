//! Copies of commands that nobody can read, for people to look at. Each is copied at least once
//! before the read model says that it was refused.

use std::sync::Arc;

use event_log::{AppendError, Log, ReadError, ReadLimits, Record, Stored, headers};
use schemas::{Offset, Partition};

/// Header of a dead letter: partition of the command, decimal.
pub const HEADER_PARTITION: &str = "partition";
/// Header of a dead letter: offset of the command, decimal.
pub const HEADER_OFFSET: &str = "offset";

/// Why a command was not copied.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// Neither log need stay like this.
    Unavailable(Box<str>),
    /// The commands log lacks a command that was decided.
    Missing(ReadError),
}

/// The way from the commands log to the dead letters.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    pub(crate) commands: Arc<dyn Log>,
    pub(crate) dead_letters: Arc<dyn Log>,
}

impl DeadLetters {
    /// Copies the command at `offset`, and returns once the copy is durable.
    pub(crate) async fn copy(&self, partition: Partition, offset: Offset) -> Result<(), CopyError> {
        let limits = ReadLimits { records_max: 1, bytes_max: usize::MAX };
        let batch = match self.commands.read(partition, offset, limits).await {
            Ok(batch) => batch,
            // Retention took it: there is nothing left to be copied, now or later.
            Err(ReadError::OutOfRange { start, .. }) if offset < start => {
                tracing::warn!(partition, offset, start, "an unreadable command is gone");
                return Ok(());
            }
            Err(fault @ ReadError::OutOfRange { .. }) => return Err(CopyError::Missing(fault)),
            Err(fault @ ReadError::Unavailable { .. }) => return Err(unavailable(&fault)),
        };
        let Some(stored) = batch.records.into_iter().next() else {
            let (log, end) = (self.commands.name().into(), batch.end);
            let fault = ReadError::OutOfRange { log, partition, offset, start: 0, end };
            return Err(CopyError::Missing(fault));
        };
        self.append(partition, stored).await
    }

    async fn append(&self, partition: Partition, stored: Stored) -> Result<(), CopyError> {
        let offset = stored.offset;
        let payload = stored.payload;
        let headers = headers([
            (HEADER_PARTITION, partition.to_string()),
            (HEADER_OFFSET, offset.to_string()),
        ]);
        let letter = Record { key: stored.key, headers, payload: payload.clone() };
        match self.dead_letters.append(partition, vec![letter]).await {
            Ok(_) => {}
            // The command filled its record, so its bytes fit only without a word about them.
            Err(AppendError::TooLarge { .. }) => {
                let bare = Record { payload, ..Record::default() };
                self.dead_letters
                    .append(partition, vec![bare])
                    .await
                    .map_err(|fault| unavailable(&fault))?;
            }
            Err(fault) => return Err(unavailable(&fault)),
        }
        tracing::warn!(partition, offset, "copied an unreadable command to the dead letters");
        Ok(())
    }
}

fn unavailable(fault: &impl ToString) -> CopyError {
    CopyError::Unavailable(fault.to_string().into())
}
