//! The two logs' records as a whole: bytes in, one of the known records or a fault out.

use super::tagged::{self, DecodeFault};
use super::{Command, Decision, Genesis, Owner, VERSION};

/// Header of a decision: epoch of the owner who wrote it, decimal.
pub const HEADER_EPOCH: &str = "epoch";
/// Header of a decision: claim of the owner who wrote it, 32 hexadecimal digits.
pub const HEADER_CLAIM: &str = "claim";
/// Header of a command: the W3C trace context of the request.
pub const HEADER_TRACEPARENT: &str = "traceparent";

/// A record of the commands log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandsRecord {
    /// The partition's first record, or that record again.
    Genesis(Genesis),
    /// A wish.
    Command(Command),
}

/// A record of the decisions log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionsRecord {
    /// The partition's first record, or that record again.
    Genesis(Genesis),
    /// A claim.
    Owner(Owner),
    /// An answer to a command.
    Decision(Decision),
}

/// Reads a record of the commands log.
///
/// # Errors
/// [`DecodeFault::Newer`] parks the partition; [`DecodeFault::Unreadable`] is decided as such.
pub fn decode_command(bytes: &[u8]) -> Result<CommandsRecord, DecodeFault> {
    let text = tagged::text(bytes)?;
    if let Some(command) = Command::read(text) {
        return Ok(CommandsRecord::Command(command));
    }
    let tag = tagged::read_tag(text)?;
    if tag.v > VERSION {
        return Err(tag.newer());
    }
    match tag.kind.as_ref() {
        "genesis" => Ok(CommandsRecord::Genesis(tagged::fields(text)?)),
        _ => Command::decode(text, tag).map(CommandsRecord::Command),
    }
}

/// Reads a record of the decisions log.
///
/// # Errors
/// Either fault parks the reader: nobody but owners writes to this log.
pub fn decode_decisions_record(bytes: &[u8]) -> Result<DecisionsRecord, DecodeFault> {
    let text = tagged::text(bytes)?;
    if let Some(decision) = Decision::read(text) {
        return Ok(DecisionsRecord::Decision(decision));
    }
    let tag = tagged::read_tag(text)?;
    if tag.v > VERSION {
        return Err(tag.newer());
    }
    match tag.kind.as_ref() {
        "genesis" => Ok(DecisionsRecord::Genesis(tagged::fields(text)?)),
        "owner" => Ok(DecisionsRecord::Owner(tagged::fields(text)?)),
        "decision" => Decision::decode(text).map(DecisionsRecord::Decision),
        _ => Err(tag.newer()),
    }
}
