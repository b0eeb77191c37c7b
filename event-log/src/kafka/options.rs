//! How much a process lets wait and keeps of a broker's logs, and how patient it is.

use std::time::Duration;

/// Limits and patience. [`KafkaOptions::default`] is right for a gateway and a worker.
#[derive(Clone, Copy, Debug)]
pub struct KafkaOptions {
    /// Whether anything will be appended; who only reads needs no producers.
    pub appends: bool,
    /// Most records of one log that may wait for their acknowledgement.
    pub waiting_records_max: usize,
    /// Most bytes of them.
    pub waiting_bytes_max: usize,
    /// After so long without an acknowledgement the outcome of an append is unknown.
    pub delivery_timeout: Duration,
    /// How long a read waits for a record that is known to be there.
    pub read_patience: Duration,
    /// Most bytes of recent records of one log that are kept for readers, over all partitions.
    pub kept_bytes_max: usize,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            appends: true,
            waiting_records_max: 131_072,
            waiting_bytes_max: 256 << 20,
            delivery_timeout: Duration::from_secs(8),
            read_patience: Duration::from_secs(5),
            kept_bytes_max: 256 << 20,
        }
    }
}

impl KafkaOptions {
    /// For who only reads: an audit.
    #[must_use]
    pub fn read_only() -> Self {
        Self { appends: false, ..Self::default() }
    }
}
