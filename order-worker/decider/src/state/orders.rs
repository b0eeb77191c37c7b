//! A deal's orders: by key, by offset, and as a queue of holds.
//!
//! Within a deal all holds last equally long and log time never falls, so holds run out in the
//! order of their offsets. The queue is the table itself with a mark at its oldest hold: no order
//! is ever held again, so the mark only moves on.

use schemas::{Digest, Offset, Timestamp};
use serde::{Deserialize, Serialize};

use super::order::{Order, Standing};
use crate::lookup::Table;

/// The orders, in the order of their offsets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Orders {
    table: Table<Order>,
    /// No order before this one is held; this one is, unless it is beyond the last.
    oldest_held: u32,
    /// When the newest hold runs out.
    latest_expiry: Timestamp,
}

/// The oldest hold of a deal: what tells holds apart by age, and the order's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) expires_at: Timestamp,
    pub(crate) offset: Offset,
    pub(crate) at: u32,
}

impl Orders {
    pub(crate) fn len(&self) -> u32 {
        self.table.len()
    }

    pub(crate) fn at(&self, at: u32) -> &Order {
        self.table.at(at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.table.iter()
    }

    /// The order that answers for `key`.
    pub(crate) fn under(&self, key: Digest) -> Option<&Order> {
        self.table.find(key.0)
    }

    /// The index of the order whose purchase stands at `offset`.
    pub(crate) fn position(&self, offset: Offset) -> Option<u32> {
        let at = self.table.partition_point(|order| order.offset < offset);
        (at < self.len() && self.at(at).offset == offset).then_some(at)
    }

    /// The first hold at or after the order `from`.
    pub(crate) fn hold_from(&self, from: u32) -> Option<Hold> {
        (from..self.len()).find_map(|at| {
            let order = self.at(at);
            order.hold().map(|expires_at| Hold { expires_at, offset: order.offset, at })
        })
    }

    /// The oldest hold.
    pub(crate) fn oldest_hold(&self) -> Option<Hold> {
        (self.oldest_held < self.len()).then(|| {
            let hold = self.hold_from(self.oldest_held);
            hold.expect("the mark stands at a hold or beyond the last order")
        })
    }

    /// Offsets of the first and the last order.
    pub(crate) fn span(&self) -> Option<(Offset, Offset)> {
        let last = self.len().checked_sub(1)?;
        Some((self.at(0).offset, self.at(last).offset))
    }

    /// Adds the newest order.
    pub(crate) fn push(&mut self, order: Order) {
        if let Some((_, last)) = self.span() {
            assert!(last < order.offset, "orders arrive in the order of their offsets (I3)");
        }
        if let Some(expires_at) = order.hold() {
            assert!(self.latest_expiry <= expires_at, "holds run out in the order they began");
            self.latest_expiry = expires_at;
        }
        self.table.push(order).expect("a bound key is answered by its first order (I5)");
        self.advance();
    }

    /// Moves an order's status.
    pub(crate) fn stand(&mut self, at: u32, standing: Standing) {
        self.table.at_mut(at).stand(standing);
        self.advance();
    }

    fn advance(&mut self) {
        while self.oldest_held < self.len() && self.at(self.oldest_held).hold().is_none() {
            self.oldest_held += 1;
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.table.heap_bytes()
    }

    /// Whether these orders, read from a snapshot, can have come about.
    pub(super) fn verify(&self) -> Result<(), &'static str> {
        let mut last: Option<&Order> = None;
        let mut newest_hold = Timestamp::from_millis(i64::MIN);
        for order in self.iter() {
            if last.is_some_and(|last| last.offset >= order.offset) {
                return Err("orders are not sorted by offset");
            }
            if let Some(expires_at) = order.hold() {
                if expires_at < newest_hold || expires_at > self.latest_expiry {
                    return Err("holds are not sorted by age");
                }
                newest_hold = expires_at;
            }
            last = Some(order);
        }
        let first_hold = self.hold_from(0).map_or(self.len(), |hold| hold.at);
        if first_hold == self.oldest_held { Ok(()) } else { Err("the oldest hold is another") }
    }
}
