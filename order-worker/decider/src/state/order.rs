//! What is remembered of one order: 48 bytes, a million times over, so its parts are packed.

use schemas::{Fingerprint, Offset, Timestamp};
use serde::{Deserialize, Serialize};

use super::counters::Pot;
use crate::lookup::Keyed;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Refused, and its key answers for that.
    Rejected,
    /// Waiting for its payment.
    Held { expires_at: Timestamp },
    /// Confirmed at once, without a payment.
    Confirmed,
    /// Confirmed by a payment, named by its index in the table of payments.
    Paid { payment: u32 },
    /// Not paid in time.
    Expired,
    /// Given up.
    Cancelled,
}

impl Standing {
    /// Where the order's units are.
    pub(crate) fn pot(self) -> Pot {
        match self {
            Self::Held { .. } => Pot::Held,
            Self::Confirmed | Self::Paid { .. } => Pot::Confirmed,
            Self::Rejected | Self::Expired | Self::Cancelled => Pot::Left,
        }
    }

    /// Whether a status may move so (I9).
    pub(crate) fn may_become(self, next: Self) -> bool {
        match self {
            Self::Held { .. } => {
                matches!(next, Self::Paid { .. } | Self::Expired | Self::Cancelled)
            }
            Self::Confirmed | Self::Paid { .. } => next == Self::Cancelled,
            Self::Expired => matches!(next, Self::Paid { .. }),
            Self::Rejected | Self::Cancelled => false,
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Tag {
    Rejected,
    Held,
    Confirmed,
    Paid,
    Expired,
    Cancelled,
}

/// One purchase whose key is bound, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    key: u128,
    pub(crate) fingerprint: Fingerprint64,
    pub(crate) offset: Offset,
    /// When a hold runs out in milliseconds, or the index of the payment; else 0.
    detail: i64,
    /// Index in the deal's table of customers.
    pub(crate) customer: u32,
    /// Units taken; 0 if rejected.
    pub(crate) quantity: u16,
    tag: Tag,
}

const _: () = assert!(size_of::<Order>() == 48);

/// A fingerprint as a number in the snapshot, where its text would be thrice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fingerprint64(u64);

impl From<Fingerprint> for Fingerprint64 {
    fn from(Fingerprint(number): Fingerprint) -> Self {
        Self(number)
    }
}

/// What a purchase brings into its order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) key: schemas::Digest,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) offset: Offset,
    pub(crate) quantity: u16,
}

impl Order {
    pub(crate) fn new(binding: Binding, customer: u32, standing: Standing) -> Self {
        let Binding { key, fingerprint, offset, quantity } = binding;
        let tag = Tag::Rejected;
        let fingerprint = fingerprint.into();
        let mut order =
            Self { key: key.0, fingerprint, offset, detail: 0, customer, quantity, tag };
        order.stand(standing);
        order
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.tag {
            Tag::Rejected => Standing::Rejected,
            Tag::Held => Standing::Held { expires_at: Timestamp::from_millis(self.detail) },
            Tag::Confirmed => Standing::Confirmed,
            Tag::Paid => Standing::Paid { payment: u32::try_from(self.detail).unwrap_or(u32::MAX) },
            Tag::Expired => Standing::Expired,
            Tag::Cancelled => Standing::Cancelled,
        }
    }

    pub(crate) fn stand(&mut self, standing: Standing) {
        (self.tag, self.detail) = match standing {
            Standing::Rejected => (Tag::Rejected, 0),
            Standing::Held { expires_at } => (Tag::Held, expires_at.as_millis()),
            Standing::Confirmed => (Tag::Confirmed, 0),
            Standing::Paid { payment } => (Tag::Paid, i64::from(payment)),
            Standing::Expired => (Tag::Expired, 0),
            Standing::Cancelled => (Tag::Cancelled, 0),
        };
    }

    /// When the order's hold runs out, if it is held.
    pub(crate) fn hold(&self) -> Option<Timestamp> {
        match self.standing() {
            Standing::Held { expires_at } => Some(expires_at),
            Standing::Rejected
            | Standing::Confirmed
            | Standing::Paid { .. }
            | Standing::Expired
            | Standing::Cancelled => None,
        }
    }
}

impl Keyed for Order {
    fn key(&self) -> u128 {
        self.key
    }
}
