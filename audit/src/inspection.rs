//! The audit as a whole: what is looked at, in which order, so that it also works on a running
//! service.
//!
//! First one snapshot of the read model, then the ends of the logs, decisions before commands: so
//! rows lie within the decisions seen, and every decision seen has its command among those seen.
//! Whatever is appended later is left alone; commands without a decision by then are pending.

use std::collections::BTreeMap;
use std::sync::Arc;

use event_log::{Log, ReadLimits, Stored};
use read_model::Store;
use schemas::log::{CommandsRecord, DecisionsRecord, Genesis};
use schemas::log::{decode_command, decode_decisions_record};
use schemas::{DealId, Digest, Offset, Partition};

use crate::AuditError;
use crate::filter::FIRST;
use crate::finding::Findings;
use crate::page::Pages;
use crate::partition::{Ends, walk};
use crate::report::{Invariant, Range, Report};
use crate::rows::Rows;
use crate::world::World;

/// What to look at.
#[derive(Clone, Debug)]
pub struct AuditInput {
    /// The commands log.
    pub commands: Arc<dyn Log>,
    /// The decisions log.
    pub decisions: Arc<dyn Log>,
    /// The read model; without one, I6 stays unchecked.
    pub store: Option<Arc<dyn Store>>,
}

/// Checks everything that stands in the logs and the read model by now. Which log it is, the
/// genesis records say.
///
/// # Errors
/// If it could not look: a log or the read model cannot be read, or they do not belong together.
pub async fn run(input: AuditInput) -> Result<Report, AuditError> {
    let log_id = log_id(&input).await?;
    let mut rows = match &input.store {
        Some(store) => Some(Rows::of(store.snapshot().await?, log_id).await?),
        None => None,
    };
    let ends = ends(&input, log_id).await?;
    let mut findings = Findings::new(rows.is_some());
    if let Some(rows) = &rows {
        rows.check_strays(input.decisions.partitions(), &mut findings);
    }
    let mut partitions = Vec::with_capacity(ends.len());
    let (mut payments, mut deals) = (BTreeMap::new(), BTreeMap::new());
    for end in ends {
        let range = match end {
            Ok(ends) => {
                let (range, world) = Box::pin(walk(ends, rows.as_mut(), &mut findings)).await?;
                note_payments(&world, &mut payments, &mut findings);
                check_deals(&world, &mut deals, &mut findings);
                range
            }
            Err(range) => range,
        };
        partitions.push(range);
    }
    let (lines, warnings) = findings.finish();
    Ok(Report { log_id, lines, partitions, warnings })
}

/// A payment id is one order's, but partitions do not know of each other.
fn note_payments(world: &World, seen: &mut BTreeMap<Digest, Partition>, findings: &mut Findings) {
    for payment in world.payments.keys() {
        let first = *seen.entry(*payment).or_insert(world.partition);
        if first != world.partition {
            let second = world.partition;
            findings.warn(format!("payment {payment} stands in partitions {first} and {second}"));
        }
    }
}

/// A deal in two partitions has its stock twice.
fn check_deals(world: &World, seen: &mut BTreeMap<DealId, Partition>, findings: &mut Findings) {
    for deal_id in world.deals.keys() {
        let first = *seen.entry(*deal_id).or_insert(world.partition);
        findings.expect(Invariant::I1, first == world.partition, || {
            format!("deal {deal_id} is sold in partition {first} too")
        });
    }
}

/// The id that the genesis records of both logs agree on.
async fn log_id(input: &AuditInput) -> Result<u8, AuditError> {
    let AuditInput { commands, decisions, .. } = input;
    let partitions = decisions.partitions();
    if commands.partitions() != partitions {
        let count = commands.partitions();
        return Err(other_log(commands, 0, format!("it has {count} partitions, not {partitions}")));
    }
    let mut log_id = None;
    for partition in 0..partitions {
        for log in [decisions, commands] {
            let Some(first) = first(log, partition).await? else { continue };
            let genesis = if std::ptr::eq(log, commands) {
                command_genesis(&first)
            } else {
                decision_genesis(&first)
            };
            let Some(genesis) = genesis else {
                return Err(other_log(log, partition, "it does not begin with a genesis record"));
            };
            let expected = *log_id.get_or_insert(genesis.log_id);
            if genesis != (Genesis { log_id: expected, partitions }) {
                let reason = format!("it is log {} of {}", genesis.log_id, genesis.partitions);
                return Err(other_log(log, partition, reason));
            }
        }
    }
    log_id.ok_or(AuditError::NoGenesis)
}

fn other_log(log: &Arc<dyn Log>, partition: Partition, reason: impl Into<Box<str>>) -> AuditError {
    AuditError::OtherLog { log: log.name().into(), partition, reason: reason.into() }
}

fn command_genesis(stored: &Stored) -> Option<Genesis> {
    match decode_command(&stored.payload) {
        Ok(CommandsRecord::Genesis(genesis)) => Some(genesis),
        Ok(CommandsRecord::Command(_)) | Err(_) => None,
    }
}

fn decision_genesis(stored: &Stored) -> Option<Genesis> {
    match decode_decisions_record(&stored.payload) {
        Ok(DecisionsRecord::Genesis(genesis)) => Some(genesis),
        Ok(DecisionsRecord::Owner(_) | DecisionsRecord::Decision(_)) | Err(_) => None,
    }
}

/// The record at offset 0, if it is there and kept.
async fn first(log: &Arc<dyn Log>, partition: Partition) -> Result<Option<Stored>, AuditError> {
    if log.start(partition).await? > 0 {
        return Ok(None);
    }
    let limits = ReadLimits { records_max: 1, bytes_max: 1 };
    Ok(log.read(partition, 0, limits).await?.records.into_iter().next())
}

/// The ends of all partitions. One whose beginning is gone cannot be checked.
async fn ends(input: &AuditInput, log_id: u8) -> Result<Vec<Result<Ends, Range>>, AuditError> {
    let AuditInput { commands, decisions, .. } = input;
    let mut decisions_ends = Vec::new();
    for partition in 0..decisions.partitions() {
        decisions_ends.push(decisions.end(partition).await?);
    }
    let mut ends = Vec::new();
    for (partition, decisions_end) in (0..).zip(decisions_ends) {
        let commands_end = commands.end(partition).await?;
        let start = commands.start(partition).await?.max(decisions.start(partition).await?);
        if start > 0 {
            ends.push(Err(trimmed(partition, decisions_end, start)));
            continue;
        }
        let pages = |log: &Arc<dyn Log>, range| Pages::new(Arc::clone(log), partition, range);
        let commands = pages(commands, FIRST..commands_end);
        let decisions = pages(decisions, 0..decisions_end);
        ends.push(Ok(Ends { partition, log_id, commands, commands_end, decisions, decisions_end }));
    }
    Ok(ends)
}

fn trimmed(partition: Partition, end: Offset, start: Offset) -> Range {
    let stopped = format!("the records before {start} are no longer kept");
    Range { partition, end, stopped: Some(stopped.into()), ..Range::default() }
}
