//! Commands and decisions as bytes, and back.

use std::hint::black_box;

use schemas::log::{CommandsRecord, DecisionsRecord, decode_command, decode_decisions_record};

use crate::Work;
use crate::sale::{held, purchases};

pub(crate) fn encode_commands() -> Work {
    let commands = purchases(0);
    Box::new(move || {
        commands.iter().filter(|command| !black_box(*command).encode().is_empty()).count()
    })
}

pub(crate) fn decode_commands() -> Work {
    let records: Vec<Vec<u8>> = purchases(0).iter().map(|command| command.encode()).collect();
    let is_command = |record: &&Vec<u8>| {
        matches!(decode_command(black_box(record)), Ok(CommandsRecord::Command(_)))
    };
    Box::new(move || records.iter().filter(is_command).count())
}

pub(crate) fn encode_decisions() -> Work {
    let decisions = held();
    Box::new(move || {
        decisions.iter().filter(|decision| !black_box(*decision).encode().is_empty()).count()
    })
}

pub(crate) fn decode_decisions() -> Work {
    let records: Vec<Vec<u8>> = held().iter().map(|decision| decision.encode()).collect();
    let is_decision = |record: &&Vec<u8>| {
        matches!(decode_decisions_record(black_box(record)), Ok(DecisionsRecord::Decision(_)))
    };
    Box::new(move || records.iter().filter(is_decision).count())
}
