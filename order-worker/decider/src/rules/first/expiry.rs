//! Holds that have run out, oldest first over the whole partition.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use schemas::Timestamp;
use schemas::limits::EVENTS_MAX;
use schemas::log::{Event, OrderExpired};

use crate::State;
use crate::state::{Counters, Pot};

/// Expires the oldest holds that are due, as many as a decision carries. If more are due, another
/// command follows.
pub(super) fn expire(state: &State, log_time: Timestamp) -> Vec<Event> {
    let due = state.oldest_holds().take_while(|&(expires_at, ..)| expires_at <= log_time);
    let mut heads: BinaryHeap<_> = due.map(Reverse).collect();
    let mut counters: BTreeMap<u32, Counters> = BTreeMap::new();
    let mut events = Vec::new();
    while events.len() < EVENTS_MAX
        && let Some(Reverse((_, order, index))) = heads.pop()
    {
        let (deal_id, deal) = state.deal_at(index).expect("a deal with holds is not retired");
        let at = deal.orders.position(order).expect("the agenda names orders that there are");
        let left = counters.entry(index).or_insert_with(|| deal.counters());
        *left = left.moved(Pot::Held, Pot::Left, deal.orders.at(at).quantity);
        let Counters { stock_left, held, confirmed: _ } = *left;
        events.push(Event::OrderExpired(OrderExpired { deal_id, order, stock_left, held }));
        let next = deal.orders.hold_from(at + 1).filter(|hold| hold.expires_at <= log_time);
        heads.extend(next.map(|hold| Reverse((hold.expires_at, hold.offset, index))));
    }
    events
}
