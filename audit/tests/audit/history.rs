//! Two logs of one or more partitions, decided by the real decider, open to be tampered with before
//! they are audited.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use audit::{AuditError, AuditInput, Invariant, Report, Verdict};
use decider::{Context, Input, State, decide};
use event_log::{Record, SimulatedLog, headers};
use futures_executor::block_on;
use read_model::Store;
use schemas::log::{
    Command, CommandsRecord, Decision, Genesis, HEADER_CLAIM, HEADER_EPOCH, Owner, decode_command,
};
use schemas::{Digest, Offset, Partition, Timestamp};

use crate::orders::seconds;
use crate::store::Tables;

pub(crate) const LOG_ID: u8 = 3;

/// A record of the decisions log.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Genesis(Genesis),
    Owner(Owner),
    Decision { epoch: u64, claim: Digest, decision: Decision },
    Raw(Vec<u8>),
}

impl Entry {
    pub(crate) fn record(&self) -> Record {
        let plain = |payload: Vec<u8>| Record { payload: payload.into(), ..Record::default() };
        match self {
            Self::Genesis(genesis) => plain(genesis.encode()),
            Self::Owner(owner) => plain(owner.encode()),
            Self::Raw(bytes) => plain(bytes.clone()),
            Self::Decision { epoch, claim, decision } => Record {
                headers: headers([
                    (HEADER_EPOCH, epoch.to_string()),
                    (HEADER_CLAIM, claim.to_string()),
                ]),
                ..plain(decision.encode())
            },
        }
    }
}

/// One partition, and the state of its owner.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) partition: Partition,
    pub(crate) partitions: Partition,
    pub(crate) now: Timestamp,
    pub(crate) commands: Vec<(Timestamp, Vec<u8>)>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) state: State,
    pub(crate) epoch: u64,
}

impl History {
    /// A partition with an owner of epoch 1.
    pub(crate) fn new() -> Self {
        Self::of(0, 1)
    }

    pub(crate) fn of(partition: Partition, partitions: Partition) -> Self {
        let genesis = Genesis { log_id: LOG_ID, partitions };
        let mut history = Self {
            partition,
            partitions,
            now: Timestamp::EPOCH,
            commands: vec![(Timestamp::EPOCH, genesis.encode())],
            entries: vec![Entry::Genesis(genesis)],
            state: State::default(),
            epoch: 0,
        };
        history.own(1);
        history
    }

    pub(crate) fn own(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.entries.push(Entry::Owner(owner(epoch)));
    }

    pub(crate) fn at(&mut self, second: i64) -> &mut Self {
        self.now = seconds(second);
        self
    }

    /// A command that nobody has decided yet.
    pub(crate) fn append(&mut self, payload: Vec<u8>) -> Offset {
        self.commands.push((self.now, payload));
        self.commands.len() as Offset - 1
    }

    /// A command and its decision. Its offset.
    pub(crate) fn step(&mut self, command: &Command) -> Offset {
        self.bytes(command.encode())
    }

    pub(crate) fn bytes(&mut self, payload: Vec<u8>) -> Offset {
        let offset = self.append(payload);
        let decision = self.decide(offset);
        self.state.fold(&decision);
        self.write(decision);
        offset
    }

    pub(crate) fn decide(&self, offset: Offset) -> Decision {
        let (append_time, payload) = &self.commands[usize::try_from(offset).unwrap()];
        let command = decode_command(payload);
        let input = match &command {
            Ok(CommandsRecord::Command(command)) => Input::Command(command),
            Ok(CommandsRecord::Genesis(_)) => Input::Genesis,
            Err(_) => Input::Unreadable,
        };
        let context = Context { rules: 1, offset, append_time: *append_time, after: offset };
        decide(&self.state, input, context)
    }

    /// A decision by the present owner.
    pub(crate) fn write(&mut self, decision: Decision) {
        let (epoch, claim) = (self.epoch, claim(self.epoch));
        self.entries.push(Entry::Decision { epoch, claim, decision });
    }

