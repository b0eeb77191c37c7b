//! When a deal takes purchases: paused and resumed, moved, closed for ever.

use schemas::Timestamp;
use schemas::log::{
    CloseDeal, DealClosed, DealPaused, DealRescheduled, DealResumed, Event, PauseDeal, RefusalCode,
    RescheduleDeal, ResumeDeal,
};

use super::announcement::is_a_schedule;
use super::{Outcome, deal_of};
use crate::State;

/// Takes no purchases until resumed.
pub(super) fn pause(state: &State, command: &PauseDeal, log_time: Timestamp) -> Outcome {
    let deal_id = command.deal_id;
    let deal = deal_of(state, deal_id)?;
    if deal.paused {
        return Ok(None);
    }
    if deal.is_closed_by(log_time) {
        return Err(RefusalCode::DealClosed);
    }
    Ok(Some(Event::DealPaused(DealPaused { deal_id })))
}

/// Takes purchases again.
pub(super) fn resume(state: &State, command: &ResumeDeal, log_time: Timestamp) -> Outcome {
    let deal_id = command.deal_id;
    let deal = deal_of(state, deal_id)?;
    if !deal.paused {
        return Ok(None);
    }
    if deal.is_closed_by(log_time) {
        return Err(RefusalCode::DealClosed);
    }
    Ok(Some(Event::DealResumed(DealResumed { deal_id })))
}

/// Takes no purchases ever again. A deal that has closed by time is closed for good by this: it can
/// no longer be reopened by a later closing.
pub(super) fn close(state: &State, command: &CloseDeal) -> Outcome {
    let deal_id = command.deal_id;
    let deal = deal_of(state, deal_id)?;
    Ok((!deal.closed).then_some(Event::DealClosed(DealClosed { deal_id })))
}

/// Moves opening or closing; the opening only while it lies ahead.
pub(super) fn reschedule(state: &State, command: &RescheduleDeal, log_time: Timestamp) -> Outcome {
    let deal_id = command.deal_id;
    let deal = deal_of(state, deal_id)?;
    let now = deal.terms;
    let opens_at = command.opens_at.unwrap_or(now.opens_at);
    let closes_at = command.closes_at.unwrap_or(now.closes_at);
    if deal.closed {
        return Err(RefusalCode::DealClosed);
    }
    if deal.is_open_by(log_time) && opens_at != now.opens_at {
        return Err(RefusalCode::DealAlreadyOpen);
    }
    if !is_a_schedule(opens_at, closes_at) {
        return Err(RefusalCode::OutOfRange);
    }
    if (opens_at, closes_at) == (now.opens_at, now.closes_at) {
        return Ok(None);
    }
    Ok(Some(Event::DealRescheduled(DealRescheduled { deal_id, opens_at, closes_at })))
}
