//! The servers: one for customers, one for operators. Own accept loop over hyper, because limits,
//! deadlines and an ordered stop are the point of it. Must not know what a call means.

mod accept;
mod edge;
mod framing;
mod operations;
mod telemetry;
mod wire;

pub use accept::serve_operations;
pub(crate) use accept::serve_public;
pub(crate) use edge::Routes;
pub use operations::{
    Operations, PartitionControl, PartitionRow, Ready, ResumeOptions, ResumeRefusal,
};
pub(crate) use telemetry::{APPENDED, STRAY_PAYMENTS, STREAMS, TURNED_AWAY, describe_metrics};

/// Why the gateway does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system has no randomness to give.
    #[error("no randomness")]
    Randomness(#[source] getrandom::Error),
    /// A listener failed for good.
    #[error("connections cannot be accepted")]
    Accept(#[source] std::io::Error),
}
