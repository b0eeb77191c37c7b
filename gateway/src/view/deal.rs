//! How a change lays itself over a deal's row.

use read_model::{Changes, DealRow};

/// Lays a change of this deal over its row. Changes of orders and commands leave it as it is.
pub(super) fn change(deal: &mut DealRow, change: &Changes) {
    match change {
        Changes::Deal(row, _) => deal.clone_from(row),
        Changes::Counters { stock_left, held, adjusted, .. } => {
            deal.stock_left = *stock_left;
            deal.held = held.unwrap_or(deal.held);
            let sum = deal.adjusted.checked_add(*adjusted);
            deal.adjusted = sum.expect("the decider keeps stock within its limits");
        }
        Changes::Paused(_, paused) => deal.paused = *paused,
        Changes::Rescheduled(_, opens_at, closes_at) => {
            deal.terms.opens_at = *opens_at;
            deal.terms.closes_at = *closes_at;
        }
        Changes::Closed(_) => deal.closed = true,
        Changes::Retired(_) => deal.retired = true,
        Changes::Order(_) | Changes::OrderChanged(..) | Changes::Command(_) => {}
    }
}
