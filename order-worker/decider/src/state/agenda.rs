//! What the passing of time will ask for: each deal's oldest hold, and each deal's retirement.

use std::collections::BTreeSet;

use sabotage::Bug;
use schemas::{DealId, Offset, Timestamp};

use super::deal::Deal;
use super::orders::Hold;

/// Dates of all deals, earliest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    /// The oldest hold of every deal that has one, with the deal's index.
    holds: BTreeSet<(Timestamp, Offset, u32)>,
    /// When every deal closes.
    closings: BTreeSet<(Timestamp, DealId)>,
}

/// The dates of one deal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dates {
    hold: Option<Hold>,
    closes_at: Option<Timestamp>,
}

impl Dates {
    pub(crate) fn of(deal: &Deal) -> Self {
        Self { hold: deal.orders.oldest_hold(), closes_at: Some(deal.terms.closes_at) }
    }
}

impl Agenda {
    /// Notes that the dates of a deal have changed.
    pub(crate) fn change(&mut self, deal: (u32, DealId), before: Dates, after: Dates) {
        let (at, deal_id) = deal;
        if before.hold != after.hold {
            if let Some(hold) = before.hold {
                self.holds.remove(&(hold.expires_at, hold.offset, at));
            }
            let is_forgotten = before.hold.is_some() && sabotage::is_planted(Bug::HoldForgotten);
            if let Some(hold) = after.hold.filter(|_| !is_forgotten) {
                self.holds.insert((hold.expires_at, hold.offset, at));
            }
        }
        if before.closes_at != after.closes_at {
            if let Some(closes_at) = before.closes_at {
                self.closings.remove(&(closes_at, deal_id));
            }
            if let Some(closes_at) = after.closes_at {
                self.closings.insert((closes_at, deal_id));
            }
        }
    }

    /// The oldest holds, one for each deal that has any, with the deal's index.
    pub(crate) fn holds(&self) -> impl Iterator<Item = (Timestamp, Offset, u32)> {
        self.holds.iter().copied()
    }

    pub(crate) fn next_closing(&self) -> Option<(Timestamp, DealId)> {
        self.closings.first().copied()
    }

    /// About: a B-tree's nodes are between half and wholly full.
    pub(crate) fn heap_bytes(&self) -> usize {
        2 * (size_of::<(Timestamp, Offset, u32)>() * self.holds.len()
            + size_of::<(Timestamp, DealId)>() * self.closings.len())
    }
}
