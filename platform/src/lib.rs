//! What every process of the project needs and no part of it owns: typed configuration, telemetry,
//! ordered shutdown, secrets, the clock, jitter, and points at which tests let it die.
//!
//! This is a closed list. The crate knows nothing of orders, logs or HTTP and depends on no other
//! crate of the workspace; what does not fit one of the modules below belongs somewhere else.

pub mod clock;
pub mod config;
pub mod fail_point;
pub mod jitter;
pub mod secrets;
pub mod shutdown;
pub mod telemetry;
