//! What operators see of the views. Names are constants; counted per batch, never per customer.

use metrics::{Unit, describe_counter, describe_gauge};

/// Records of the decisions log by what the filter made of them.
pub(super) const RECORDS: &str = "timedeal_gateway_decisions_records_total";
/// Broken promises, by number; every role counts them under this name.
pub(super) const VIOLATIONS: &str = "timedeal_invariant_violations_total";
/// Orders, outcomes and changes held in memory.
pub(super) const VIEW_RECORDS: &str = "timedeal_gateway_view_records";
/// Commands that wait for their decision, by partition.
pub(super) const BACKLOG: &str = "timedeal_gateway_backlog";

/// Tells the metrics recorder what the names mean. Called once at start.
pub fn describe_metrics() {
    describe_counter!(RECORDS, Unit::Count, "records of the decisions log, by verdict");
    describe_counter!(VIOLATIONS, Unit::Count, "broken promises, by number");
    describe_gauge!(VIEW_RECORDS, Unit::Count, "orders, outcomes and changes in memory");
    describe_gauge!(BACKLOG, Unit::Count, "commands that wait for their decision");
}
