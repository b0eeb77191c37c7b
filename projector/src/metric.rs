//! Names of the projector's metrics, and the handles of one partition. Labels are partitions,
//! never orders or customers; counts are added per batch.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};
use schemas::Partition;

const ROWS: &str = "timedeal_projector_rows_total";
const COMMITS: &str = "timedeal_projector_commits_total";
const MOVED: &str = "timedeal_projector_moved_total";
const IGNORED: &str = "timedeal_projector_ignored_records_total";
const DEAD_LETTERS: &str = "timedeal_projector_dead_letters_total";
const LAG_RECORDS: &str = "timedeal_projector_lag_records";
const LAG_SECONDS: &str = "timedeal_projector_lag_seconds";
const PARKED: &str = "timedeal_projector_parked";
/// Every role counts them under this name.
const VIOLATIONS: &str = "timedeal_invariant_violations_total";

/// Describes the projector's metrics to the installed recorder.
pub fn describe() {
    describe_counter!(ROWS, Unit::Count, "row changes committed to the read model");
    describe_counter!(COMMITS, Unit::Count, "transactions committed to the read model");
    describe_counter!(MOVED, Unit::Count, "commits that another projector was faster with");
    describe_counter!(IGNORED, Unit::Count, "records of the decisions log that count for nothing");
    describe_counter!(DEAD_LETTERS, Unit::Count, "unreadable commands copied, repeats included");
    describe_gauge!(LAG_RECORDS, Unit::Count, "decisions log records not projected yet");
    describe_gauge!(LAG_SECONDS, Unit::Seconds, "age of the oldest record not projected yet");
    describe_gauge!(PARKED, Unit::Count, "1 while the partition's projection is parked");
    describe_counter!(VIOLATIONS, Unit::Count, "broken promises, by number");
}

/// Handles of one partition's metrics.
pub(crate) struct PartitionMetrics {
    pub(crate) rows: Counter,
    pub(crate) commits: Counter,
    pub(crate) moved: Counter,
    pub(crate) ignored: Counter,
    pub(crate) dead_letters: Counter,
    pub(crate) lag_records: Gauge,
    pub(crate) lag_seconds: Gauge,
    pub(crate) parked: Gauge,
    /// A repeated decision with other bytes than the first (promise I4).
    pub(crate) repeats_changed: Counter,
}

impl PartitionMetrics {
    pub(crate) fn new(partition: Partition) -> Self {
        let partition = partition.to_string();
        Self {
            rows: counter!(ROWS, "partition" => partition.clone()),
            commits: counter!(COMMITS, "partition" => partition.clone()),
            moved: counter!(MOVED, "partition" => partition.clone()),
            ignored: counter!(IGNORED, "partition" => partition.clone()),
            dead_letters: counter!(DEAD_LETTERS, "partition" => partition.clone()),
            lag_records: gauge!(LAG_RECORDS, "partition" => partition.clone()),
            lag_seconds: gauge!(LAG_SECONDS, "partition" => partition.clone()),
            parked: gauge!(PARKED, "partition" => partition),
            repeats_changed: counter!(VIOLATIONS, "invariant" => "I4"),
        }
    }
}
