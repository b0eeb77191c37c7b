//! The door: whether a purchase is let in, refused, or asked to come back. One function in one
//! fixed precedence. Pure: what is known and the present are handed in.
//!
//! The door refuses for state only what a fresh view surely knows; in doubt it lets in, and the
//! decider decides. Refusals here are not remembered under the key. Must not know how a view is
//! kept fresh, or how an answer is written.

use std::time::Duration;

use read_model::DealRow;
use sabotage::Bug;
use schemas::http::ProblemCode;
use schemas::limits::LIMIT_PER_CUSTOMER_MAX;
use schemas::log::Admission;
use schemas::{DealId, Digest, Fingerprint, Offset, Position, Timestamp};

use crate::view::Bound;

#[cfg(test)]
mod tests;

/// A purchase at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which deal.
    pub deal_id: DealId,
    /// The Idempotency-Key, hashed with the customer.
    pub key: Digest,
    /// Hash of the request's body.
    pub fingerprint: Fingerprint,
    /// As asked: any number that JSON can write.
    pub quantity: i64,
    /// The gateway's clock.
    pub now: Timestamp,
}

/// What the door says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// The key is bound: the order whose purchase stands there is the answer (200).
    Known(Position),
    /// The key is bound to a purchase with another body (422).
    KeyReused,
    /// Refused for what the view surely knows.
    Refuse(Refusal),
    /// This gateway cannot say, or there are too many: 503 with this code, and when to come back
    /// (before jitter).
    ComeBack(ProblemCode, Duration),
    /// To be appended, with what the gateway knew.
    Admit(Admission),
}

/// A refusal at the door, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: ProblemCode,
    /// Whether another purchase may succeed later.
    pub retryable: bool,
    /// When that may be, if it is known (before jitter).
    pub retry_after: Option<Duration>,
    /// The view has applied all that was decided until then.
    pub as_of: Timestamp,
    /// Next command to decide, as the view has it; none if the deal, and so its partition, is
    /// unknown.
    pub decided_next: Option<Offset>,
}

/// What is configured about the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// The door opens so long after the deal does, so that an admitted purchase is not refused as
    /// too early by the log's clock.
    pub opening_margin: Duration,
    /// The door closes so long after the deal does, unless log time says that it has closed.
    pub closing_margin: Duration,
    /// Most commands of one partition that may wait for their decision.
    pub queue_max: u64,
    /// When to come back after a 503.
    pub come_back: Duration,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            opening_margin: Duration::from_millis(50),
            closing_margin: Duration::from_secs(5),
            queue_max: 200_000,
            come_back: Duration::from_secs(1),
        }
    }
}

/// What is known when a purchase comes to the door.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Whether the view has caught up since the start: with the deal's partition, or with all if
    /// the deal is unknown.
    pub has_started: bool,
    /// Whether what is known is young enough to refuse for: of the deal's partition, or of all if
    /// the deal is unknown.
    pub is_fresh: bool,
    /// What is known was so then.
    pub as_of: Timestamp,
    /// The deal and its partition, if it is known.
    pub deal: Option<DealFacts<'a>>,
    /// Whether the views hold as many orders as they ever may.
    pub is_full: bool,
}

/// What is known of the deal that a purchase is for.
#[derive(Clone, Copy, Debug)]
pub struct DealFacts<'a> {
    /// Its row.
    pub row: &'a DealRow,
    /// Next command to decide in its partition.
    pub decided_next: Offset,
    /// Log time of its partition.
    pub log_time: Timestamp,
    /// Commands of its partition that wait for their decision.
    pub backlog: u64,
    /// How long until those are decided, if the rate was measured.
    pub wait: Option<Duration>,
}

/// Looks the key up; to be asked before rate limits. None: it is not bound.
#[must_use]
pub fn known_key(
    bound: Option<Bound>,
    fingerprint: Fingerprint,
    partition: schemas::Partition,
) -> Option<Door> {
    bound.map(|bound| match bound.fingerprint == fingerprint {
        true => Door::Known(Position { partition, offset: bound.offset }),
        false => Door::KeyReused,
    })
}

/// Judges a purchase whose key is not bound and that is within its rate limits. `gateway` is the
/// name under which it is let in.
#[must_use]
pub fn judge(question: &Question, facts: &Facts<'_>, limits: &DoorLimits, gateway: &str) -> Door {
    if !facts.has_started {
        return Door::ComeBack(ProblemCode::NotReady, limits.come_back);
    }
    let Some(deal) = facts.deal else {
        return match facts.is_fresh {
            true => Door::Refuse(refusal(ProblemCode::DealNotFound, facts)),
            // Without the deal there is no partition to append to.
            false => Door::ComeBack(ProblemCode::ViewBehind, limits.come_back),
        };
    };
    if let Some(refusal) = refuse(question, facts, &deal, limits) {
        return Door::Refuse(refusal);
    }
    if is_overloaded(facts, &deal, limits) {
        let wait = deal.wait.unwrap_or_default().max(limits.come_back);
        return Door::ComeBack(ProblemCode::Overloaded, wait);
    }
    Door::Admit(Admission { gateway: gateway.into(), decided_next: deal.decided_next })
}

fn refuse(
    question: &Question,
    facts: &Facts<'_>,
    deal: &DealFacts<'_>,
    limits: &DoorLimits,
) -> Option<Refusal> {
    let terms = &deal.row.terms;
    let no = |code| Some(refusal(code, facts));
    if facts.is_fresh {
        let opens_at = terms.opens_at.plus(limits.opening_margin);
        let is_over = deal.log_time >= terms.closes_at
            || question.now >= terms.closes_at.plus(limits.closing_margin);
        if deal.row.retired {
            return no(ProblemCode::DealRetired);
        }
        if question.now < opens_at {
            let retry_after = Some(opens_at.since(question.now));
            return Some(Refusal { retry_after, ..refusal(ProblemCode::DealNotOpen, facts) });
        }
        if deal.row.paused {
            return no(ProblemCode::DealPaused);
        }
        if deal.row.closed || is_over {
            return no(ProblemCode::DealClosed);
        }
    }
    // No deal ever has a higher limit, so this much is sure however old the view is.
    let limit = if facts.is_fresh { terms.limit_per_customer } else { LIMIT_PER_CUSTOMER_MAX };
    if !(1..=i64::from(limit)).contains(&question.quantity) {
        return no(ProblemCode::OutOfRange);
    }
    let least = u64::from(sabotage::is_planted(Bug::EarlySoldOut));
    if facts.is_fresh && deal.row.stock_left <= least {
        let retryable = deal.row.held > 0;
        return Some(Refusal { retryable, ..refusal(ProblemCode::SoldOut, facts) });
    }
    None
}

fn is_overloaded(facts: &Facts<'_>, deal: &DealFacts<'_>, limits: &DoorLimits) -> bool {
    let hold = Duration::from_secs(u64::from(deal.row.terms.hold_seconds));
    // A hold runs from the purchase on: who waits for a quarter of it can hardly pay in time.
    let waits_too_long = !hold.is_zero() && deal.wait.is_some_and(|wait| wait > hold / 4);
    facts.is_full || deal.backlog >= limits.queue_max || waits_too_long
}

fn refusal(code: ProblemCode, facts: &Facts<'_>) -> Refusal {
    Refusal {
        code,
        retryable: code.retryable(),
        retry_after: None,
        as_of: facts.as_of,
        decided_next: facts.deal.map(|deal| deal.decided_next),
    }
}
