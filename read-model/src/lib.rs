//! The read model: rows that the projector writes and gateways, analysts and audits read.
//!
//! `row`, `fold` and `batch` are pure: what a row is, how an event changes it, and what many events
//! leave to be written. `store` is the one trait in front of the databases, `sqlite` the database
//! that needs no server. This crate must not know how a decision is made or a log is read.

mod batch;
mod fold;
mod row;
mod sqlite;
mod store;

pub use fold::{Changes, OrderChange, fold};
pub use row::{CommandRow, DealRow, KeyRow, OrderRow, PaymentRow, ProductRow, UserRow};
pub use sqlite::{SqliteOptions, SqliteStore};
pub use store::{
    CommitError, OrderCursor, OrderFilter, ProjectionRow, Snapshot, Store, StoreError, UserError,
};
