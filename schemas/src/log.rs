//! Records of the commands log and the decisions log: JSON, one object each, `v` and `type` first.
//!
//! Bytes on a topic are for ever: field order and number formats are fixed by golden files.
//! Evolution is additive. A field that an older reader may ignore is simply added; whatever changes
//! a decision gets a new type or a new `v` and waits until an owner record names the new rules.

mod canonical;
mod command;
mod control;
mod decision;
mod event;
mod fields;
mod record;
mod refusal;
pub mod schema;
mod tagged;

pub use command::{
    AdjustStock, Admission, AnnounceDeal, CancelOrder, CloseDeal, Command, DealTerms, ExpireHolds,
    PauseDeal, PaymentResult, PlacePurchase, Product, RecordPayment, RescheduleDeal, ResumeDeal,
    RetireDeal,
};
pub use control::{FilterState, Genesis, Owner};
pub use decision::Decision;
pub use event::{
    CommandRefused, CommandRepeated, DealAnnounced, DealClosed, DealPaused, DealRescheduled,
    DealResumed, DealRetired, Event, OrderCancelled, OrderConfirmed, OrderExpired, OrderHeld,
    OrderPaid, OrderRejected, OrderRepeated, PaymentFailed, PaymentMismatch, RefundDue,
    RefundSettled, StockAdjusted, Unreadable,
};
pub use record::{
    CommandsRecord, DecisionsRecord, HEADER_CLAIM, HEADER_EPOCH, HEADER_TRACEPARENT,
    decode_command, decode_decisions_record,
};
pub use refusal::RefusalCode;
pub use tagged::DecodeFault;

/// The format version that this build writes and the highest that it reads.
pub const VERSION: u32 = 1;

/// The highest rule set that this build can decide by.
pub const RULES: u32 = 1;
