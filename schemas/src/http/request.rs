//! Bodies of requests. Unknown fields are refused. Ranges are checked by the gateway, which names
//! the field; here numbers are as wide as JSON makes them, so that -1 is a range fault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::strict;
use crate::id::{ClientReference, ReasonCode};
use crate::log::{PaymentResult, Product};
use crate::object::objects;
use crate::time::rfc3339;
use crate::{DealId, Money, Timestamp};

/// `POST /v1/purchases`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PurchaseRequest {
    /// Which deal.
    pub deal_id: DealId,
    /// How many units, 1 to the deal's `limit_per_customer`.
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
    pub title: Box<str>,
    /// Price of one unit.
    #[serde(deserialize_with = "strict::money")]
    #[schemars(with = "strict::StrictMoney")]
    pub price: Money,
    /// Units for sale.
    pub stock: i64,
    /// Most units that one customer may hold or own.
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
    pub hold_seconds: i64,
}

/// `POST /v1/admin/deals/{deal_id}/stock-adjustments`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct StockAdjustmentRequest {
    /// Units to add; negative to take away; not 0.
    pub delta: i64,
    /// Why.
    pub reason_code: ReasonCode,
}

/// `POST /v1/admin/deals/{deal_id}/schedule`: at least one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
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
    pub payment_id: Box<str>,
    /// Which order.
    pub order_id: uuid::Uuid,
    /// What became of it.
    pub result: PaymentResult,
    /// Minor units, not negative.
    pub amount: i64,
    /// Of what.
    pub currency: crate::Currency,
}

/// `POST /v1/accounts`
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AccountRequest {
    /// 3 to 254 characters with an `@`.
    pub email: Box<str>,
    /// 10 to 128 characters.
    pub password: Box<str>,
    /// 1 to 100 characters.
    pub name: Box<str>,
}

/// `POST /v1/sessions`
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SessionRequest {
    /// As registered; case does not matter.
    pub email: Box<str>,
    /// As registered.
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
