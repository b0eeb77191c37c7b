//! Typed decisions on the log: one filter that every reader applies (`filter`), the reader that
//! applies it (`reader`), and the claim by which a worker becomes a partition's owner (`claim`).
//!
//! `filter` and `claim` are pure. This crate must not know what a decision is about: it knows
//! offsets, epochs and claims, and passes events on unread.

mod claim;
mod filter;
mod park;
mod reader;
mod record;

pub use claim::{Claim, ClaimOutcome};
pub use filter::{DecisionHead, Filter, Seen, Verdict, payload_hash};
pub use park::Park;
pub use reader::{Entry, Reader, ReaderError};
pub use record::{DecisionWriter, genesis_record, owner_record};
