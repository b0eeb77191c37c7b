//! Events: facts, in the past tense. A reader that folds them needs nothing else.
//!
//! `stock_left` and `held` are the deal's counters after the event, so a fold never has to add.
//! `order` is the offset of the order's purchase in the partition of the decision; the four
//! outcomes of a purchase leave it out, because it is the offset that the decision answers.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::value::RawValue;

use super::canonical::{Field, Rest, Value, fields, head};
use super::{DealTerms, RefusalCode, fields};
use crate::id::{ClientReference, ReasonCode};
use crate::{
    CustomerId, DealId, DealKey, Digest, Fingerprint, Money, Offset, ProductId, Timestamp,
};

macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $name:ident = $kind:literal {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty, )*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
            pub struct $name {
                $( $(#[$field_doc])* pub $field: $type, )*
            }

            fields!($name { $("," $field),* });
        )*

        /// An event of any type.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $( $(#[$doc])* $name($name), )*
        }

        impl Event {
            /// Every type, as it is written.
            pub const TYPES: &'static [&'static str] = &[$($kind),*];

            /// The type, as it is written.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$name(_) => $kind, )* }
            }

            fn parse_as(kind: &str, text: &str) -> Result<Self, EventFault> {
                match kind {
                    $( $kind => Ok(Self::$name(fields::read(text)?)), )*
                    _ => Err(EventFault::Newer(kind.into())),
                }
            }

            /// Schemas without the tag, by type.
            pub(super) fn schemas() -> Vec<(&'static str, schemars::Schema)> {
                vec![$( ($kind, super::schema::of::<$name>()) ),*]
            }
        }

        impl Value for Event {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $( Self::$name(body) => {
                        body.write_field(concat!(r#"{"type":""#, $kind, '"'), out);
                    } )*
                }
            }

            fn read(rest: &mut Rest<'_>) -> Option<Self> {
                rest.skip(r#"{"type":"#)?;
                match rest.string()? {
                    $( $kind => Value::read(rest).map(Self::$name), )*
                    _ => None,
                }
            }
        }
    };
}

