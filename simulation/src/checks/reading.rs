//! Which records of a decisions partition count, written again from the protocol, one line after
//! the other.

use std::collections::BTreeMap;

use event_log::Stored;
use schemas::log::{
    Decision, DecisionsRecord, FilterState, HEADER_CLAIM, HEADER_EPOCH, decode_decisions_record,
};
use schemas::{Digest, Offset, Timestamp};

use super::{Breach, Check, expect};

/// What a record is to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    Genesis,
    Owner {
        is_first: bool,
    },
    StaleOwner,
    Fenced,
    /// Of the epoch, by somebody whose claim to it came second.
    Unclaimed,
    Repeat,
    Gap,
    Effective(Box<Decision>),
}

/// A reader, and all that it has read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Next record to read.
    pub(crate) next: Offset,
    pub(crate) epoch: u64,
    pub(crate) claim: Digest,
    /// Next command to decide.
    pub(crate) decided_next: Offset,
    pub(crate) log_time: Timestamp,
    /// `decided_next` and what the state is worth after each record that was read.
    pub(crate) marks: BTreeMap<Offset, Mark>,
    /// Bytes of every decision by command and by what it was made after, whoever wrote it.
    payloads: BTreeMap<(Offset, Offset), bytes::Bytes>,
    /// The same of those that count, by command.
    effective: BTreeMap<Offset, bytes::Bytes>,
}

/// A reader's state at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) epoch: u64,
    pub(crate) claim: Digest,
    pub(crate) decided_next: Offset,
    pub(crate) log_time: Timestamp,
}

impl Mark {
    /// What a stored state of a filter says.
    pub(crate) fn of(filter: &FilterState) -> Self {
        let FilterState { epoch, claim, decided_next, log_time, .. } = *filter;
        Self { epoch, claim, decided_next, log_time }
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            next: 0,
            epoch: 0,
            claim: Digest(0),
            decided_next: 1,
            log_time: Timestamp::EPOCH,
            marks: BTreeMap::new(),
            payloads: BTreeMap::new(),
            effective: BTreeMap::new(),
        }
    }
}

impl Reading {
    pub(crate) fn judge(&mut self, stored: &Stored) -> Result<Judged, Breach> {
        let record = decode_decisions_record(&stored.payload)
            .map_err(|fault| Breach { promise: "I2", words: format!("unreadable: {fault}") })?;
        let judged = match record {
            DecisionsRecord::Genesis(_) => Judged::Genesis,
            DecisionsRecord::Owner(owner) if owner.epoch > self.epoch => {
                let is_first = self.epoch == 0;
                (self.epoch, self.claim) = (owner.epoch, owner.claim);
                Judged::Owner { is_first }
            }
            DecisionsRecord::Owner(_) => Judged::StaleOwner,
            DecisionsRecord::Decision(decision) => self.decision(stored, decision)?,
        };
        self.next = stored.offset + 1;
        let Self { epoch, claim, decided_next, log_time, .. } = *self;
        self.marks.insert(self.next, Mark { epoch, claim, decided_next, log_time });
        Ok(judged)
    }

    fn decision(&mut self, stored: &Stored, decision: Decision) -> Result<Judged, Breach> {
        let text = |name| stored.header(name).and_then(|it| std::str::from_utf8(it).ok());
        let epoch: Option<u64> = text(HEADER_EPOCH).and_then(|it| it.parse().ok());
        let claim: Option<Digest> = text(HEADER_CLAIM).and_then(|it| it.parse().ok());
        let (Some(epoch), Some(claim)) = (epoch, claim) else {
            return Err(Breach { promise: "I2", words: format!("no writer: {decision:?}") });
        };
        expect("I2", epoch <= self.epoch, || format!("epoch {epoch} was never claimed"))?;
        self.compare(stored, &decision)?;
        if epoch < self.epoch {
            return Ok(Judged::Fenced);
        }
        if claim != self.claim {
            return Ok(Judged::Unclaimed);
        }
        let (offset, after) = (decision.offset, decision.after);
        if offset < self.decided_next {
            let first = self.effective.get(&offset);
            expect("I4", first.is_none_or(|first| *first == stored.payload), || {
                format!("the owner repeats the decision on {offset} with other bytes")
            })?;
            return Ok(Judged::Repeat);
        }
        if after != self.decided_next {
            return Ok(Judged::Gap);
        }
        expect("I3", offset == self.decided_next, || {
            format!("{offset} is decided, and {} is not", self.decided_next)
        })?;
        expect("I4", decision.log_time >= self.log_time, || {
            format!("log time falls from {} to {}", self.log_time, decision.log_time)
        })?;
        (self.decided_next, self.log_time) = (offset + 1, decision.log_time);
        self.effective.insert(offset, stored.payload.clone());
        Ok(Judged::Effective(Box::new(decision)))
    }

    /// A decision follows from the commands before it: whoever makes it gets the same bytes.
    fn compare(&mut self, stored: &Stored, decision: &Decision) -> Check {
        let place = (decision.offset, decision.after);
        let first = self.payloads.entry(place).or_insert_with(|| stored.payload.clone());
        expect("I4", *first == stored.payload, || {
            let (first, second) = (first.escape_ascii(), stored.payload.escape_ascii());
            format!("command {} is decided in two ways:\n{first}\n{second}", decision.offset)
        })
    }
}
