//! Names of the worker's metrics, and the handles of one partition. Labels are partitions, never
//! orders or customers; counts are added per batch.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use schemas::Partition;

const DECISIONS: &str = "timedeal_worker_decisions_total";
const EVENTS: &str = "timedeal_worker_events_total";
const IGNORED: &str = "timedeal_worker_ignored_records_total";
const TAKEOVERS: &str = "timedeal_worker_takeovers_total";
const TAKEOVER_SECONDS: &str = "timedeal_worker_takeover_seconds";
const RESTARTS: &str = "timedeal_worker_restarts_total";
const ASSIGNED: &str = "timedeal_worker_assigned";
const PARKED: &str = "timedeal_worker_parked";
const LAG_RECORDS: &str = "timedeal_worker_lag_records";
const LAG_SECONDS: &str = "timedeal_worker_lag_seconds";
const SNAPSHOTS: &str = "timedeal_worker_snapshots_total";
/// Every role counts them under this name.
const VIOLATIONS: &str = "timedeal_invariant_violations_total";

/// Describes the worker's metrics to the installed recorder.
pub fn describe() {
    describe_counter!(DECISIONS, Unit::Count, "decisions handed to the log");
    describe_counter!(EVENTS, Unit::Count, "events of those decisions");
    describe_counter!(IGNORED, Unit::Count, "records of others that the filter ignored");
    describe_counter!(TAKEOVERS, Unit::Count, "partitions taken over");
    describe_histogram!(
        TAKEOVER_SECONDS,
        Unit::Seconds,
        "from the first look for a snapshot to the first command that could be decided"
    );
    describe_counter!(RESTARTS, Unit::Count, "times that state was dropped to take over again");
    describe_gauge!(ASSIGNED, Unit::Count, "1 while the partition is this process's");
    describe_gauge!(PARKED, Unit::Count, "1 while the partition is parked");
    describe_gauge!(LAG_RECORDS, Unit::Count, "commands that wait for their decision");
    describe_gauge!(LAG_SECONDS, Unit::Seconds, "age of the oldest command that waits");
    describe_counter!(SNAPSHOTS, Unit::Count, "snapshots written, by outcome");
    describe_counter!(VIOLATIONS, Unit::Count, "broken promises, by number");
}

/// Handles of one partition's metrics.
#[derive(Clone)]
pub(crate) struct PartitionMetrics {
    pub(crate) decisions: Counter,
    pub(crate) events: Counter,
    pub(crate) ignored: Counter,
    pub(crate) takeovers: Counter,
    pub(crate) takeover_seconds: Histogram,
    pub(crate) restarts: Counter,
    pub(crate) assigned: Gauge,
    pub(crate) parked: Gauge,
    lag_records: Gauge,
    lag_seconds: Gauge,
    pub(crate) snapshots_written: Counter,
    pub(crate) snapshots_failed: Counter,
    /// A repeated decision with other bytes than the first (promise I4).
    pub(crate) repeats_changed: Counter,
}

impl PartitionMetrics {
    pub(crate) fn new(partition: Partition) -> Self {
        let partition = partition.to_string();
        Self {
            decisions: counter!(DECISIONS, "partition" => partition.clone()),
            events: counter!(EVENTS, "partition" => partition.clone()),
            ignored: counter!(IGNORED, "partition" => partition.clone()),
            takeovers: counter!(TAKEOVERS, "partition" => partition.clone()),
            takeover_seconds: histogram!(TAKEOVER_SECONDS, "partition" => partition.clone()),
            restarts: counter!(RESTARTS, "partition" => partition.clone()),
            assigned: gauge!(ASSIGNED, "partition" => partition.clone()),
            parked: gauge!(PARKED, "partition" => partition.clone()),
            lag_records: gauge!(LAG_RECORDS, "partition" => partition.clone()),
            lag_seconds: gauge!(LAG_SECONDS, "partition" => partition),
            snapshots_written: counter!(SNAPSHOTS, "outcome" => "written"),
            snapshots_failed: counter!(SNAPSHOTS, "outcome" => "failed"),
            repeats_changed: counter!(VIOLATIONS, "invariant" => "I4"),
        }
    }

    /// How many commands wait for their decision, and for how long the oldest has.
    pub(crate) fn set_lag(&self, records: u64, age: Duration) {
        self.lag_records.set(records as f64);
        self.lag_seconds.set(age.as_secs_f64());
    }
}
