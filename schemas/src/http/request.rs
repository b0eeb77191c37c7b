//! Bodies of requests. Unknown fields are refused. Ranges are checked by the gateway, which names
//! the field; here numbers are as wide as JSON makes them, so that -1 is a range fault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::strict;
use crate::id::{ClientReference, ReasonCode};
use crate::limits::{
    HOLD_SECONDS_MAX, LIMIT_PER_CUSTOMER_MAX, PAYMENT_ID_BYTES_MAX, STOCK_MAX, TITLE_CHARS_MAX,
};
use crate::log::{PaymentResult, Product};
use crate::object::objects;
use crate::time::rfc3339;
use crate::{DealId, Money, Timestamp};

/// The bounds of an adjustment either way.
const STOCK_DELTA_MAX: i64 = STOCK_MAX.cast_signed();

/// Text without control characters other than line feeds, as a pattern.
pub(super) const TEXT: &str = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$";
/// Something, `@`, something, and no white space.
const EMAIL: &str = r"^[^\s\u0000-\u001f\u007f-\u009f]+@[^\s\u0000-\u001f\u007f-\u009f]+$";

/// `POST /v1/purchases`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PurchaseRequest {
    /// Which deal.
    pub deal_id: DealId,
    /// How many units, 1 to the deal's `limit_per_customer`.
    #[schemars(range(min = 1, max = LIMIT_PER_CUSTOMER_MAX))]
    pub quantity: i64,
    /// The client's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_reference: Option<ClientReference>,
}

/// `PUT /v1/admin/products/{product_id}/deals/{deal_key}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct DealRequest {
    /// What is sold.
    #[serde(deserialize_with = "strict::product")]
    #[schemars(with = "strict::StrictProduct")]
    pub product: Product,
    /// Title of the deal.
    #[schemars(length(min = 1, max = TITLE_CHARS_MAX), extend("pattern" = TEXT))]
    pub title: Box<str>,
    /// Price of one unit.
    #[serde(deserialize_with = "strict::money")]
    #[schemars(with = "strict::StrictMoney")]
    pub price: Money,
    /// Units for sale.
    #[schemars(range(min = 0, max = STOCK_MAX))]
    pub stock: i64,
    /// Most units that one customer may hold or own.
    #[schemars(range(min = 1, max = LIMIT_PER_CUSTOMER_MAX))]
    pub limit_per_customer: i64,
    /// Opening; in the past: open at once.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub opens_at: Timestamp,
    /// Closing; after the opening.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub closes_at: Timestamp,
    /// How long an order is held for its payment; 0: confirmed at once.
    #[schemars(range(min = 0, max = HOLD_SECONDS_MAX))]
    pub hold_seconds: i64,
}

/// `POST /v1/admin/deals/{deal_id}/stock-adjustments`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct StockAdjustmentRequest {
    /// Units to add; negative to take away; not 0.
    #[schemars(range(min = -STOCK_DELTA_MAX, max = STOCK_DELTA_MAX))]
    #[schemars(extend("not" = { "const": 0 }))]
    pub delta: i64,
    /// Why.
    pub reason_code: ReasonCode,
}

/// `POST /v1/admin/deals/{deal_id}/schedule`: at least one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(extend("minProperties" = 1))]
pub struct ScheduleRequest {
    /// New opening.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub opens_at: Option<Timestamp>,
    /// New closing.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub closes_at: Option<Timestamp>,
}

/// `POST /v1/webhooks/payments`, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PaymentNotice {
    /// The provider's id of the payment: 1 to 128 visible ASCII characters.
    #[schemars(length(min = 1, max = PAYMENT_ID_BYTES_MAX), extend("pattern" = "^[!-~]+$"))]
    pub payment_id: Box<str>,
    /// Which order.
    pub order_id: uuid::Uuid,
    /// What became of it.
    pub result: PaymentResult,
    /// Minor units, not negative.
    #[schemars(range(min = 0))]
    pub amount: i64,
    /// Of what.
    pub currency: crate::Currency,
}

/// `POST /v1/accounts`
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AccountRequest {
    /// 3 to 254 characters with an `@`.
    #[schemars(length(min = 3, max = 254), extend("pattern" = EMAIL))]
    pub email: Box<str>,
    /// 10 to 128 characters.
    #[schemars(length(min = 10, max = 128))]
    pub password: Box<str>,
    /// 1 to 100 characters.
    #[schemars(length(min = 1, max = 100), extend("pattern" = TEXT))]
    pub name: Box<str>,
}

/// `POST /v1/sessions`
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SessionRequest {
    /// As registered; case does not matter.
    #[schemars(length(max = 254))]
    pub email: Box<str>,
    /// As registered.
    #[schemars(length(max = 128))]
    pub password: Box<str>,
}

objects!(
    PurchaseRequest,
    DealRequest,
    StockAdjustmentRequest,
    ScheduleRequest,
    PaymentNotice,
    AccountRequest,
    SessionRequest,
);

impl std::fmt::Debug for AccountRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountRequest { redacted }")
    }
}

impl std::fmt::Debug for SessionRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionRequest { redacted }")
    }
}
