//! A deal's three counters. Units only move between them, so their sum changes by adjustments alone
//! (I1).

use serde::{Deserialize, Serialize};

/// Where a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pot {
    Left,
    Held,
    Confirmed,
}

/// Units by where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) stock_left: u64,
    pub(crate) held: u64,
    pub(crate) confirmed: u64,
}

impl Counters {
    /// The counters after `quantity` units went from one pot to another.
    ///
    /// # Panics
    /// If there are not so many: whoever asks has checked.
    pub(crate) fn moved(mut self, from: Pot, to: Pot, quantity: u16) -> Self {
        let units = u64::from(quantity);
        let source = self.pot(from);
        *source = source.checked_sub(units).expect("I1: no more units move than there are");
        *self.pot(to) += units;
        self
    }

    /// All units, wherever they are; `None` beyond any possible stock.
    pub(crate) fn total(self) -> Option<u64> {
        self.stock_left.checked_add(self.held)?.checked_add(self.confirmed)
    }

    fn pot(&mut self, pot: Pot) -> &mut u64 {
        match pot {
            Pot::Left => &mut self.stock_left,
            Pot::Held => &mut self.held,
            Pot::Confirmed => &mut self.confirmed,
        }
    }
}
