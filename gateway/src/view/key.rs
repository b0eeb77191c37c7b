//! Keys of all orders of unretired deals that ever took a unit, so that a retry finds its first
//! order without a look-up, however long ago that was (promise I5). They leave with their deal.

use hashbrown::HashMap;
use schemas::{DealId, Digest, Fingerprint, Offset};

/// The order that a key is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Offset of the order's purchase.
    pub offset: Offset,
    /// Hash of that purchase's body.
    pub fingerprint: Fingerprint,
}

/// The tables, one for each deal, so that retiring a deal gives its memory back at once.
#[derive(Debug, Default)]
pub(super) struct Keys {
    deals: HashMap<DealId, HashMap<Digest, Bound>>,
}

impl Keys {
    /// Binds a key. Doing so again changes nothing: the first order keeps it.
    pub(super) fn bind(&mut self, deal_id: DealId, key: Digest, bound: Bound) {
        self.deals.entry(deal_id).or_default().entry(key).or_insert(bound);
    }

    pub(super) fn find(&self, deal_id: DealId, key: Digest) -> Option<Bound> {
        self.deals.get(&deal_id)?.get(&key).copied()
    }

    /// Forgets a deal's keys.
    pub(super) fn forget(&mut self, deal_id: DealId) {
        self.deals.remove(&deal_id);
    }
}
