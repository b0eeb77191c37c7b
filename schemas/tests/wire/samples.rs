//! One sample of every record with all its fields and, where fields may be absent, one without.
//! The values are fixed: they stand in the golden files.

mod commands;
mod events;

use schemas::id::{ClientReference, ReasonCode};
use schemas::log::{
    Command, CommandsRecord, Decision, DecisionsRecord, Event, Genesis, Owner, decode_command,
    decode_decisions_record,
};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Timestamp};
use uuid::Uuid;

/// A record with the log that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// In the commands log.
    Commands(CommandsRecord),
    /// In the decisions log.
    Decisions(DecisionsRecord),
}

impl Record {
    /// The bytes that this build writes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Commands(CommandsRecord::Genesis(genesis))
            | Self::Decisions(DecisionsRecord::Genesis(genesis)) => genesis.encode(),
            Self::Commands(CommandsRecord::Command(command)) => command.encode(),
            Self::Decisions(DecisionsRecord::Owner(owner)) => owner.encode(),
            Self::Decisions(DecisionsRecord::Decision(decision)) => decision.encode(),
        }
    }

    /// What this build reads in the same log.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Self, schemas::log::DecodeFault> {
        match self {
            Self::Commands(_) => decode_command(bytes).map(Self::Commands),
            Self::Decisions(_) => decode_decisions_record(bytes).map(Self::Decisions),
        }
    }
}

/// Every golden file: its name and the records that stand in it, one a line.
pub(crate) fn files() -> Vec<(String, Vec<Record>)> {
    let mut files = vec![
        (
            "genesis".to_owned(),
            vec![
                Record::Commands(CommandsRecord::Genesis(genesis())),
                Record::Decisions(DecisionsRecord::Genesis(genesis())),
            ],
        ),
        ("owner".to_owned(), vec![Record::Decisions(DecisionsRecord::Owner(owner()))]),
        ("decision".to_owned(), vec![decided(vec![]), decided(several())]),
    ];
    for kind in Command::TYPES {
        let of_kind = commands::all().into_iter().filter(|command| command.kind() == *kind);
        let records = of_kind.map(|command| Record::Commands(CommandsRecord::Command(command)));
        files.push(((*kind).to_owned(), records.collect()));
    }
    for kind in Event::TYPES {
        let of_kind = events::all().into_iter().filter(|event| event.kind() == *kind);
        let records = of_kind.map(|event| decided(vec![event]));
        files.push((format!("event.{kind}"), records.collect()));
    }
    files
}

/// Every record of every file.
pub(crate) fn records() -> Vec<Record> {
    files().into_iter().flat_map(|(_, records)| records).collect()
}

fn genesis() -> Genesis {
    Genesis { log_id: 3, partitions: 64 }
}

fn owner() -> Owner {
    let claim = Digest(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
    Owner { epoch: 7, claim, worker: "worker-a \"1\"".into(), rules: 1 }
}

fn several() -> Vec<Event> {
    let kinds = ["order_expired", "refund_due", "command_refused"];
    events::all().into_iter().filter(|event| kinds.contains(&event.kind())).collect()
}

fn decided(events: Vec<Event>) -> Record {
    let log_time = time(1_700_000_000_123);
    let decision = Decision { offset: 812, after: 812, log_time, events };
    Record::Decisions(DecisionsRecord::Decision(decision))
}

fn deal_id() -> DealId {
    DealId::of(&"sku-1".parse().unwrap(), &"summer-2026".parse().unwrap())
}

fn customer() -> CustomerId {
    CustomerId(uuid(0x22))
}

fn uuid(byte: u8) -> Uuid {
    Uuid::from_bytes([byte; 16])
}

fn key() -> Digest {
    Digest(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)
}

/// Begins with zeros, which must be written.
fn payment() -> Digest {
    Digest(0x00aa)
}

fn fingerprint() -> Fingerprint {
    Fingerprint(0x0f00_0000_0000_0001)
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn money(amount: i64) -> Money {
    Money { amount, currency: "EUR".parse().unwrap() }
}

fn reference() -> ClientReference {
    "cart-17.A_b".parse().unwrap()
}

fn reason() -> ReasonCode {
    "stocktake-2".parse().unwrap()
}
