//! What a process tells its operators: logs on standard error, panics in the log, metrics.
//!
//! Owns how they are set up, once per process. Must not know which metrics and messages exist:
//! each part of the system names and describes its own.

mod logging;
mod metrics_registry;
mod panic_log;

pub use logging::{LogFormat, install_logging};
pub use metrics_registry::{
    COUNT_BUCKETS, LATENCY_BUCKETS_SECONDS, Metrics, UPKEEP_INTERVAL, install_metrics,
};
pub use panic_log::install_panic_log;
pub(crate) use panic_log::panic_text;

/// Telemetry that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log level is no filter.
    #[error("log level {found:?}: {reason}; expected a level like info, or info,gateway=debug")]
    Level {
        /// The level that was asked for.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something else in this process set up its own logging or metrics first.
    #[error("{0} of this process were set up elsewhere already")]
    Foreign(&'static str),
}
