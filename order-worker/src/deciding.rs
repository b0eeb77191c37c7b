//! From stored commands to decision records: decode, decide, fold, encode. No I/O.

use std::sync::Arc;

use bytes::Bytes;
use decider::{Context, Input, State, decide};
use decision_log::{DecisionWriter, Park};
use event_log::{RECORD_BYTES_MAX, Record, Stored};
use sabotage::Bug;
use schemas::log::{CommandsRecord, Decision, DecodeFault, FilterState, decode_command};
use schemas::{Offset, Timestamp};

use crate::sent::Sent;

/// How far log time may run ahead of the owner's clock.
const AHEAD_MS_MAX: i64 = 60_000;
/// Room left for a record's headers.
const HEADER_BYTES_MAX: usize = 256;

/// What was decided about a batch of commands.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// Records to append, in order.
    pub(crate) records: Vec<Record>,
    /// How many events they carry.
    pub(crate) events: usize,
    /// Why the command after them was not decided.
    pub(crate) park: Option<Park>,
}

/// The speculative end of a partition: every command before `decided_next` is decided.
#[derive(Debug)]
pub(crate) struct Frontier {
    /// Shared while a snapshot of it is made: then nothing is decided.
    pub(crate) state: Arc<State>,
    pub(crate) decided_next: Offset,
}

impl Frontier {
    /// Whether the next command can be decided.
    pub(crate) fn is_free(&self) -> bool {
        Arc::strong_count(&self.state) == 1
    }

    /// Decides `commands`, which begin at `decided_next`, as the owner that `owner` names. Stops
    /// before the first command that parks the partition. `latest` is the latest log time that is
    /// credible.
    pub(crate) fn decide(
        &mut self,
        commands: &[Stored],
        owner: &FilterState,
        latest: Timestamp,
        sent: &mut Sent,
    ) -> Decided {
        let mut decided =
            Decided { records: Vec::with_capacity(commands.len()), ..Decided::default() };
        let writer = DecisionWriter::of(owner);
        for command in commands {
            match self.decide_one(command, owner, latest) {
                Ok((decision, payload)) => {
                    sent.push(writer.head(&decision, &payload));
                    decided.records.push(writer.record(payload));
                    decided.events += decision.events.len();
                }
                Err(park) => {
                    decided.park = Some(park);
                    break;
                }
            }
        }
        decided
    }

    fn decide_one(
        &mut self,
        stored: &Stored,
        owner: &FilterState,
        latest: Timestamp,
    ) -> Result<(Decision, Bytes), Park> {
        check_log_time(stored.log_time.max(self.state.log_time()), latest)?;
        let offset = stored.offset;
        let command = match decode_command(&stored.payload) {
            Ok(command) => Some(command),
            Err(DecodeFault::Unreadable(_)) => None,
            Err(fault @ DecodeFault::Newer { .. }) => return Err(newer(offset, &fault)),
        };
        let input = match &command {
            Some(CommandsRecord::Command(command)) => Input::Command(command),
            Some(CommandsRecord::Genesis(_)) => Input::Genesis,
            None => Input::Unreadable,
        };
        let append_time = stored.log_time;
        let context = Context { rules: owner.rules, offset, append_time, after: self.decided_next };
        let decision = decide(&self.state, input, context);
        let mut payload = decision.encode();
        if sabotage::is_planted(Bug::RepeatChanged) && offset.is_multiple_of(5) {
            payload.extend((0..owner.epoch).map(|_| b' '));
        }
        let payload = Bytes::from(payload);
        if payload.len() > RECORD_BYTES_MAX - HEADER_BYTES_MAX {
            return Err(Park::TooLarge { offset, bytes: payload.len() });
        }
        let state = Arc::get_mut(&mut self.state).expect("nothing is decided while it is shared");
        state.fold(&decision);
        self.decided_next = offset + 1;
        Ok((decision, payload))
    }
}

/// The commands that were read from `from` on, in the order in which they are decided: all, one by
/// one, as they stand.
pub(crate) fn in_turn(mut commands: Vec<Stored>, from: Offset) -> Vec<Stored> {
    let is_whole = commands.iter().zip(from..).all(|(command, offset)| command.offset == offset);
    assert!(is_whole, "commands are decided one by one");
    if sabotage::is_planted(Bug::DecisionLost) && from.is_multiple_of(7) && commands.len() > 1 {
        commands.remove(0);
    }
    if let [first, second, ..] = &commands[..]
        && sabotage::is_planted(Bug::OrderSwapped)
        && from.is_multiple_of(5)
        && first.key != second.key
    {
        commands.swap(0, 1);
    }
    commands
}

/// The latest log time that an owner whose clock shows `now` believes.
pub(crate) fn latest_log_time(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(AHEAD_MS_MAX))
}

/// Parks if log time has run away from the owner's clock.
pub(crate) fn check_log_time(log_time: Timestamp, latest: Timestamp) -> Result<(), Park> {
    if log_time <= latest {
        return Ok(());
    }
    let now = Timestamp::from_millis(latest.as_millis().saturating_sub(AHEAD_MS_MAX));
    Err(Park::LogTimeAhead { log_time, now })
}

/// Parks if the command at hand is a newer writer's.
pub(crate) fn check_version(stored: &Stored) -> Result<(), Park> {
    match decode_command(&stored.payload) {
        Err(fault @ DecodeFault::Newer { .. }) => Err(newer(stored.offset, &fault)),
        Ok(_) | Err(DecodeFault::Unreadable(_)) => Ok(()),
    }
}

fn newer(offset: Offset, fault: &DecodeFault) -> Park {
    Park::Newer { log: "commands", offset, fault: fault.to_string().into() }
}
