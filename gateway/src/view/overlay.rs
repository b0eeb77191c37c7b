//! Changes to orders whose row only the read model has, until the read model has the change too.

use std::collections::{HashMap, VecDeque};

use read_model::OrderChange;
use schemas::Offset;

/// Changes by order, and in which order they were made.
#[derive(Debug, Default)]
pub(super) struct Overlays {
    orders: HashMap<Offset, Vec<(Offset, OrderChange)>>,
    /// (decision, order), oldest first.
    made: VecDeque<(Offset, Offset)>,
}

impl Overlays {
    /// Remembers what the decision at `decided` changed about the order.
    pub(super) fn add(&mut self, order: Offset, decided: Offset, change: OrderChange) {
        self.orders.entry(order).or_default().push((decided, change));
        self.made.push_back((decided, order));
    }

    /// Changes of an order, oldest first, each with the offset of its decision.
    pub(super) fn of(&self, order: Offset) -> &[(Offset, OrderChange)] {
        self.orders.get(&order).map_or(&[], Vec::as_slice)
    }

    /// Forgets what was decided before `decided_next`: the read model has it.
    pub(super) fn forget_below(&mut self, decided_next: Offset) {
        while let Some(&(decided, order)) = self.made.front()
            && decided < decided_next
        {
            self.made.pop_front();
            let Some(changes) = self.orders.get_mut(&order) else { continue };
            changes.retain(|&(decided, _)| decided >= decided_next);
            if changes.is_empty() {
                self.orders.remove(&order);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.made.len()
    }
}
