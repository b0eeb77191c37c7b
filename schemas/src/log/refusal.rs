//! Why a command was refused. Refusals are facts: they stand in the log and answer for ever.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The code of a refusal; the same text as the problem code in HTTP, where there is one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the codes are explained where problems are listed")]
pub enum RefusalCode {
    IdempotencyKeyReused,
    DealNotFound,
    DealRetired,
    DealNotOpen,
    DealPaused,
    DealClosed,
    OutOfRange,
    LimitExceeded,
    SoldOut,
    InsufficientStock,
    OrderNotFound,
    OrderNotCancellable,
    DealAlreadyOpen,
    StockBelowCommitted,
    PaymentIdReused,
    Unreadable,
}

impl RefusalCode {
    /// Every code.
    pub const ALL: [Self; 16] = [
        Self::IdempotencyKeyReused,
        Self::DealNotFound,
        Self::DealRetired,
        Self::DealNotOpen,
        Self::DealPaused,
        Self::DealClosed,
        Self::OutOfRange,
        Self::LimitExceeded,
        Self::SoldOut,
        Self::InsufficientStock,
        Self::OrderNotFound,
        Self::OrderNotCancellable,
        Self::DealAlreadyOpen,
        Self::StockBelowCommitted,
        Self::PaymentIdReused,
        Self::Unreadable,
    ];

    /// The code as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::DealNotFound => "deal-not-found",
            Self::DealRetired => "deal-retired",
            Self::DealNotOpen => "deal-not-open",
            Self::DealPaused => "deal-paused",
            Self::DealClosed => "deal-closed",
            Self::OutOfRange => "out-of-range",
            Self::LimitExceeded => "limit-exceeded",
            Self::SoldOut => "sold-out",
            Self::InsufficientStock => "insufficient-stock",
            Self::OrderNotFound => "order-not-found",
            Self::OrderNotCancellable => "order-not-cancellable",
            Self::DealAlreadyOpen => "deal-already-open",
            Self::StockBelowCommitted => "stock-below-committed",
            Self::PaymentIdReused => "payment-id-reused",
            Self::Unreadable => "unreadable",
        }
    }

    /// The code written as `text`, as stored in the read model.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl std::fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
