//! Decisions, claims and genesis records as the log takes and gives them.

use std::sync::Arc;

use bytes::Bytes;
use event_log::{Headers, Record, Stored, headers};
use schemas::log::{
    Decision, DecisionsRecord, Genesis, HEADER_CLAIM, HEADER_EPOCH, Owner, decode_decisions_record,
};
use schemas::log::{DecodeFault, FilterState};
use schemas::{Digest, Offset};

use crate::filter::{DecisionHead, payload_hash};
use crate::park::Park;

/// The record of a genesis; the same in both logs.
#[must_use]
pub fn genesis_record(genesis: &Genesis) -> Record {
    Record { payload: genesis.encode().into(), ..Record::default() }
}

/// The record of a claim.
#[must_use]
pub fn owner_record(owner: &Owner) -> Record {
    Record { payload: owner.encode().into(), ..Record::default() }
}

/// Makes the records of one owner's decisions.
#[derive(Clone, Debug)]
pub struct DecisionWriter {
    epoch: u64,
    claim: Digest,
    /// The same for all of its records, which share them.
    headers: Headers,
}

impl DecisionWriter {
    /// For the owner that a filter has as the current one.
    #[must_use]
    pub fn of(owner: &FilterState) -> Self {
        let (epoch, claim) = (owner.epoch, owner.claim);
        let headers =
            headers([(HEADER_EPOCH, epoch.to_string()), (HEADER_CLAIM, claim.to_string())]);
        Self { epoch, claim, headers }
    }

    /// The record of the decision that stands in `payload`.
    #[must_use]
    pub fn record(&self, payload: Bytes) -> Record {
        Record { key: Bytes::new(), headers: Arc::clone(&self.headers), payload }
    }

    /// What a filter will find in that record.
    #[must_use]
    pub fn head(&self, decision: &Decision, payload: &[u8]) -> DecisionHead {
        head_of((self.epoch, self.claim), decision, payload)
    }
}

/// Reads a record of the decisions log.
pub(crate) fn decode(stored: &Stored) -> Result<DecisionsRecord, Park> {
    decode_decisions_record(&stored.payload).map_err(|fault| match fault {
        DecodeFault::Newer { .. } => {
            Park::Newer { log: "decisions", offset: stored.offset, fault: fault.to_string().into() }
        }
        DecodeFault::Unreadable(reason) => {
            Park::Unreadable { offset: stored.offset, fault: reason }
        }
    })
}

/// Says who wrote a decision. An owner's decisions stand one after the other with the same headers,
/// so they are read once for all of them.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    last: Headers,
    /// Epoch and claim that `last` names.
    writer: Option<(u64, Digest)>,
}

impl Writers {
    /// What the filter has to know of a decision, from its body and its headers.
    pub(crate) fn head(
        &mut self,
        stored: &Stored,
        decision: &Decision,
    ) -> Result<DecisionHead, Park> {
        let writer = self.writer(stored).ok_or_else(|| fault(stored.offset))?;
        Ok(head_of(writer, decision, &stored.payload))
    }

    /// Whether the record is the decision that `head` was taken from.
    pub(crate) fn wrote(&mut self, head: &DecisionHead, stored: &Stored) -> bool {
        payload_hash(&stored.payload) == head.hash
            && self.writer(stored) == Some((head.epoch, head.claim))
    }

    fn writer(&mut self, stored: &Stored) -> Option<(u64, Digest)> {
        if self.last != stored.headers {
            self.writer = writer(stored);
            self.last = Arc::clone(&stored.headers);
        }
        self.writer
    }
}

fn head_of((epoch, claim): (u64, Digest), decision: &Decision, payload: &[u8]) -> DecisionHead {
    let Decision { offset, after, log_time, .. } = *decision;
    DecisionHead { epoch, claim, offset, after, log_time, hash: payload_hash(payload) }
}

/// Epoch and claim of a decision's writer.
fn writer(stored: &Stored) -> Option<(u64, Digest)> {
    let epoch = text(stored, HEADER_EPOCH).and_then(|text| text.parse().ok());
    let claim = text(stored, HEADER_CLAIM).and_then(|text| text.parse().ok());
    epoch.zip(claim)
}

fn text<'a>(stored: &'a Stored, name: &str) -> Option<&'a str> {
    stored.header(name).and_then(|value| std::str::from_utf8(value).ok())
}

fn fault(offset: Offset) -> Park {
    Park::Unreadable { offset, fault: "a decision without valid epoch and claim headers".into() }
}
