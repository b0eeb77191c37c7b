//! The read model: rows that the projector writes and gateways, analysts and audits read.
//!
//! `row`, `fold` and `batch` are pure: what a row is, how an event changes it, and what many events
//! leave to be written. `store` is the one trait in front of the databases; `sqlite` is the one
//! that needs no server, `mysql` the one that many processes share, and `sql` and `version` what
//! both have in common. This crate must not know how a decision is made or a log is read.

mod batch;
mod fold;
mod mysql;
mod row;
mod sql;
mod sqlite;
mod store;
mod version;

pub use fold::{Changes, OrderChange, fold};
pub use mysql::{AddressSource, MysqlOptions, MysqlStore, OpenError};
pub use row::{CommandRow, DealRow, KeyRow, OrderRow, PaymentRow, ProductRow, UserRow};
pub use sqlite::{SqliteOptions, SqliteStore};
pub use store::{
    CommitError, OrderCursor, OrderFilter, ProjectionRow, Snapshot, Store, StoreError, UserError,
};
