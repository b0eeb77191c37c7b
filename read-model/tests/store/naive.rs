//! The read model as plain maps: what a store must hold after the same changes, and how to read
//! everything that it does hold.

use std::collections::BTreeMap;

use read_model::{Changes, CommandRow, DealRow, OrderRow, Store, fold};
use schemas::log::Decision;
use schemas::{DealId, Offset, Partition, Position};

/// Rows of one partition of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Naive {
    pub(crate) orders: BTreeMap<Offset, OrderRow>,
    pub(crate) deals: BTreeMap<DealId, DealRow>,
    pub(crate) commands: BTreeMap<Offset, CommandRow>,
}

impl Naive {
    /// The rows after these decisions.
    pub(crate) fn of(log_id: u8, partition: Partition, decisions: &[Decision]) -> Self {
        let mut naive = Self::default();
        for decision in decisions {
            for change in fold(log_id, partition, decision) {
                naive.apply(change);
            }
        }
        naive
    }

    fn apply(&mut self, change: Changes) {
        match change {
            Changes::Deal(deal, _) => {
                self.deals.insert(deal.deal_id, *deal);
            }
            Changes::Order(order) => {
                self.orders.insert(order.position.offset, *order);
            }
            Changes::Command(command) => {
                self.commands.insert(command.position.offset, command);
            }
            Changes::OrderChanged(offset, change) => {
                if let Some(order) = self.orders.get_mut(&offset) {
                    order.change(change);
                }
            }
            Changes::Counters { deal_id, stock_left, held, adjusted } => {
                let deal = self.deals.get_mut(&deal_id).unwrap();
                deal.stock_left = stock_left;
                if let Some(held) = held {
                    deal.held = held;
                }
                deal.adjusted += adjusted;
            }
            Changes::Paused(deal_id, paused) => {
                self.deals.get_mut(&deal_id).unwrap().paused = paused;
            }
            Changes::Rescheduled(deal_id, opens_at, closes_at) => {
                let terms = &mut self.deals.get_mut(&deal_id).unwrap().terms;
                terms.opens_at = opens_at;
                terms.closes_at = closes_at;
            }
            Changes::Closed(deal_id) => self.deals.get_mut(&deal_id).unwrap().closed = true,
            Changes::Retired(deal_id) => self.deals.get_mut(&deal_id).unwrap().retired = true,
        }
    }
}

/// Everything that a store holds of one partition, with the read_offset that it states, in pages
/// of `limit` out of one snapshot.
pub(crate) async fn stored(
    store: &dyn Store,
    log_id: u8,
    partition: Partition,
    limit: u32,
) -> (Offset, Naive) {
    let mut snapshot = store.snapshot().await.unwrap();
    let projections = snapshot.projections(log_id).await.unwrap();
    let projection = projections.iter().find(|row| row.partition == partition);
    let read_offset = projection.map_or(0, |row| row.filter.read_offset);
    let mut rows = Naive::default();
    for deal in snapshot.deals(log_id).await.unwrap() {
        if deal.partition == partition {
            rows.deals.insert(deal.deal_id, deal);
        }
    }
    let mut from = Position { partition, offset: 0 };
    loop {
        let page = snapshot.orders(log_id, from, limit).await.unwrap();
        let Some(last) = page.last() else { break };
        from.offset = last.position.offset + 1;
        rows.orders.extend(page.into_iter().map(|row| (row.position.offset, row)));
    }
    from.offset = 0;
    loop {
        let page = snapshot.commands(log_id, from, limit).await.unwrap();
        let Some(last) = page.last() else { break };
        from.offset = last.position.offset + 1;
        rows.commands.extend(page.into_iter().map(|row| (row.position.offset, row)));
    }
    (read_offset, rows)
}
