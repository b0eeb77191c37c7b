//! The one table of problems: code, HTTP status, title, and whether trying again can help.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::log::RefusalCode;

/// A fault of one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldFault {
    /// JSON pointer to the field (`/quantity`), or the name of a header or query parameter.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// The body of every refusal: `application/problem+json`, RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `/problems/{code}`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The same for every occurrence of the code.
    pub title: Cow<'static, str>,
    /// HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: Cow<'static, str>,
    /// The code; stable, for programs.
    pub code: ProblemCode,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Which fields are at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldFault>>,
    /// For refusals from the gateway's view: the age of what it knew, as RFC 3339.
    #[serde(default, with = "crate::time::rfc3339::option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub as_of: Option<crate::Timestamp>,
    /// Where more is known than `Retry-After` can say, which is whole seconds and at least one: in
    /// how many milliseconds to come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

impl Problem {
    /// A problem of this code that happened like this.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: code.kind().into(),
            title: code.title().into(),
            status: code.status(),
            detail: detail.into(),
            code,
            retryable: code.retryable(),
            errors: None,
            as_of: None,
            retry_after_ms: None,
        }
    }

    /// A problem with one field.
    #[must_use]
    pub fn with_field(
        code: ProblemCode,
        pointer: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let whole = format!("{pointer}: {detail}");
        Self { errors: Some(vec![FieldFault { pointer, detail }]), ..Self::new(code, whole) }
    }
}

macro_rules! problems {
    ($( $name:ident = $code:literal, $status:literal, $retryable:literal, $title:literal; )*) => {
        /// The code of a problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize, JsonSchema)]
        pub enum ProblemCode {
            $( #[doc = $title] #[serde(rename = $code)] $name, )*
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $code, )* }
            }

            /// The type of its problems.
            #[must_use]
            pub const fn kind(self) -> &'static str {
                match self { $( Self::$name => concat!("/problems/", $code), )* }
            }

            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $( Self::$name => $status, )* }
            }

            /// Whether the same request may succeed later, as a rule.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $( Self::$name => $retryable, )* }
            }

            /// The same words for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $( Self::$name => $title, )* }
            }
        }
    };
}

problems! {
    Malformed = "malformed", 400, false, "The request is not what this operation takes";
    IdempotencyKeyMissing = "idempotency-key-missing", 400, false,
        "The Idempotency-Key header is missing";
    IdempotencyKeyInvalid = "idempotency-key-invalid", 400, false,
        "The Idempotency-Key is not 1 to 255 visible ASCII characters";
    Unauthenticated = "unauthenticated", 401, false, "A valid bearer token is needed";
    SignatureInvalid = "signature-invalid", 401, false, "The signature does not fit the body";
    SignatureStale = "signature-stale", 401, false, "The signature is too old";
    CredentialsInvalid = "credentials-invalid", 401, false, "E-mail or password is wrong";
    Forbidden = "forbidden", 403, false, "The token does not allow this";
    NotFound = "not-found", 404, false, "There is nothing here";
    DealNotFound = "deal-not-found", 404, false, "There is no such deal";
    OrderNotFound = "order-not-found", 404, false, "There is no such order";
    MethodNotAllowed = "method-not-allowed", 405, false, "This resource has no such method";
    RequestTimeout = "request-timeout", 408, true, "The request did not arrive in time";
    DealNotOpen = "deal-not-open", 409, true, "The deal is not open yet";
    DealPaused = "deal-paused", 409, true, "The deal is paused";
    DealClosed = "deal-closed", 409, false, "The deal is closed";
    DealRetired = "deal-retired", 409, false, "The deal is over and archived";
    DealAlreadyOpen = "deal-already-open", 409, false, "The deal has opened and cannot be replaced";
    SoldOut = "sold-out", 409, false, "Nothing is left";
    InsufficientStock = "insufficient-stock", 409, true, "Fewer units are left than were asked for";
    LimitExceeded = "limit-exceeded", 409, false, "The limit per customer is reached";
    OrderNotCancellable = "order-not-cancellable", 409, false, "The order cannot be cancelled";
    StockBelowCommitted = "stock-below-committed", 409, false,
        "Stock cannot be lowered below what is held and sold";
    PaymentIdReused = "payment-id-reused", 409, false, "The payment id belongs to another payment";
    EmailTaken = "email-taken", 409, false, "The e-mail address has an account";
    BodyTooLarge = "body-too-large", 413, false, "The body is too large";
    UnsupportedMediaType = "unsupported-media-type", 415, false,
        "The body is not plain application/json";
    OutOfRange = "out-of-range", 422, false, "A value is out of range";
    IdempotencyKeyReused = "idempotency-key-reused", 422, false,
        "The Idempotency-Key was used for another request";
    RateLimited = "rate-limited", 429, true, "Too many requests";
    HeadersTooLarge = "headers-too-large", 431, false, "The headers are too large";
    Overloaded = "overloaded", 503, true, "Too many purchases are waiting";
    OutcomeUnknown = "outcome-unknown", 503, true,
        "Nobody knows whether the request was taken; repeat it with the same key";
    LogUnavailable = "log-unavailable", 503, true, "The log takes nothing now";
    ViewBehind = "view-behind", 503, true, "This gateway has not caught up";
    HistoryUnavailable = "history-unavailable", 503, true, "Older orders cannot be read now";
    NotReady = "not-ready", 503, true, "This gateway has just started";
}

impl From<RefusalCode> for ProblemCode {
    /// The problem with which a call answers that waited for its decision. The codes are the same,
    /// but for `unreadable`: of bytes in a log, not of a request, and no gateway writes such.
    fn from(code: RefusalCode) -> Self {
        match code {
            RefusalCode::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            RefusalCode::DealNotFound => Self::DealNotFound,
            RefusalCode::DealRetired => Self::DealRetired,
            RefusalCode::DealNotOpen => Self::DealNotOpen,
            RefusalCode::DealPaused => Self::DealPaused,
            RefusalCode::DealClosed => Self::DealClosed,
            RefusalCode::OutOfRange => Self::OutOfRange,
            RefusalCode::LimitExceeded => Self::LimitExceeded,
            RefusalCode::SoldOut => Self::SoldOut,
            RefusalCode::InsufficientStock => Self::InsufficientStock,
            RefusalCode::OrderNotFound => Self::OrderNotFound,
            RefusalCode::OrderNotCancellable => Self::OrderNotCancellable,
            RefusalCode::DealAlreadyOpen => Self::DealAlreadyOpen,
            RefusalCode::StockBelowCommitted => Self::StockBelowCommitted,
            RefusalCode::PaymentIdReused => Self::PaymentIdReused,
            RefusalCode::Unreadable => Self::Malformed,
        }
    }
}
