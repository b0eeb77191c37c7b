//! The promises I1 to I9, checked after every step from what stands in the logs, in the rows and in
//! the answers. Written from the promises; must not use the filter, the decider, or any fold of the
//! product, for it judges them.

mod ledger;
mod reading;
mod requests;
mod rows;
mod snapshots;
mod told;
mod writers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use event_log::{Log, ReadLimits, Record, Stored};
use schemas::log::{Command, CommandsRecord, decode_command};
use schemas::{DealId, Offset, Partition, Position, Timestamp};
use uuid::Uuid;

use crate::ground::{Ground, now};
use crate::universe::Universe;
use ledger::Ledger;
use reading::{Judged, Reading};
use requests::Requests;
use rows::Mirror;
use snapshots::Snapshots;
use told::{Known, Listeners, Memory};
use writers::Writers;

/// Snapshots are looked at so often, in steps.
const SNAPSHOTS_EVERY: u64 = 16;
const ALL: ReadLimits = ReadLimits { records_max: usize::MAX, bytes_max: usize::MAX };

/// A promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// `I1` to `I9`, or what else must hold: `ownership`, `snapshot`.
    pub promise: &'static str,
    /// What was expected and what was found.
    pub words: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken: {}", self.promise, self.words)
    }
}

pub(crate) type Check = Result<(), Breach>;

/// Holds, or says what does not.
pub(crate) fn expect(promise: &'static str, holds: bool, words: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(Breach { promise, words: words() }) }
}

/// What is known of one partition.
struct Checked {
    partition: Partition,
    commands: Vec<Stored>,
    reading: Reading,
    ledger: Ledger,
    mirror: Mirror,
}

/// Knows all that has happened so far, and judges what is new.
pub(crate) struct Auditor {
    universe: Arc<Universe>,
    logs: (Arc<dyn Log>, Arc<dyn Log>),
    ground: Ground,
    partitions: Vec<Checked>,
    requests: Requests,
    memory: Memory,
    listeners: Listeners,
    writers: Writers,
    snapshots: Snapshots,
    checks: u64,
}

impl Auditor {
    pub(crate) fn new(ground: &Ground) -> Self {
        let checked = |partition| Checked {
            partition,
            commands: Vec::new(),
            reading: Reading::default(),
            ledger: Ledger::new(partition),
            mirror: Mirror::new(partition),
        };
        Self {
            universe: Arc::clone(&ground.universe),
            logs: ground.logs(),
            ground: ground.clone(),
            partitions: (0..ground.plan.partitions).map(checked).collect(),
            requests: Requests::default(),
            memory: Memory::default(),
            listeners: Listeners::default(),
            writers: Writers::default(),
            snapshots: Snapshots::default(),
            checks: 0,
        }
    }

    /// Takes note of records that land in the decisions log, and of whose they are.
    pub(crate) fn note_landing(&mut self, connection: u64, records: &[Record]) {
        records.iter().for_each(|record| self.writers.note(connection, record));
    }

    /// Judges what is new since the last time.
    pub(crate) fn check(&mut self) -> Check {
        self.writers.check()?;
        for checked in &mut self.partitions {
            checked.read(&self.logs, &mut self.requests, &self.universe)?;
            checked.mirror.check(&self.ground.database, &checked.reading)?;
        }
        let (answers, news) = self.ground.history.take();
        for told in &answers {
            self.requests.check(told)?;
        }
        let Self { partitions, requests, universe, memory, listeners, .. } = self;
        let known = Known { partitions, requests, universe };
        answers.iter().try_for_each(|told| memory.check(told, &known))?;
        news.iter().try_for_each(|news| listeners.check(news, &known))?;
        self.checks += 1;
        match self.checks.is_multiple_of(SNAPSHOTS_EVERY) {
            true => self.snapshots.check(&self.ground, &self.partitions),
            false => Ok(()),
        }
    }

