//! What goes over a wire, and nothing else: log records (`log`), HTTP bodies and problems (`http`),
//! and the small value types (`id`, `money`, `time`, `limits`) that both are made of.
//!
//! This crate must not know how a record is stored, decided or shown.

pub mod http;
pub mod id;
pub mod limits;
pub mod log;
pub mod money;
mod object;
mod text;
pub mod time;

pub use id::{CustomerId, DealId, DealKey, Digest, Fingerprint, Partition, Position, ProductId};
pub use money::{Currency, Money};
pub use time::Timestamp;

/// The offset of a record in one partition of one log. The first record has offset 0.
pub type Offset = u64;
