//! A reader of one partition of the decisions log: reads, decodes, filters. What it does with the
//! entries is its caller's affair.

use std::sync::Arc;

use event_log::{Batch, Log, ReadError, ReadLimits, Stored};
use schemas::log::{Decision, DecisionsRecord, FilterState, Genesis, Owner};
use schemas::{Offset, Partition};

use crate::filter::{DecisionHead, Filter, Seen, Verdict};
use crate::park::Park;
use crate::record::{self, Writers};

/// One record, read and judged. `D` is what is kept of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<D = Decision> {
    /// The partition's first record.
    Genesis,
    /// A claim; the verdict is `Owner` or `StaleOwner`.
    Owner(Owner, Verdict),
    /// A decision and whether it counts.
    Decision {
        /// What it says.
        decision: D,
        /// Who wrote it, and when it applies.
        head: DecisionHead,
        /// Only `Effective` ones have happened.
        verdict: Verdict,
    },
}

/// Why a reader cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReaderError {
    /// Going on could break a promise.
    #[error("partition {partition} is parked: {park}")]
    Parked {
        /// Which partition.
        partition: Partition,
        /// Why.
        park: Park,
    },
    /// The log could not be read now.
    #[error(transparent)]
    Read(ReadError),
}

/// A reader of one partition.
#[derive(Debug)]
pub struct Reader {
    log: Arc<dyn Log>,
    partition: Partition,
    limits: ReadLimits,
    filter: Filter,
    writers: Writers,
    /// End of the log at the last read.
    end: Offset,
}

impl Reader {
    /// A reader that goes on from `state`.
    #[must_use]
    pub fn new(
        log: Arc<dyn Log>,
        partition: Partition,
        state: FilterState,
        limits: ReadLimits,
    ) -> Self {
        let filter = Filter::new(state, log.partitions());
        Self { log, partition, limits, filter, writers: Writers::default(), end: 0 }
    }

    /// The filter's state after the last entry.
    #[must_use]
    pub fn state(&self) -> &FilterState {
        self.filter.state()
    }

    /// End of the decisions log as of the last read; 0 before the first.
    #[must_use]
    pub fn end_seen(&self) -> Offset {
        self.end
    }

    /// Which partition it reads.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Resolves when there is something to read, or a little early.
    pub async fn wait(&self) {
        self.log.wait(self.partition, self.state().read_offset).await;
    }

    /// Reads and judges what there is, within the limits; nothing at the end of the log.
    ///
    /// # Errors
    /// If the log cannot be read, or the next record parks the partition. Entries before that
    /// record are returned first; the error comes with the next call.
    pub async fn next(&mut self) -> Result<Vec<Entry>, ReaderError> {
        self.next_by(decode).await
    }

    /// The same for a writer, who knows what its own decisions say. `expected` are the heads of
    /// those that may come next, in their order: a record that is one of them to the byte is not
    /// decoded.
    ///
    /// # Errors
    /// As [`Reader::next`] has them.
    pub async fn next_heads(
        &mut self,
        expected: impl IntoIterator<Item = &DecisionHead>,
    ) -> Result<Vec<Entry<()>>, ReaderError> {
        let mut expected = expected.into_iter().peekable();
        self.next_by(|writers, stored| match expected.next_if(|head| writers.wrote(head, stored)) {
            Some(head) => Ok(Decoded::Decision((), *head)),
            None => decode(writers, stored).map(Decoded::without_decision),
        })
        .await
    }

    async fn next_by<D>(
        &mut self,
        mut decode: impl FnMut(&mut Writers, &Stored) -> Result<Decoded<D>, Park>,
    ) -> Result<Vec<Entry<D>>, ReaderError> {
        let from = self.state().read_offset;
        let batch = self.log.read(self.partition, from, self.limits).await;
        let Batch { records, end } = batch.map_err(|fault| self.unreadable(fault))?;
        self.end = end;
        let mut entries = Vec::with_capacity(records.len());
        for stored in &records {
            let decoded = decode(&mut self.writers, stored);
            match decoded.and_then(|decoded| self.admit(stored.offset, decoded)) {
                Ok(entry) => entries.push(entry),
                Err(park) if entries.is_empty() => {
                    return Err(ReaderError::Parked { partition: self.partition, park });
                }
                Err(_) => break,
            }
        }
        Ok(entries)
    }

    fn admit<D>(&mut self, offset: Offset, decoded: Decoded<D>) -> Result<Entry<D>, Park> {
        match decoded {
            Decoded::Genesis(genesis) => {
                self.filter.admit(offset, Seen::Genesis(genesis))?;
                Ok(Entry::Genesis)
            }
            Decoded::Owner(owner) => {
                let verdict = self.filter.admit(offset, Seen::Owner(&owner))?;
                Ok(Entry::Owner(owner, verdict))
            }
            Decoded::Decision(decision, head) => {
                let verdict = self.filter.admit(offset, Seen::Decision(head))?;
                Ok(Entry::Decision { decision, head, verdict })
            }
        }
    }

    fn unreadable(&self, fault: ReadError) -> ReaderError {
        match fault {
            ReadError::OutOfRange { offset: read_offset, start, end, .. } => ReaderError::Parked {
                partition: self.partition,
                park: Park::ReadOffsetOutside { read_offset, start, end },
            },
            ReadError::Unavailable { .. } => ReaderError::Read(fault),
        }
    }
}

/// A record that was not judged yet.
enum Decoded<D> {
    Genesis(Genesis),
    Owner(Owner),
    Decision(D, DecisionHead),
}

impl<D> Decoded<D> {
    fn without_decision(self) -> Decoded<()> {
        match self {
            Self::Genesis(genesis) => Decoded::Genesis(genesis),
            Self::Owner(owner) => Decoded::Owner(owner),
            Self::Decision(_, head) => Decoded::Decision((), head),
        }
    }
}

fn decode(writers: &mut Writers, stored: &Stored) -> Result<Decoded<Decision>, Park> {
    Ok(match record::decode(stored)? {
        DecisionsRecord::Genesis(genesis) => Decoded::Genesis(genesis),
        DecisionsRecord::Owner(owner) => Decoded::Owner(owner),
        DecisionsRecord::Decision(decision) => {
            let head = writers.head(stored, &decision)?;
            Decoded::Decision(decision, head)
        }
    })
}
