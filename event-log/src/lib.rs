//! The log contract and its backends. A log is named, has a fixed number of partitions, and keeps
//! bytes in order: no transactions, no groups, no meaning.
//!
//! [`EmbeddedLogs`] keeps the three logs of a node in one SQLite file and needs no server.
//! [`SimulatedLog`] keeps one log in memory, with faults on request. Neither needs a runtime: their
//! futures work under any executor.
//!
//! This crate must not know what a record says; it may only know what a record weighs.

mod assignment;
mod contract;
mod embedded;
pub mod kafka;
mod partitioner;
mod simulated;
mod tail;
mod weight;

use std::sync::Arc;

pub use assignment::{Assignment, Assignments};
pub use contract::{
    AppendError, Appended, Batch, Headers, Log, ReadError, ReadLimits, Receipt, Record, Stored,
    headers,
};
pub use embedded::{EmbeddedLogs, OpenError, Options};
pub use partitioner::partition_of;
pub use simulated::{Fate, SimulatedLog};

pub use weight::RECORD_BYTES_MAX;

/// Where a backend that gives its own log times takes the present from. Called from any thread;
/// it may go back, log time does not.
pub type Clock = Arc<dyn Fn() -> schemas::Timestamp + Send + Sync>;
