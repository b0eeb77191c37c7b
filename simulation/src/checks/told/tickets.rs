//! Commands other than purchases: what their senders are told at once, and what their tickets say
//! later, against what became of them in the log.

use schemas::http::{CommandStatus, ProblemCode};
use uuid::Uuid;

use super::super::ledger::Outcome;
use super::super::{Check, expect, ledger};
use super::{Known, deals};
use crate::history::{Said, Told, position_of};

/// What the sender of a command is told.
pub(super) fn check_command(told: &Told, known: &Known<'_>) -> Check {
    match &told.said {
        Said::Command(queued) => {
            known.universe.count("commands taken");
            let position = position_of(queued.command_id);
            let place = known.requests.place_of(told.request);
            expect("I2", position.is_some() && place == position, || {
                format!("no command of theirs stands there: {told:?}")
            })
        }
        Said::Deal(deal) => {
            let refusal = outcome(told, known).map(|it| it.refusal);
            expect("I2", refusal == Some(None), || format!("{refusal:?}, and told {told:?}"))?;
            deals::check_shown(told, deal, known)
        }
        Said::Problem(problem) => {
            let Some(outcome) = outcome(told, known) else { return Ok(()) };
            let is_over = told.waits && told.status < 500;
            let code = outcome.refusal.map(ProblemCode::from);
            expect("I2", !is_over || code == Some(problem.code), || {
                format!("{outcome:?}, and told {told:?}")
            })
        }
        Said::Order(_) | Said::Stream(_) | Said::Orders(_) | Said::Other => Ok(()),
    }
}

/// What became of the command that a request was, if it is decided.
fn outcome(told: &Told, known: &Known<'_>) -> Option<Outcome> {
    let position = known.requests.place_of(told.request)?;
    ledger(known.partitions, position)?.outcome_of(position.offset)
}

/// What a ticket says.
pub(super) fn check(told: &Told, (id, is_issued): (Uuid, bool), known: &Known<'_>) -> Check {
    let answer = match &told.said {
        Said::Command(answer) => answer,
        Said::Problem(problem) => {
            return expect("I2", !(is_issued && problem.code == ProblemCode::NotFound), || {
                format!("a command that was given out is not found: {told:?}")
            });
        }
        Said::Order(_) | Said::Stream(_) | Said::Orders(_) | Said::Deal(_) | Said::Other => {
            return Ok(());
        }
    };
    known.universe.count("tickets of commands shown");
    let Some(position) = position_of(id) else { return Ok(()) };
    let shown = told.shows.get(&position.partition).copied().unwrap_or_default();
    let seen = told.had_seen.get(&position.partition).copied().unwrap_or_default();
    expect("I9", shown >= seen, || format!("{seen} was seen, {shown} is shown: {told:?}"))?;
    let ledger = ledger(known.partitions, position);
    let outcome = ledger.and_then(|ledger| ledger.outcome_of(position.offset));
    let refusal = outcome.map(|outcome| outcome.refusal);
    let said = answer.rejection.as_ref().map(|rejection| rejection.code);
    let is_so = match answer.status {
        CommandStatus::Queued => shown <= position.offset,
        CommandStatus::Accepted => refusal == Some(None),
        CommandStatus::Refused => said.is_some() && refusal == Some(said),
    };
    expect("I6", is_so && answer.command_id == id, || {
        format!("at {shown} {position} is {outcome:?}: {told:?}")
    })
}
