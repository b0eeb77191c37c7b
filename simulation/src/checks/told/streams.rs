//! What an order's stream tells: each event has the status that the log gave the order at the
//! `read_offset` that is the event's id, none goes back, and the last one says that it is.

use schemas::Offset;
use schemas::http::{OrderStatus, ProblemCode};
use uuid::Uuid;

use super::super::{Check, Checked, expect};
use super::{Known, at, leads};
use crate::history::{Happened, Said, Told, position_of};

pub(super) fn check(told: &Told, id: Uuid, known: &Known<'_>) -> Check {
    let events = match &told.said {
        Said::Stream(events) => events,
        Said::Problem(problem) => {
            return expect("I2", problem.code != ProblemCode::OrderNotFound, || {
                format!("an order that was given out is not found: {told:?}")
            });
        }
        Said::Order(_) | Said::Orders(_) | Said::Deal(_) | Said::Command(_) | Said::Other => {
            return Ok(());
        }
    };
    known.universe.count(if told.status == 204 { "streams over" } else { "streams heard" });
    known.universe.count_more("events of streams", events.len() as u64);
    let asked = position_of(id).and_then(|it| known.partitions.get(usize::from(it.partition)));
    let Some(checked) = asked else { return Ok(()) };
    for event in events {
        check_event(told, event, checked)?;
    }
    for pair in events.windows(2) {
        let [before, after] = pair else { continue };
        let (one, two) = (before.order.status, after.order.status);
        let is_forward = after.read_offset >= before.read_offset && leads(one, two);
        expect("I9", is_forward && !before.is_last, || format!("a stream goes back: {told:?}"))?;
    }
    Ok(())
}

fn check_event(told: &Told, event: &Happened, checked: &Checked) -> Check {
    let Happened { name, read_offset, is_last, order } = event;
    let status = order.status;
    expect("I9", name == status.as_str() && *is_last == is_over(status), || {
        format!("an event that is not what it is called: {told:?}")
    })?;
    let Some(decided_next) = decided_next(checked, *read_offset) else {
        return expect("I6", false, || format!("nobody has read up to {read_offset}: {told:?}"));
    };
    let Some(position) = position_of(order.order_id) else {
        return expect("I2", false, || format!("no place of this log: {told:?}"));
    };
    let found = checked.ledger.orders.get(&position.offset);
    let truth = match found.and_then(|order| at(&order.past, decided_next)) {
        Some(status) => *status,
        // Not decided there; or decided as the repeat of another, which the stream follows then.
        None => OrderStatus::Queued,
    };
    let is_theirs = found.is_none_or(|order| order.customer.0 == told.subject);
    expect("I6", truth == status && is_theirs, || {
        format!("at {read_offset}, {decided_next} the log says {truth:?}: {told:?}")
    })
}

/// `decided_next` of who has read up to there.
pub(super) fn decided_next(checked: &Checked, read_offset: Offset) -> Option<Offset> {
    match read_offset {
        0 => Some(1),
        _ => checked.reading.marks.get(&read_offset).map(|mark| mark.decided_next),
    }
}

/// Whether a stream ends with this status.
fn is_over(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Queued | OrderStatus::Held => false,
        OrderStatus::Rejected
        | OrderStatus::Confirmed
        | OrderStatus::Expired
        | OrderStatus::Cancelled => true,
    }
}
