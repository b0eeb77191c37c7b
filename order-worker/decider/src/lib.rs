//! What becomes of each command: [`decide`] says it, [`State::fold`] remembers it.
//!
//! Both are pure. A decision follows from the rule set's number, the state, the command, its offset
//! and its append time, and from nothing else: no clock, no randomness, no I/O, no floats, no order
//! of a hash map. So whoever decides again gets the same bytes (I4).
//!
//! `decide` is total: whatever stands in the log is answered, a refusal is an event. Folding never
//! judges again; it asserts that what it is told is possible (I1 after every event) and panics if
//! not, because a state that is wrong must not decide.
//!
//! A partition's state holds what later decisions can depend on: deals with their counters, the
//! orders under their keys, the customers' units, the payments. A decision about an order (cancel,
//! payment, repeat of its key) first expires that order's hold if its time has come; all other
//! holds wait for `expire_holds`.
//!
//! This crate must not know where records are stored, who owns a partition or how an order is
//! shown.

#![deny(clippy::float_arithmetic)]

mod lookup;
mod pages;
mod rules;
mod state;

pub use rules::{Context, Input, decide, is_known};
pub use state::{
    Counts, DealSummary, OrderStatus, OrderSummary, PaymentStatus, PaymentSummary, State,
    StateFault,
};
