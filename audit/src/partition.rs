//! One partition from its beginning to the ends that were seen when the audit began.

use event_log::Stored;
use schemas::log::{Command, Decision};
use schemas::{Offset, Partition, Timestamp};

use crate::AuditError;
use crate::filter::{FIRST, Filter, Reading, Standing, Stop, Written};
use crate::finding::{Findings, Place};
use crate::judge::{Input, RULES, judge};
use crate::page::Pages;
use crate::repeat::Repeats;
use crate::report::{Invariant, Range};
use crate::rows::Rows;
use crate::verdict::{check_facts, check_no_outcome, compare};
use crate::world::World;

/// Decisions that an owner sends before it reads them back: if one is lost, no more than these can
/// come after it before the owner starts over.
const UNREAD_MAX: u64 = 65_536;

/// The way through a partition.
pub(crate) struct Walk<'a> {
    findings: &'a mut Findings,
    rows: Option<&'a mut Rows>,
    commands: Pages,
    commands_end: Offset,
    filter: Filter,
    repeats: Repeats,
    world: World,
    range: Range,
    /// Decisions after a gap, since the owner's last effective one.
    gaps_in_a_row: u64,
}

/// The two logs of a partition, up to their ends.
pub(crate) struct Ends {
    pub(crate) partition: Partition,
    pub(crate) log_id: u8,
    pub(crate) commands: Pages,
    pub(crate) commands_end: Offset,
    pub(crate) decisions: Pages,
    pub(crate) decisions_end: Offset,
}

/// Walks through one partition. Gives what was read, and the world at the end.
pub(crate) async fn walk(
    ends: Ends,
    rows: Option<&mut Rows>,
    findings: &mut Findings,
) -> Result<(Range, World), AuditError> {
    let Ends { partition, log_id, commands, commands_end, mut decisions, decisions_end } = ends;
    findings.place = Place { partition, ..Place::default() };
    let world = World::new(log_id, partition, rows.is_some());
    let range = Range { partition, end: decisions_end, ..Range::default() };
    let (filter, repeats) = (Filter::default(), Repeats::default());
    let gaps_in_a_row = 0;
    let mut walk = Walk {
        findings,
        rows,
        commands,
        commands_end,
        filter,
        repeats,
        world,
        range,
        gaps_in_a_row,
    };
    walk.compare_rows().await?;
    while let Some(stored) = decisions.next().await? {
        walk.findings.place = Place { partition, command: None, record: Some(stored.offset) };
        if !walk.step(&stored).await? {
            break;
        }
        walk.compare_rows().await?;
    }
    Ok(walk.finish())
}

