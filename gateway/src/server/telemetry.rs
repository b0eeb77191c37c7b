//! What is counted about calls. Handles are kept, so that counting takes no look-up; which call it
//! was is a template (`/v1/orders/{order_id}`), never an id.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use crate::routes::OPERATIONS;

/// Connections open now.
const CONNECTIONS: &str = "timedeal_gateway_connections";
/// Connections closed because a client was too slow or spoke no HTTP.
const CONNECTIONS_FAILED: &str = "timedeal_gateway_connections_failed_total";
/// Answers by operation and class of status.
const ANSWERS: &str = "timedeal_gateway_answers_total";
/// Time until the head of an answer, by operation.
const ANSWER_SECONDS: &str = "timedeal_gateway_answer_seconds";
/// Streams open now.
pub(crate) const STREAMS: &str = "timedeal_gateway_streams";
/// Commands appended, by type.
pub(crate) const APPENDED: &str = "timedeal_gateway_commands_appended_total";
/// Purchases that were turned away because more came than are taken.
pub(crate) const TURNED_AWAY: &str = "timedeal_gateway_purchases_turned_away_total";
/// Payments of orders in a log that was replaced.
pub(crate) const STRAY_PAYMENTS: &str = "timedeal_gateway_stray_payments_total";

/// Says what each metric means.
pub(crate) fn describe_metrics() {
    metrics::describe_gauge!(CONNECTIONS, "Connections that are open.");
    metrics::describe_counter!(CONNECTIONS_FAILED, "Connections that broke or were too slow.");
    metrics::describe_counter!(ANSWERS, "Answers by operation and class of status.");
    metrics::describe_histogram!(ANSWER_SECONDS, "Time until the head of an answer.");
    metrics::describe_gauge!(STREAMS, "Event streams that are open.");
    metrics::describe_counter!(APPENDED, "Commands that the log has taken, by type.");
    metrics::describe_counter!(
        TURNED_AWAY,
        "Purchases answered 503 overloaded because more came than the log and the machine take."
    );
    metrics::describe_counter!(
        STRAY_PAYMENTS,
        "Payments refused because their order is in a log that was replaced: money without order."
    );
}

/// Classes of status, by the first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The handles of one server.
pub(super) struct Meters {
    pub(super) connections: Gauge,
    pub(super) connections_failed: Counter,
    /// By operation; the last is for what is none.
    operations: Vec<OperationMeters>,
}

struct OperationMeters {
    seconds: Histogram,
    classes: [Counter; CLASSES.len()],
}

impl Meters {
    pub(super) fn new(server: &'static str) -> Self {
        let templates = OPERATIONS.iter().map(|operation| (operation.method, operation.path));
        let operations = templates.chain([("other", "other")]).map(|(method, path)| {
            let labels = [("method", method), ("operation", path)];
            let seconds = metrics::histogram!(ANSWER_SECONDS, &labels);
            let classes = CLASSES.map(|class| {
                let labels = [("method", method), ("operation", path), ("status", class)];
                metrics::counter!(ANSWERS, &labels)
            });
            OperationMeters { seconds, classes }
        });
        Self {
            connections: metrics::gauge!(CONNECTIONS, "server" => server),
            connections_failed: metrics::counter!(CONNECTIONS_FAILED, "server" => server),
            operations: operations.collect(),
        }
    }

    /// Counts an answer; `operation` is an index of [`OPERATIONS`].
    pub(super) fn note(&self, operation: Option<usize>, status: u16, elapsed: Duration) {
        let index = operation.unwrap_or(OPERATIONS.len());
        let Some(meters) = self.operations.get(index) else { return };
        meters.seconds.record(elapsed.as_secs_f64());
        if let Some(class) = meters.classes.get(usize::from(status / 100).wrapping_sub(1)) {
            class.increment(1);
        }
    }
}
