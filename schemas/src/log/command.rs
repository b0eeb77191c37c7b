//! Commands: wishes, in the imperative. What a command does is the decider's; here is what it says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::canonical::{Field, Rest, Value, fields, head};
use super::tagged::{self, DecodeFault, Tag};
use crate::id::{ClientReference, ReasonCode};
use crate::{
    CustomerId, DealId, DealKey, Digest, Fingerprint, Money, Offset, ProductId, Timestamp,
};

/// What the gateway knew when it admitted a command: for analysts, never for decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Admission {
    /// Name of the gateway.
    pub gateway: Box<str>,
    /// Next command to decide, as the gateway's view had it.
    pub decided_next: Offset,
}

/// A product as the catalogue shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Product {
    /// 1 to [`crate::limits::TITLE_CHARS_MAX`] characters.
    pub name: Box<str>,
    /// At most [`crate::limits::DESCRIPTION_CHARS_MAX`] characters.
    pub description: Box<str>,
    /// `https` address of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<Box<str>>,
}

/// What a deal offers. The body of an announcement, in HTTP and in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct DealTerms {
    /// What is sold.
    pub product: Product,
    /// 1 to [`crate::limits::TITLE_CHARS_MAX`] characters.
    pub title: Box<str>,
    /// Price of one unit.
    pub price: Money,
    /// Units for sale.
    pub stock: u64,
    /// Most units that one customer may hold or own.
    pub limit_per_customer: u32,
    /// First instant at which a purchase is taken.
    pub opens_at: Timestamp,
    /// First instant at which none is taken any more.
    pub closes_at: Timestamp,
    /// How long an order is held for its payment; 0: confirmed at once.
    pub hold_seconds: u32,
}

/// What a payment provider says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentResult {
    /// It did not go through; it may still.
    Failed,
    /// The money is there.
    Succeeded,
    /// The money went back.
    Refunded,
}

impl PaymentResult {
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Failed, Self::Succeeded, Self::Refunded];

    /// The result as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::Refunded => "refunded",
        }
    }

    /// The result written as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == text)
    }
}

crate::object::objects!(Admission, Product, DealTerms);

macro_rules! commands {
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
                /// Number of the ticket key that the id of this command was made with.
                pub ticket_key: u16,
                /// When the gateway (or the owner) received it, by its own clock.
                pub received_at: Timestamp,
                /// Who asked: a customer, an operator, or nil for the owner itself.
                pub actor: Uuid,
                /// What the gateway knew.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub admission: Option<Admission>,
            }

            fields!($name {
                $( "," $field, )* "," ticket_key, "," received_at, "," actor, "," admission
            });
        )*

        /// A command of any type.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command {
            $( $(#[$doc])* $name(Box<$name>), )*
        }

        impl Command {
            /// Every type, as it is written.
            pub const TYPES: &'static [&'static str] = &[$($kind),*];

            /// The type, as it is written.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$name(_) => $kind, )* }
            }

            /// The bytes that stand in the log.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let mut out = Vec::with_capacity(512);
                match self {
                    $( Self::$name(body) => {
                        body.write_field(concat!(r#"{"v":1,"type":""#, $kind, '"'), &mut out);
                    } )*
                }
                out
            }

            /// Reads a command in its canonical form.
            pub(super) fn read(text: &str) -> Option<Self> {
                let mut rest = Rest::new(text);
                rest.skip(r#"{"v":1,"type":"#)?;
                let command = match rest.string()? {
                    $( $kind => Self::$name(Box::new(Value::read(&mut rest)?)), )*
                    _ => return None,
                };
                rest.is_empty().then_some(command)
            }

            /// Number of the ticket key that the id of this command was made with.
            #[must_use]
            pub fn ticket_key(&self) -> u16 {
                match self { $( Self::$name(body) => body.ticket_key, )* }
            }

            /// Who asked.
            #[must_use]
            pub fn actor(&self) -> Uuid {
                match self { $( Self::$name(body) => body.actor, )* }
            }

            /// Reads a command, whatever its form.
            pub(super) fn decode(text: &str, tag: Tag<'_>) -> Result<Self, DecodeFault> {
                match &*tag.kind {
                    $( $kind => Ok(Self::$name(Box::new(tagged::fields(text)?))), )*
                    _ => Err(tag.newer()),
                }
            }

            /// Schemas without the tag, by type.
            pub(super) fn schemas() -> Vec<(&'static str, schemars::Schema)> {
                vec![$( ($kind, super::schema::of::<$name>()) ),*]
            }
        }
    };
}

commands! {
    /// Create a deal, or replace it before it opens.
    AnnounceDeal = "announce_deal" {
        /// The product; its deal's address is this and `deal_key`.
        product_id: ProductId,
        /// The deal within the product.
        deal_key: DealKey,
        /// What it offers.
        terms: Box<DealTerms>,
    }
    /// Add units to a deal, or take some away.
    AdjustStock = "adjust_stock" {
        /// Which deal.
        deal_id: DealId,
        /// The request's Idempotency-Key, hashed with the actor.
        key: Digest,
        /// Hash of delta and reason.
        fingerprint: Fingerprint,
        /// Units to add; negative to take away.
        delta: i64,
        /// Why.
        reason_code: ReasonCode,
    }
    /// Take no purchases until resumed.
    PauseDeal = "pause_deal" {
        /// Which deal.
        deal_id: DealId,
    }
    /// Take purchases again.
    ResumeDeal = "resume_deal" {
        /// Which deal.
        deal_id: DealId,
    }
    /// Move opening or closing.
    RescheduleDeal = "reschedule_deal" {
        /// Which deal.
        deal_id: DealId,
        /// New opening; none: as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens_at: Option<Timestamp>,
        /// New closing; none: as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closes_at: Option<Timestamp>,
    }
    /// Take no purchases ever again; holds may still be paid.
    CloseDeal = "close_deal" {
        /// Which deal.
        deal_id: DealId,
    }
    /// Forget a deal that has been closed for long.
    RetireDeal = "retire_deal" {
        /// Which deal.
        deal_id: DealId,
        /// When it closed, as the sender knew it; nothing happens if that has changed.
        closes_at: Timestamp,
    }
    /// Buy.
    PlacePurchase = "place_purchase" {
        /// Which deal.
        deal_id: DealId,
        /// Who buys.
        customer: CustomerId,
        /// The request's Idempotency-Key, hashed with the customer.
        key: Digest,
        /// Hash of the request's body.
        fingerprint: Fingerprint,
        /// How many units, all or nothing.
        quantity: u32,
        /// The client's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_reference: Option<ClientReference>,
    }
    /// Give an order up.
    CancelOrder = "cancel_order" {
        /// Offset of the order's purchase in this partition.
        order: Offset,
        /// Whose order it must be.
        customer: CustomerId,
    }
    /// Take note of what a payment provider says.
    RecordPayment = "record_payment" {
        /// Offset of the order's purchase in this partition.
        order: Offset,
        /// The payment id, hashed.
        payment: Digest,
        /// What became of it.
        result: PaymentResult,
        /// How much.
        money: Money,
    }
    /// Expire the oldest holds that are due.
    ExpireHolds = "expire_holds" {}
}
