//! Deals that are forgotten, long after they have closed.

use schemas::Timestamp;
use schemas::log::{DealRetired, Event, RetireDeal};

use crate::State;
use crate::state::Found;

/// Retires a deal that has closed when the sender thought so and has no holds left; else nothing:
/// the sender asks again.
pub(super) fn retire(state: &State, command: &RetireDeal, log_time: Timestamp) -> Vec<Event> {
    let RetireDeal { deal_id, closes_at, .. } = *command;
    let Found::Deal(deal) = state.find(deal_id) else { return Vec::new() };
    let is_over = log_time >= closes_at && deal.terms.closes_at == closes_at;
    if is_over && deal.counters().held == 0 {
        vec![Event::DealRetired(DealRetired { deal_id })]
    } else {
        Vec::new()
    }
}
