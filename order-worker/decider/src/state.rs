//! The state of one partition: everything that later decisions can depend on, and nothing else.

mod agenda;
mod counters;
mod deal;
mod directory;
mod encoding;
mod evolution;
mod order;
mod orders;
mod payment;
mod summary;

use schemas::{DealId, Digest, Offset, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use counters::{Counters, Pot};
pub(crate) use deal::{Deal, announcement_digest};
pub(crate) use order::{Order, Standing};
pub(crate) use payment::Payment;

pub use encoding::StateFault;
pub use payment::PaymentStatus;
pub use summary::{Counts, DealSummary, OrderStatus, OrderSummary, PaymentSummary};

use crate::lookup::{Keyed, Table};
use agenda::Agenda;
use directory::Directory;

/// The fold of a partition's effective decisions. The default: nothing decided yet.
#[derive(Clone, Debug, Default)]
pub struct State {
    log_time: Timestamp,
    deals: Table<Slot>,
    payments: Table<Payment>,
    directory: Directory,
    agenda: Agenda,
}

/// Where a deal stands in the table of deals; empty when it has retired.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slot {
    id: DealId,
    deal: Option<Box<Deal>>,
}

impl Keyed for Slot {
    fn key(&self) -> u128 {
        self.id.0.as_u128()
    }
}

/// What a deal id leads to.
#[derive(Clone, Copy)]
pub(crate) enum Found<'a> {
    Nothing,
    Retired,
    Deal(&'a Deal),
}

impl State {
    /// Log time of the last decision; [`Timestamp::EPOCH`] before the first.
    #[must_use]
    pub fn log_time(&self) -> Timestamp {
        self.log_time
    }

    /// The oldest hold by (expires_at, offset): when it runs out, and the offset of its order.
    #[must_use]
    pub fn next_expiry(&self) -> Option<(Timestamp, Offset)> {
        self.agenda.holds().next().map(|(expires_at, offset, _)| (expires_at, offset))
    }

    /// The deal not retired yet that closes first, by its closes_at; being closed by command does
    /// not move that.
    #[must_use]
    pub fn next_retirement(&self) -> Option<(Timestamp, DealId)> {
        self.agenda.next_closing()
    }

    pub(crate) fn find(&self, deal_id: DealId) -> Found<'_> {
        match self.deals.find(deal_id.0.as_u128()).map(|slot| slot.deal.as_deref()) {
            None => Found::Nothing,
            Some(None) => Found::Retired,
            Some(Some(deal)) => Found::Deal(deal),
        }
    }

    /// The order whose purchase stands at `offset`, unless its deal has retired.
    pub(crate) fn find_order(&self, offset: Offset) -> Option<(DealId, &Deal, &Order)> {
        let (deal_id, deal) = self.deal_at(self.directory.find(offset)?)?;
        let at = deal.orders.position(offset)?;
        Some((deal_id, deal, deal.orders.at(at)))
    }

    pub(crate) fn payment(&self, payment: Digest) -> Option<&Payment> {
        self.payments.find(payment.0)
    }

    /// The payment with that index, which an order has kept.
    pub(crate) fn payment_at(&self, at: u32) -> &Payment {
        self.payments.at(at)
    }

    /// The oldest hold of each deal that has any, oldest first, with the deal's index.
    pub(crate) fn oldest_holds(&self) -> impl Iterator<Item = (Timestamp, Offset, u32)> {
        self.agenda.holds()
    }

    /// The deal with that index, unless it has retired.
    pub(crate) fn deal_at(&self, at: u32) -> Option<(DealId, &Deal)> {
        let slot = self.deals.at(at);
        slot.deal.as_deref().map(|deal| (slot.id, deal))
    }
}