    /// Next command to decide and next to append, by partition.
    pub(crate) fn undecided(&self) -> impl Iterator<Item = (Partition, Offset, Offset)> {
        self.partitions.iter().map(|checked| {
            let end = checked.commands.len() as Offset;
            (checked.partition, checked.reading.decided_next, end)
        })
    }

    /// The newest epoch of each partition.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = (Partition, u64)> {
        self.partitions.iter().map(|checked| (checked.partition, checked.reading.epoch))
    }

    /// End of the decisions log by partition.
    pub(crate) fn read_offset(&self, partition: Partition) -> Offset {
        self.partitions[usize::from(partition)].reading.next
    }

    /// Every order id that was told with a 202 or a 200.
    pub(crate) fn order_ids(&self) -> Vec<Uuid> {
        self.memory.order_ids()
    }

    /// Orders that are held, and should not be any more at this time.
    pub(crate) fn overdue(&self, time: Timestamp) -> usize {
        self.partitions.iter().map(|checked| checked.ledger.overdue(time)).sum()
    }

    /// Whether each of the ids that were given out stands for what it was given out for (I2).
    pub(crate) fn check_at_rest(&self) -> Check {
        self.memory.check_at_rest(&self.partitions)
    }

    /// Deals as the decisions tell them, for who wants to see that something was sold.
    pub(crate) fn sold(&self) -> BTreeMap<DealId, u64> {
        let ledgers = self.partitions.iter().map(|checked| &checked.ledger);
        ledgers.flat_map(Ledger::sold).collect()
    }
}

impl Checked {
    fn read(
        &mut self,
        logs: &(Arc<dyn Log>, Arc<dyn Log>),
        requests: &mut Requests,
        universe: &Universe,
    ) -> Check {
        let (commands, decisions) = logs;
        let from = self.commands.len() as Offset;
        let new = now(commands.read(self.partition, from, ALL)).expect("it is in memory");
        new.records.iter().try_for_each(|stored| requests.note(self.partition, stored))?;
        self.commands.extend(new.records);
        let from = self.reading.next;
        let new = now(decisions.read(self.partition, from, ALL)).expect("it is in memory");
        for stored in &new.records {
            let judged = self.reading.judge(stored)?;
            count(&judged, universe);
            if let Judged::Effective(decision) = judged {
                let command = self.commands.get(usize::try_from(decision.offset).expect("small"));
                let command = command.ok_or_else(|| Breach {
                    promise: "I2",
                    words: format!("a decision without its command: {decision:?}"),
                })?;
                let log_time = decision.log_time;
                expect("I4", log_time >= command.log_time, || {
                    format!("decided at {log_time}, before it was asked: {decision:?}")
                })?;
                let command = read_command(command);
                self.ledger.fold(&decision, command.as_ref(), universe)?;
                self.ledger.mark(universe.now_ms(), decision.offset + 1);
                self.mirror.remember(&decision, command);
            }
        }
        Ok(())
    }
}

fn read_command(stored: &Stored) -> Option<Command> {
    match decode_command(&stored.payload) {
        Ok(CommandsRecord::Command(command)) => Some(command),
        Ok(CommandsRecord::Genesis(_)) | Err(_) => None,
    }
}

fn count(judged: &Judged, universe: &Universe) {
    universe.count(match judged {
        Judged::Genesis => "genesis records",
        Judged::Owner { is_first: true } => "first owners",
        Judged::Owner { is_first: false } => "takeovers",
        Judged::StaleOwner => "stale claims",
        Judged::Fenced => "fenced decisions",
        Judged::Unclaimed => "decisions under a lost claim",
        Judged::Repeat => "repeated decisions",
        Judged::Gap => "decisions after a gap",
        Judged::Effective(_) => "effective decisions",
    });
}

/// The ledger of the partition that a position is in.
fn ledger(partitions: &[Checked], position: Position) -> Option<&Ledger> {
    partitions.get(usize::from(position.partition)).map(|checked| &checked.ledger)
}
