//! What records weigh: the largest record that a log takes, and how much one read may carry.

use crate::contract::{ReadLimits, Record, Stored};

/// Most bytes of one record: key, header names, header values and payload together.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// What one stored record costs in memory beside its bytes, roughly: the fixed fields and their
/// reference counts.
const STORED_BYTES_FIXED: usize = 160;

/// Bytes of `record` as [`RECORD_BYTES_MAX`] counts them.
pub(crate) fn record_bytes(record: &Record) -> usize {
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    record.key.len() + headers + record.payload.len()
}

/// Bytes of memory that `stored` occupies, roughly.
pub(crate) fn stored_bytes(stored: &Stored) -> usize {
    let headers: usize =
        stored.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
    STORED_BYTES_FIXED + stored.key.len() + headers + stored.payload.len()
}

/// Counts what a read has taken against its limits. The first record always fits.
#[derive(Debug)]
pub(crate) struct Allowance {
    limits: ReadLimits,
    records: usize,
    bytes: usize,
}

impl Allowance {
    pub(crate) fn new(limits: ReadLimits) -> Self {
        Self { limits, records: 0, bytes: 0 }
    }

    /// Whether a record with a payload of `payload_bytes` still fits; if so it counts.
    pub(crate) fn admits(&mut self, payload_bytes: usize) -> bool {
        let records = self.records + 1;
        let bytes = self.bytes.saturating_add(payload_bytes);
        let fits = records <= self.limits.records_max && bytes <= self.limits.bytes_max;
        if self.records > 0 && !fits {
            return false;
        }
        self.records = records;
        self.bytes = bytes;
        true
    }
}
