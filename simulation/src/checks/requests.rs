//! Which request stands where in the commands log: by the trace context that each was sent with.
//! What was refused at the door, and what was known there already, stands nowhere (I2). Must not
//! know what becomes of a command.

use std::collections::{BTreeMap, BTreeSet};

use event_log::Stored;
use schemas::http::ProblemCode;
use schemas::log::HEADER_TRACEPARENT;
use schemas::{Partition, Position};

use super::{Check, expect};
use crate::history::{Asked, Said, Told, request_of};

/// What is known of requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Where each stands first that stands in the log.
    taken: BTreeMap<u64, Position>,
    /// Those that clients were told of that nothing was taken.
    untaken: BTreeSet<u64>,
}

impl Requests {
    /// Where a request stands in the log.
    pub(super) fn place_of(&self, request: u64) -> Option<Position> {
        self.taken.get(&request).copied()
    }

    /// Takes note of a command that stands in the log.
    pub(super) fn note(&mut self, partition: Partition, stored: &Stored) -> Check {
        let header = stored.header(HEADER_TRACEPARENT);
        let Some(request) = header.and_then(|value| request_of(value)) else { return Ok(()) };
        let position = Position { partition, offset: stored.offset };
        self.taken.entry(request).or_insert(position);
        expect("I2", !self.untaken.contains(&request), || {
            format!("request {request} was refused, and stands at {position} all the same")
        })
    }

    /// Takes note of an answer.
    pub(super) fn check(&mut self, told: &Told) -> Check {
        if !is_untaken(told) {
            return Ok(());
        }
        self.untaken.insert(told.request);
        let place = self.place_of(told.request);
        expect("I2", place.is_none(), || format!("refused, and stands at {place:?}: {told:?}"))
    }
}

/// Whether an answer says that nothing of the request went into the log.
fn is_untaken(told: &Told) -> bool {
    let is_known = told.problem().is_some_and(|it| it.code != ProblemCode::OutcomeUnknown);
    match told.asked {
        // Whoever waits is told 200 for a purchase of their own too.
        Asked::Purchase { .. } => {
            let is_repeat = matches!(told.said, Said::Order(_)) && told.status == 200;
            is_known || is_repeat && !told.waits
        }
        // Whoever waits is told how a command was decided.
        Asked::Command => is_known && !told.waits,
        Asked::Order(_)
        | Asked::Stream(_)
        | Asked::Orders(_)
        | Asked::Deal(_)
        | Asked::Ticket(_) => false,
    }
}
