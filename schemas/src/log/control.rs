//! Records that rule the logs themselves, and the state of the filter that reads them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::{Field, Rest, Value, fields, head};
use crate::{Digest, Offset, Partition, Timestamp};

/// The record at offset 0 of every partition of both logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Genesis {
    /// Which log this is: drawn at creation, part of every order id.
    pub log_id: u8,
    /// How many partitions it has, for ever.
    pub partitions: Partition,
}

fields!(Genesis { "," log_id, "," partitions });

impl Genesis {
    /// The bytes that stand in the log.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_field(r#"{"v":1,"type":"genesis""#, &mut out);
        out
    }
}

/// A worker's claim to a partition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Owner {
    /// Higher than every epoch before it, or it counts for nothing.
    pub epoch: u64,
    /// Random: tells this claim from another of the same epoch or the same worker name.
    pub claim: Digest,
    /// Name of the worker, for people.
    pub worker: Box<str>,
    /// The rule set that this owner decides by.
    pub rules: u32,
}

fields!(Owner { "," epoch, "," claim, "," worker, "," rules });

impl Owner {
    /// The bytes that stand in the log.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_field(r#"{"v":1,"type":"owner""#, &mut out);
        out
    }
}

/// Everything that a reader of one partition of the decisions log has to remember. Stored whole
/// in every checkpoint, snapshot and view seed: a part of it is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterState {
    /// The log that was read; none before the genesis record.
    pub log_id: Option<u8>,
    /// Next offset to read in the decisions log.
    pub read_offset: Offset,
    /// Epoch of the current owner; 0 before the first.
    pub epoch: u64,
    /// Claim of the current owner.
    pub claim: Digest,
    /// Rule set of the current owner.
    pub rules: u32,
    /// Offset of the next command to decide.
    pub decided_next: Offset,
    /// Log time of the last effective decision.
    pub log_time: Timestamp,
}

impl Default for FilterState {
    /// Nothing read: zeros, and the command after the genesis record is the next to decide.
    fn default() -> Self {
        Self {
            log_id: None,
            read_offset: 0,
            epoch: 0,
            claim: Digest(0),
            rules: 0,
            decided_next: 1,
            log_time: Timestamp::EPOCH,
        }
    }
}
