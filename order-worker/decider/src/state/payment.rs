//! What is remembered of payments. They outlive their orders and deals: a notice that is sent again
//! after a deal has retired must not start a refund of a paid order.

use schemas::{Currency, Digest, Money, Offset};
use serde::{Deserialize, Serialize};

use crate::lookup::{Keyed, Table};

/// What became of a payment. It only moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PaymentStatus {
    /// It did not go through, so far.
    Failed,
    /// It made an order final.
    Paid,
    /// It must go back.
    RefundDue,
    /// It went back.
    Refunded,
}

/// A payment, 40 bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Payment {
    digest: [u8; 16],
    pub(crate) order: Offset,
    amount: i64,
    currency: Currency,
    pub(crate) status: PaymentStatus,
}

const _: () = assert!(size_of::<Payment>() == 40);

impl Payment {
    pub(crate) fn digest(&self) -> Digest {
        Digest(u128::from_be_bytes(self.digest))
    }

    pub(crate) fn money(&self) -> Money {
        Money { amount: self.amount, currency: self.currency }
    }
}

impl Keyed for Payment {
    fn key(&self) -> u128 {
        u128::from_be_bytes(self.digest)
    }
}

impl Table<Payment> {
    /// Remembers what became of a payment, and says its index.
    pub(super) fn record(&mut self, notice: Notice, status: PaymentStatus) -> u32 {
        let Notice { order, payment, money: Money { amount, currency } } = notice;
        if let Some(at) = self.position(payment.0) {
            let known = self.at_mut(at);
            assert_eq!((known.order, known.money()), (order, notice.money), "one payment_id");
            assert!(known.status < status, "a payment never steps back");
            known.status = status;
            return at;
        }
        let digest = payment.0.to_be_bytes();
        let new = Payment { digest, order, amount, currency, status };
        self.push(new).expect("the payment was just not there")
    }
}

/// The part that all events about payments share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice {
    pub(super) order: Offset,
    pub(super) payment: Digest,
    pub(super) money: Money,
}
