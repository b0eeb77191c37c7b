//! The backend for more than one machine: Apache Kafka, or what speaks its protocol.
//!
//! Must not know what a record says, nor which process uses it.

mod appender;
mod catch_up;
mod connection;
mod context;
mod delivery;
mod ends;
mod follower;
mod link;
mod log;
mod logs;
pub mod membership;
mod options;
mod outbox;
mod own_thread;
mod reach;
mod reading;
mod tails;
pub mod topics;

pub use connection::{
    Connection, KafkaUrl, KafkaUrlFault, OauthToken, Sasl, ScramMechanism, TokenSource,
};
pub use link::LinkError;
pub use logs::{KafkaLogs, KafkaOpenError};
pub use options::KafkaOptions;

use crate::RECORD_BYTES_MAX;

/// Most bytes of one batch on its way to a broker: the largest record, with room for its frame and
/// for what does not compress.
const MESSAGE_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;