impl Walk<'_> {
    /// Takes one record of the decisions log in; false if no reader can go on.
    async fn step(&mut self, stored: &Stored) -> Result<bool, AuditError> {
        match self.filter.read(stored) {
            Ok(Reading::Genesis) => {}
            Ok(Reading::Owner) => {
                self.range.owners += 1;
                self.gaps_in_a_row = 0;
            }
            Ok(Reading::StaleOwner) => self.range.stale_owners += 1,
            Ok(Reading::Decision(standing, written)) => self.decision(standing, &written).await?,
            Err(Stop::Broken(reason)) => {
                self.findings.violated(Invariant::I2, format!("no reader can go on: {reason}"));
                self.range.stopped = Some(reason.into());
                return Ok(false);
            }
            Err(Stop::Newer(reason)) => {
                self.range.stopped = Some(reason.into());
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn decision(&mut self, standing: Standing, written: &Written) -> Result<(), AuditError> {
        let offset = written.decision.offset;
        self.findings.place.command = Some(offset);
        self.findings.expect(Invariant::I2, (FIRST..self.commands_end).contains(&offset), || {
            "a decision without its command".to_owned()
        });
        self.repeats.take(standing, written, &self.filter, self.findings);
        match standing {
            Standing::Zombie => self.range.zombies += 1,
            Standing::Repeat => {
                self.range.repeats += 1;
                let is_first = offset >= FIRST && !self.repeats.is_decided(offset);
                self.findings.expect(Invariant::I3, !is_first, || {
                    "decided by the owner after a later command".to_owned()
                });
            }
            Standing::Gap => self.gap(),
            Standing::Effective => {
                self.range.effective += 1;
                self.gaps_in_a_row = 0;
                self.findings.expect(Invariant::I2, written.is_claimed, || {
                    "decided by a writer that has no owner record before it".to_owned()
                });
                self.effective(&written.decision).await?;
            }
        }
        Ok(())
    }

    /// One decision was lost, and those that were on their way count for nothing.
    fn gap(&mut self) {
        self.range.gaps += 1;
        self.gaps_in_a_row += 1;
        if self.gaps_in_a_row == UNREAD_MAX + 1 {
            let next = self.filter.state.decided_next;
            let told = format!("the decision on {next} is lost, and its owner does not start over");
            self.findings.violated(Invariant::I2, told);
        }
    }

    async fn effective(&mut self, decision: &Decision) -> Result<(), AuditError> {
        let decided_next = self.range.decided_next.max(FIRST);
        let offset = decision.offset;
        self.findings.expect(Invariant::I3, offset >= decided_next, || {
            format!("decided after {}", decided_next - 1)
        });
        if offset > decided_next {
            let lost = format!("the commands {decided_next}..{offset} before it have no decision");
            self.findings.violated(Invariant::I2, lost);
        }
        self.range.decided_next = offset + 1;
        if decision.events.len() > schemas::limits::EVENTS_MAX {
            let count = decision.events.len();
            self.findings.violated(Invariant::I4, format!("a decision with {count} events"));
        }
        match self.commands.seek(offset).await? {
            Some(command) => self.judge(&command, decision),
            None => self.range.unjudged += 1,
        }
        self.world.fold(decision, self.findings);
        Ok(())
    }

    /// Says what should have been decided, and compares. The time is the one that the decision
    /// should have, so that a wrong one does not excuse what follows from it.
    fn judge(&mut self, command: &Stored, decision: &Decision) {
        let log_time = self.world.log_time.max(command.log_time);
        self.check_log_time(log_time, decision.log_time);
        let input = Input::read(&command.payload);
        match &input {
            Input::Command(Command::PlacePurchase(purchase)) => {
                check_facts(purchase, &decision.events, self.findings);
            }
            Input::Command(_) | Input::Genesis | Input::Unreadable => {
                check_no_outcome(&decision.events, self.findings);
            }
            Input::Newer => {}
        }
        let expected = judge(&self.world, &input, log_time);
        match expected.filter(|_| self.filter.state.rules == RULES) {
            Some(expected) => compare(&input, &expected, &decision.events, self.findings),
            None => self.range.unjudged += 1,
        }
    }

    fn check_log_time(&mut self, expected: Timestamp, found: Timestamp) {
        let before = self.world.log_time;
        if found < before {
            let told = format!("log time fell from {before} to {found}");
            self.findings.violated(Invariant::I4, told);
        } else if found != expected {
            let told = format!("log time is {found}, by the log it is {expected}");
            self.findings.violated(Invariant::I4, told);
        }
    }

    /// Compares the rows, if this is where they were projected to.
    async fn compare_rows(&mut self) -> Result<(), AuditError> {
        let Some(rows) = self.rows.as_deref_mut() else { return Ok(()) };
        let read_offset = rows.read_offset(self.world.partition);
        if self.filter.state.read_offset != read_offset {
            return Ok(());
        }
        self.findings.place.command = None;
        rows.compare(&self.world, &self.filter.state, self.findings).await?;
        self.range.rows_read_offset = Some(read_offset);
        self.world.keeps_commands = false;
        self.world.commands.clear();
        Ok(())
    }

    fn finish(mut self) -> (Range, World) {
        let Range { partition, .. } = self.range;
        self.findings.place = Place { partition, ..Place::default() };
        self.world.recount(self.findings);
        self.range.read_offset = self.filter.state.read_offset;
        self.range.decided_next = self.filter.state.decided_next;
        self.range.pending = self.commands_end.saturating_sub(self.range.decided_next);
        self.check_rows_reached();
        if self.gaps_in_a_row > 0 {
            let next = self.range.decided_next;
            self.findings.warn(format!(
                "partition {partition}: the decision on {next} was lost; {} after it wait for \
                 the owner to start over",
                self.gaps_in_a_row
            ));
        }
        if self.range.unjudged > 0 {
            let count = self.range.unjudged;
            self.findings
                .warn(format!("partition {partition}: {count} decisions were not judged again"));
        }
        (self.range, self.world)
    }

    /// Rows that state an offset which no reader can have come to are no fold of this log.
    fn check_rows_reached(&mut self) {
        let Some(rows) = self.rows.as_deref() else { return };
        if self.range.rows_read_offset.is_some() {
            return;
        }
        let stated = rows.read_offset(self.range.partition);
        let reached = self.range.read_offset;
        let is_unknown = self.range.stopped.is_some() && stated <= self.range.end;
        if is_unknown {
            let partition = self.range.partition;
            self.findings.warn(format!(
                "partition {partition}: rows at {stated} were not compared, reading stopped at \
                 {reached}"
            ));
        } else {
            let told = format!("the rows are at {stated}, the log ends at {reached}");
            self.findings.violated(Invariant::I6, told);
        }
    }
}