events! {
    /// A deal was created, or replaced before it opened. Starts its counters anew.
    DealAnnounced = "deal_announced" {
        /// The deal's id, derived from product and key.
        deal_id: DealId,
        /// The product.
        product_id: ProductId,
        /// The deal within the product.
        deal_key: DealKey,
        /// What it offers.
        terms: Box<DealTerms>,
    }
    /// Units were added or taken away.
    StockAdjusted = "stock_adjusted" {
        /// Which deal.
        deal_id: DealId,
        /// The key that this adjustment answers for.
        key: Digest,
        /// Hash of delta and reason.
        fingerprint: Fingerprint,
        /// Units added.
        delta: i64,
        /// Why.
        reason_code: ReasonCode,
        /// Units left for sale.
        stock_left: u64,
    }
    /// A deal takes no purchases until resumed.
    DealPaused = "deal_paused" {
        /// Which deal.
        deal_id: DealId,
    }
    /// A deal takes purchases again.
    DealResumed = "deal_resumed" {
        /// Which deal.
        deal_id: DealId,
    }
    /// Opening or closing was moved.
    DealRescheduled = "deal_rescheduled" {
        /// Which deal.
        deal_id: DealId,
        /// Opening from now on.
        opens_at: Timestamp,
        /// Closing from now on.
        closes_at: Timestamp,
    }
    /// A deal takes no purchases ever again.
    DealClosed = "deal_closed" {
        /// Which deal.
        deal_id: DealId,
    }
    /// A deal's keys, counters and orders are forgotten by the decider.
    DealRetired = "deal_retired" {
        /// Which deal.
        deal_id: DealId,
    }
    /// A purchase set stock aside until it is paid.
    OrderHeld = "order_held" {
        /// Which deal.
        deal_id: DealId,
        /// Whose order.
        customer: CustomerId,
        /// The key that this order answers for.
        key: Digest,
        /// Hash of the request's body.
        fingerprint: Fingerprint,
        /// Units held.
        quantity: u32,
        /// Price of one unit.
        unit_price: Money,
        /// Number of the ticket key of the order's id.
        ticket_key: u16,
        /// When the gateway received the purchase.
        purchased_at: Timestamp,
        /// The client's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_reference: Option<ClientReference>,
        /// When the hold runs out.
        expires_at: Timestamp,
        /// Units left for sale.
        stock_left: u64,
        /// Units held.
        held: u64,
    }
    /// A purchase took stock for good.
    OrderConfirmed = "order_confirmed" {
        /// Which deal.
        deal_id: DealId,
        /// Whose order.
        customer: CustomerId,
        /// The key that this order answers for.
        key: Digest,
        /// Hash of the request's body.
        fingerprint: Fingerprint,
        /// Units sold.
        quantity: u32,
        /// Price of one unit.
        unit_price: Money,
        /// Number of the ticket key of the order's id.
        ticket_key: u16,
        /// When the gateway received the purchase.
        purchased_at: Timestamp,
        /// The client's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_reference: Option<ClientReference>,
        /// Units left for sale.
        stock_left: u64,
        /// Units held.
        held: u64,
    }
    /// A purchase was refused.
    OrderRejected = "order_rejected" {
        /// Which deal.
        deal_id: DealId,
        /// Whose order.
        customer: CustomerId,
        /// The key of the request.
        key: Digest,
        /// Hash of the request's body.
        fingerprint: Fingerprint,
        /// Units asked for.
        quantity: u32,
        /// Price of one unit; none if there is no such deal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit_price: Option<Money>,
        /// Number of the ticket key of the order's id.
        ticket_key: u16,
        /// When the gateway received the purchase.
        purchased_at: Timestamp,
        /// The client's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_reference: Option<ClientReference>,
        /// Why.
        code: RefusalCode,
        /// Whether another purchase may succeed later.
        retryable: bool,
    }
    /// A purchase came again under a key that is bound: the first order answers for it.
    OrderRepeated = "order_repeated" {
        /// Which deal.
        deal_id: DealId,
        /// Whose order.
        customer: CustomerId,
        /// Offset of the first order's purchase.
        first: Offset,
    }
    /// A payment made an order final: one that was held, or expired and found stock again.
    OrderPaid = "order_paid" {
        /// Which deal.
        deal_id: DealId,
        /// Which order.
        order: Offset,
        /// The payment id, hashed.
        payment: Digest,
        /// How much.
        money: Money,
        /// Units left for sale.
        stock_left: u64,
        /// Units held.
        held: u64,
    }
    /// A hold ran out; its units are for sale again.
    OrderExpired = "order_expired" {
        /// Which deal.
        deal_id: DealId,
        /// Which order.
        order: Offset,
        /// Units left for sale.
        stock_left: u64,
        /// Units held.
        held: u64,
    }
    /// An order was given up; its units are back.
    OrderCancelled = "order_cancelled" {
        /// Which deal.
        deal_id: DealId,
        /// Which order.
        order: Offset,
        /// Units left for sale.
        stock_left: u64,
        /// Units held.
        held: u64,
    }
    /// A payment for a held order did not go through; the order stays held.
    PaymentFailed = "payment_failed" {
        /// Which order.
        order: Offset,
        /// The payment id, hashed.
        payment: Digest,
        /// How much.
        money: Money,
    }
    /// A payment was of the wrong amount or currency; a refund is due for it.
    PaymentMismatch = "payment_mismatch" {
        /// Which order.
        order: Offset,
        /// The payment id, hashed.
        payment: Digest,
        /// How much was paid.
        money: Money,
        /// How much was due.
        expected: Money,
    }
    /// Money must go back.
    RefundDue = "refund_due" {
        /// Which order the payment named.
        order: Offset,
        /// The payment id, hashed.
        payment: Digest,
        /// How much.
        money: Money,
    }
    /// Money went back.
    RefundSettled = "refund_settled" {
        /// Which order the payment named.
        order: Offset,
        /// The payment id, hashed.
        payment: Digest,
        /// How much.
        money: Money,
    }
    /// A command other than a purchase was refused.
    CommandRefused = "command_refused" {
        /// Why.
        code: RefusalCode,
    }
    /// A command came again under its key: the first one answers for it.
    CommandRepeated = "command_repeated" {
        /// Offset of the first command.
        first: Offset,
    }
    /// The command's bytes are broken for every version.
    Unreadable = "unreadable" {}
}

/// Why an event was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventFault {
    /// A newer writer's type.
    #[error("newer event type {0:?}")]
    Newer(Box<str>),
    /// Broken for every version.
    #[error(transparent)]
    Broken(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
}

impl Event {
    /// Reads one event, whatever its form.
    pub(super) fn parse(text: &str) -> Result<Self, EventFault> {
        Self::parse_as(&fields::read::<Kind<'_>>(text)?.kind, text)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(<&RawValue>::deserialize(deserializer)?.get()).map_err(D::Error::custom)
    }
}
