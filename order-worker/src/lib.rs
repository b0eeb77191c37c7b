//! The order-worker: owns partitions, decides their commands in order, and says so in the
//! decisions log. One sequential loop per partition ([`PartitionWorker`]); what is decided and
//! how is the decider's, what counts as decided is the filter's.
//!
//! This crate must not know HTTP, the read model, or which log or object store it stands on.

mod board;
mod deciding;
mod metric;
mod owner;
mod pool;
mod sent;
mod setback;
mod share;
mod snapshot;
mod takeover;
mod ticks;
mod worker;

pub use board::{PartitionBoard, PartitionStatus, Phase, Resume};
pub use metric::describe as describe_metrics;
pub use pool::{Given, GroupGone, Pool, PoolParts};
pub use share::Share;
pub use snapshot::{Snapshot, SnapshotError, Snapshots, Work};
pub use worker::{Order, PartitionWorker, Step, WorkerOptions, WorkerParts};
