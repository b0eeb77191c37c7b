//! The filter: which records of a decisions partition count. Gateways, projectors, owners and
//! analysts apply this one, so they all see the same history. Pure: records in, verdicts out.
//!
//! Each line of [`Filter::admit`] that looks odd has a schedule that breaks the system without it:
//! - `after`: a producer can lose one record and still deliver the next; without the check the
//!   lost decision's command would never be decided.
//! - the claim: a restarted worker may have its predecessor's name, and both would take the same
//!   owner record for theirs.
//! - the epoch in stored state: a reader that restarts between an owner record and a zombie's
//!   append would adopt the zombie.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use sabotage::Bug;
use schemas::log::{FilterState, Genesis, Owner};
use schemas::{Digest, Offset, Partition, Timestamp};

use crate::park::Park;

/// How many decisions back a repeat is compared with the first. Audits compare all.
const RECENT_MAX: usize = 4_096;

/// What the filter has to know of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionHead {
    /// Epoch of its writer.
    pub epoch: u64,
    /// Claim of its writer.
    pub claim: Digest,
    /// The command that it answers.
    pub offset: Offset,
    /// `decided_next` when it was written.
    pub after: Offset,
    /// Its clock.
    pub log_time: Timestamp,
    /// [`payload_hash`] of its bytes.
    pub hash: u64,
}

/// What stands at an offset of the decisions log.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// The partition's first record.
    Genesis(Genesis),
    /// A claim.
    Owner(&'a Owner),
    /// A decision.
    Decision(DecisionHead),
}

/// What a record means to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The partition begins, or says again what is known.
    Genesis,
    /// A new owner: its epoch and claim are current from here on.
    Owner,
    /// A claim that came too late; it counts for nothing.
    StaleOwner,
    /// A decision of a former owner, or of one that never was: ignored.
    Fenced,
    /// A decision on a command that is decided: ignored. If it says something else than the first
    /// did, promise I4 is broken.
    Repeat {
        /// Whether its bytes differ from the first's; false if the first is too long ago.
        differs: bool,
    },
    /// The trace of a lost append before it: ignored; its owner is about to start over.
    Gap,
    /// It counts: apply its events.
    Effective,
}

/// The state of a reader, and what it remembers of recent decisions.
#[derive(Clone, Debug)]
pub struct Filter {
    state: FilterState,
    partitions: Partition,
    /// Command offset and payload hash of the last effective decisions, oldest first.
    recent: VecDeque<(Offset, u64)>,
}

impl Filter {
    /// A filter that goes on from `state`, for a log of so many partitions.
    #[must_use]
    pub fn new(state: FilterState, partitions: Partition) -> Self {
        Self { state, partitions, recent: VecDeque::new() }
    }

    /// Everything that has to be stored to go on from here.
    #[must_use]
    pub fn state(&self) -> &FilterState {
        &self.state
    }

    /// Judges the record at `read_offset`, which must be the next one.
    ///
    /// # Errors
    /// If going on could break a promise. The filter is then as it was before.
    ///
    /// # Panics
    /// If records are skipped or read twice: that is the caller's bug.
    pub fn admit(&mut self, read_offset: Offset, seen: Seen<'_>) -> Result<Verdict, Park> {
        assert_eq!(read_offset, self.state.read_offset, "records are read one by one, in order");
        let verdict = match seen {
            Seen::Genesis(genesis) => self.begin(genesis)?,
            Seen::Owner(_) | Seen::Decision(_) if self.state.log_id.is_none() => {
                return Err(Park::NoGenesis);
            }
            Seen::Owner(owner) => self.claim(owner),
            Seen::Decision(head) => self.decide(read_offset, head)?,
        };
        self.state.read_offset = read_offset + 1;
        Ok(verdict)
    }

    fn begin(&mut self, genesis: Genesis) -> Result<Verdict, Park> {
        let (found, expected) = (genesis.partitions, self.partitions);
        if found != expected {
            return Err(Park::OtherPartitionCount { found, expected });
        }
        match self.state.log_id {
            Some(expected) if expected != genesis.log_id => {
                Err(Park::OtherLog { found: genesis.log_id, expected })
            }
            None | Some(_) => {
                self.state.log_id = Some(genesis.log_id);
                Ok(Verdict::Genesis)
            }
        }
    }

    fn claim(&mut self, owner: &Owner) -> Verdict {
        if owner.epoch <= self.state.epoch {
            return Verdict::StaleOwner;
        }
        self.state.epoch = owner.epoch;
        self.state.claim = owner.claim;
        self.state.rules = owner.rules;
        Verdict::Owner
    }

    fn decide(&mut self, read_offset: Offset, head: DecisionHead) -> Result<Verdict, Park> {
        let current = self.state.epoch;
        if head.epoch > current {
            return Err(Park::UnclaimedEpoch { read_offset, found: head.epoch, current });
        }
        let is_anothers =
            head.claim != self.state.claim && !sabotage::is_planted(Bug::ClaimUncompared);
        let is_fenced = head.epoch < current || is_anothers;
        if is_fenced && !sabotage::is_planted(Bug::EpochIgnored) {
            return Ok(Verdict::Fenced);
        }
        if head.offset < self.state.decided_next {
            return Ok(Verdict::Repeat { differs: self.differs(head) });
        }
        if head.after != self.state.decided_next && !sabotage::is_planted(Bug::AfterIgnored) {
            return Ok(Verdict::Gap);
        }
        self.state.decided_next = head.offset + 1;
        self.state.log_time = head.log_time;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((head.offset, head.hash));
        Ok(Verdict::Effective)
    }

    fn differs(&self, head: DecisionHead) -> bool {
        let first = self.recent.binary_search_by_key(&head.offset, |&(offset, _)| offset);
        first.is_ok_and(|index| self.recent[index].1 != head.hash)
    }
}

/// The hash by which a repeated decision is compared with the first, within one process: it stands
/// against chance, not against somebody who looks for two of the same.
#[must_use]
pub fn payload_hash(payload: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(payload);
    hasher.finish()
}
