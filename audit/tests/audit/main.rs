//! Histories that keep the promises pass; every way to break one, planted into such a history,
//! fails the line of that promise.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod decisions;
mod embedded;
mod history;
mod logs;
// The decider's tests write the same commands.
#[path = "../../../order-worker/decider/tests/decider/orders.rs"]
mod orders;
mod payments;
mod properties;
mod read_models;
mod store;
mod told;
