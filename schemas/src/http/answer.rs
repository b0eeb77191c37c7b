//! Bodies of answers. Times are RFC 3339, UTC, with milliseconds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::ClientReference;
use crate::log::Product;
use crate::time::rfc3339;
use crate::{CustomerId, DealId, DealKey, Digest, Money, ProductId, Timestamp};

/// How far an order has come. It only moves forward; `expired` to `confirmed` is the one way back.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// In the log, not decided yet.
    Queued,
    /// Refused; `rejection` says why.
    Rejected,
    /// Stock is set aside until `expires_at`.
    Held,
    /// Sold.
    Confirmed,
    /// The hold ran out.
    Expired,
    /// Given up.
    Cancelled,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Rejected, Self::Held, Self::Confirmed, Self::Expired, Self::Cancelled];

    /// The status as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Rejected => "rejected",
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status written as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether an order may go from this status to `next` (promise I9).
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Rejected | Self::Held | Self::Confirmed),
            Self::Held => matches!(next, Self::Confirmed | Self::Expired | Self::Cancelled),
            Self::Confirmed => matches!(next, Self::Cancelled),
            Self::Expired => matches!(next, Self::Confirmed),
            Self::Rejected | Self::Cancelled => false,
        }
    }
}

/// Why an order or a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejection {
    /// One of the problem codes, or `unreadable` for bytes in the log that are no command.
    pub code: crate::log::RefusalCode,
    /// A sentence for people.
    pub detail: Box<str>,
    /// Whether another purchase may succeed later.
    pub retryable: bool,
}

/// An order's place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// Commands of the same partition that will be decided before it; 0: it is next.
    pub ahead: u64,
    /// From the measured rate of decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_wait_ms: Option<u64>,
    /// When to ask again.
    pub poll_after_ms: u64,
}

/// The payment that made an order final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// First 128 bits of the hash of the provider's payment id.
    pub payment_hash: Digest,
    /// How much was paid.
    pub paid: Money,
}

/// Whether money that must go back has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// Some of it is still due.
    Due,
    /// All of it went back.
    Settled,
}

/// Money that must go back for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refund {
    /// How far it has come.
    pub status: RefundStatus,
    /// Sum of all refunds of this order, in minor units of the order's currency. A payment in
    /// another currency is not in this sum; the payment provider's notice has it.
    pub amount: i64,
}

/// An order as its customer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The queue ticket: made from log, partition, offset and a tag that cannot be guessed.
    pub order_id: Uuid,
    /// Which deal; none while queued, if the gateway does not hold the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<DealId>,
    /// Which product, if the deal is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// How far it has come.
    pub status: OrderStatus,
    /// Units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Price of one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// Price of all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// When the gateway received the purchase.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub purchased_at: Option<Timestamp>,
    /// Log time of the decision.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub decided_at: Option<Timestamp>,
    /// When the hold runs out, for an order that is or was held.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires_at: Option<Timestamp>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// Its place in the queue, while queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
    /// The payment that made it final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment>,
    /// Money that must go back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Refund>,
    /// The client's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_reference: Option<ClientReference>,
}

/// What a deal can do for a buyer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DealStatus {
    /// Opens later.
    Upcoming,
    /// Takes purchases.
    Open,
    /// Stopped for now.
    Paused,
    /// Open, with nothing left.
    SoldOut,
    /// Over.
    Closed,
}

impl DealStatus {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Upcoming, Self::Open, Self::Paused, Self::SoldOut, Self::Closed];

    /// The status as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Open => "open",
            Self::Paused => "paused",
            Self::SoldOut => "sold-out",
            Self::Closed => "closed",
        }
    }
}

/// A deal as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deal {
    /// Its id, the UUIDv5 of product and key.
    pub deal_id: DealId,
    /// Its product.
    pub product_id: ProductId,
    /// Its name within the product.
    pub deal_key: DealKey,
    /// What is sold.
    pub product: Product,
    /// Title of the deal.
    pub title: Box<str>,
    /// Price of one unit.
    pub price: Money,
    /// Units announced and adjusted.
    pub stock: u64,
    /// Most units that one customer may hold or own.
    pub limit_per_customer: u32,
    /// Opening.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub opens_at: Timestamp,
    /// Closing.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub closes_at: Timestamp,
    /// How long an order is held for its payment; 0: confirmed at once.
    pub hold_seconds: u32,
    /// What it can do for a buyer at `server_time`.
    pub status: DealStatus,
    /// Units left for sale.
    pub stock_left: u64,
    /// Units held.
    pub held: u64,
    /// Units sold.
    pub confirmed: u64,
    /// The gateway's clock when it answered.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub server_time: Timestamp,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Give this back as `cursor` for the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// The page is as of this instant.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub as_of: Timestamp,
}

/// How far a command has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandStatus {
    /// In the log, not decided yet.
    Queued,
    /// Done, or nothing was left to do.
    Accepted,
    /// Refused; `rejection` says why.
    Refused,
}

/// A command other than a purchase, as its sender sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandAnswer {
    /// Made like an order's id.
    pub command_id: Uuid,
    /// How far it has come.
    pub status: CommandStatus,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
}

/// An account that was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The customer.
    pub customer_id: CustomerId,
    /// As registered, in lower case.
    pub email: Box<str>,
    /// As registered.
    pub name: Box<str>,
}

/// A session that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// A JWT for the `Authorization` header.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: Box<str>,
    /// Seconds until it expires.
    pub expires_in: u64,
}
