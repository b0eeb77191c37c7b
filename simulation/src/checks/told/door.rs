//! Refusals of purchases at the door, against what stood in the log at the `decided_next` that they
//! state.

use schemas::http::{OrderStatus, ProblemCode};
use schemas::{DealId, Digest};

use super::super::{Check, Checked, expect};
use super::{Known, at};
use crate::history::Told;
use crate::universe::Universe;

/// How old what a refusal rests on may be: one second by a clock that may run slow.
const FRESH_MS: u64 = 1_100;
/// What the refusal of somebody says for whom there is no room in the line.
const NO_ROOM: &str = "more purchases come than are taken now";

/// Counts who was told to come again, and why.
pub(super) fn count(told: &Told, universe: &Universe) {
    let Some(problem) = told.problem().filter(|it| it.code == ProblemCode::Overloaded) else {
        return;
    };
    universe.count(match problem.detail.starts_with(NO_ROOM) {
        true => "purchases turned away by the line",
        false => "purchases turned away by the queue",
    });
}

/// I5 at the door: whose first order has taken units by the `decided_next` that the answer states
/// is told of it, whatever has become of the deal since, until that is retired.
pub(super) fn check_known_key(
    told: &Told,
    (deal_id, key): (DealId, &str),
    code: ProblemCode,
    partitions: &[Checked],
) -> Check {
    let Some((&partition, &decided_next)) = told.shows.iter().next() else { return Ok(()) };
    let Some(checked) = partitions.get(usize::from(partition)) else { return Ok(()) };
    let ledger = &checked.ledger;
    let first = ledger.first_under(deal_id, Digest::of_key(told.subject, key));
    let first = first.filter(|first| *first < decided_next);
    let took = first.and_then(|first| ledger.orders.get(&first)).is_some_and(|order| {
        order.past.first().is_some_and(|(_, status)| *status != OrderStatus::Rejected)
    });
    expect("I5", !took || code == ProblemCode::DealRetired, || {
        format!("refused at {decided_next}, although {first:?} took units: {told:?}")
    })
}

/// I7 at the door: refused for what was so at the `decided_next` that the answer states, and that
/// was reached a second ago at the earliest.
pub(super) fn check_refusal(
    told: &Told,
    deal_id: DealId,
    code: ProblemCode,
    known: &Known<'_>,
) -> Check {
    let is_state = matches!(code, ProblemCode::SoldOut | ProblemCode::DealPaused);
    let Some((&partition, &decided_next)) = told.shows.iter().next().filter(|_| is_state) else {
        return Ok(());
    };
    known.universe.count("refusals at the door");
    let Some(checked) = known.partitions.get(usize::from(partition)) else { return Ok(()) };
    let deal = checked.ledger.deals.get(&deal_id);
    let face = deal.and_then(|deal| at(&deal.past, decided_next));
    let state = face.map(|face| (face.left(), face.paused));
    let is_sold_out = code == ProblemCode::SoldOut;
    let is_so = state.is_some_and(|(left, paused)| if is_sold_out { left == 0 } else { paused });
    expect("I7", is_so, || format!("{deal_id} was {state:?} at {decided_next}: {told:?}"))?;
    let reached = checked.ledger.decided_next_at(told.at_ms.saturating_sub(FRESH_MS));
    expect("I7", decided_next >= reached, || {
        format!("refused by a view at {decided_next}, and the log was at {reached}: {told:?}")
    })
}