    /// Where the first decision on a command stands.
    pub(crate) fn index(&self, offset: Offset) -> usize {
        let is_it = |entry: &Entry| match entry {
            Entry::Decision { decision, .. } => decision.offset == offset,
            Entry::Genesis(_) | Entry::Owner(_) | Entry::Raw(_) => false,
        };
        self.entries.iter().position(is_it).expect("a decision on that command")
    }

    /// Tampers with the first decision on a command.
    pub(crate) fn edit(&mut self, offset: Offset, edit: impl FnOnce(&mut Decision)) -> &mut Self {
        let index = self.index(offset);
        match &mut self.entries[index] {
            Entry::Decision { decision, .. } => edit(decision),
            Entry::Genesis(_) | Entry::Owner(_) | Entry::Raw(_) => unreachable!("a decision"),
        }
        self
    }

    pub(crate) fn decision(&self, offset: Offset) -> Decision {
        match &self.entries[self.index(offset)] {
            Entry::Decision { decision, .. } => decision.clone(),
            Entry::Genesis(_) | Entry::Owner(_) | Entry::Raw(_) => unreachable!("a decision"),
        }
    }

    /// Rows as the projector makes them of the first `records` records.
    pub(crate) fn tables(&self, records: usize) -> Tables {
        let mut tables = Tables::default();
        tables.project(self.partition, &self.entries[..records]);
        tables
    }

    /// Audits the logs without a read model.
    #[track_caller]
    pub(crate) fn audit(&self) -> Report {
        audit(std::slice::from_ref(self), None).expect("logs that can be read")
    }

    /// Audits them with rows that are up to date but for what `edit` does.
    #[track_caller]
    pub(crate) fn audit_rows(&self, edit: impl FnOnce(&mut Tables)) -> Report {
        let mut tables = self.tables(self.entries.len());
        edit(&mut tables);
        audit(std::slice::from_ref(self), Some(tables)).expect("logs that can be read")
    }

    /// Whether just these promises are found broken.
    #[track_caller]
    pub(crate) fn breaks(&self, expected: &[Invariant]) {
        let report = self.audit();
        assert_eq!(violated(&report), expected, "{report}");
        assert_eq!(report.exit_code(), 1);
    }
}

pub(crate) fn claim(epoch: u64) -> Digest {
    Digest::of("claim", &[&epoch.to_be_bytes()])
}

pub(crate) fn owner(epoch: u64) -> Owner {
    Owner { epoch, claim: claim(epoch), worker: "worker".into(), rules: 1 }
}

pub(crate) fn violated(report: &Report) -> Vec<Invariant> {
    let lines = report.lines.iter().filter(|line| line.verdict == Verdict::Violated);
    lines.map(|line| line.invariant).collect()
}

/// The logs of all partitions as they stand.
pub(crate) fn logs(histories: &[History]) -> (SimulatedLog, SimulatedLog) {
    let now = Arc::new(AtomicI64::new(0));
    let clock = {
        let now = Arc::clone(&now);
        Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
    };
    let partitions = histories[0].partitions;
    let commands = SimulatedLog::new("commands", partitions, clock.clone());
    let decisions = SimulatedLog::new("decisions", partitions, clock);
    for history in histories {
        for (time, payload) in &history.commands {
            now.store(time.as_millis(), Ordering::SeqCst);
            let payload = payload.clone().into();
            commands.append_raw(history.partition, Record { payload, ..Record::default() });
        }
        for entry in &history.entries {
            decisions.append_raw(history.partition, entry.record());
        }
    }
    (commands, decisions)
}

pub(crate) fn audit(histories: &[History], tables: Option<Tables>) -> Result<Report, AuditError> {
    let (commands, decisions) = logs(histories);
    let store = tables.map(|tables| Arc::new(tables) as Arc<dyn Store>);
    let (commands, decisions) = (Arc::new(commands), Arc::new(decisions));
    block_on(audit::run(AuditInput { commands, decisions, store }))
}
