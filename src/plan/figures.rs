//! What one core, one order, one connection takes: every figure that a plan rests on, with its unit
//! and with what measures it. The one place to change after a measurement; must not know what is
//! made of it.
//!
//! Bounds that are settings of the service itself are not repeated here: the plan asks their
//! owners.

use serde::Serialize;

/// A figure, and why it is believed.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Figure {
    pub(super) what: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    /// The command that measures it, or `assumed` and by what.
    pub(super) source: &'static str,
}

const fn figure(
    what: &'static str,
    value: f64,
    unit: &'static str,
    source: &'static str,
) -> Figure {
    Figure { what, value, unit, source }
}

/// Everything that a plan rests on, in the order in which a purchase meets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// Purchases that are let in.
    pub(super) admissions: Figure,
    /// Refusals at the door, polls, pages of deals.
    pub(super) answers: Figure,
    /// What every gateway does with every decision: decode, filter, view.
    pub(super) followed: Figure,
    /// The line of one partition.
    pub(super) decided: Figure,
    /// The read model, rows of new orders.
    pub(super) rows: Figure,
    /// An order in the view of a gateway, its key included.
    pub(super) view_order: Figure,
    /// What stays in a gateway until the deal is retired, when the order itself has left.
    pub(super) view_key: Figure,
    /// An order in the state of a worker, until the deal is retired.
    pub(super) worker_order: Figure,
    /// A connection of a gateway.
    pub(super) connection: Figure,
    /// How long a request keeps a connection of the proxy before the gateway.
    pub(super) request_seconds: Figure,
    /// A purchase as a record, headers included.
    pub(super) command: Figure,
    /// Its decision as a record, headers included.
    pub(super) decision: Figure,
    /// What lz4 makes of batches of these.
    pub(super) compression: Figure,
    /// What a broker writes, copies of others' partitions included.
    pub(super) broker_disk: Figure,
    /// What goes through a broker's network, in each direction.
    pub(super) broker_network: Figure,
    /// A row of an order with its indexes.
    pub(super) row: Figure,
}

/// The figures in force.
pub(super) const MEASURED: Figures = Figures {
    admissions: figure(
        "durable 202s",
        10_000.0,
        "a second and core",
        "`cargo xtask measure overload`: one core, worker and projector on it too, before it turns \
         anybody away",
    ),
    answers: figure(
        "refusals at the door, polls",
        20_000.0,
        "a second and core",
        "`timedeal rush --buyers 20000 --stock 500`: all answered within 0.7 s, by two cores that \
         the crowd shares",
    ),
    followed: figure(
        "decisions that a gateway's view follows",
        150_000.0,
        "a second and core",
        "assumed: 5,400 instructions of the gateway's own to decode one, for the filter and the \
         view, by `cargo xtask instructions`, and as much again to read it from a broker",
    ),
    decided: figure(
        "decisions of one partition, one hot deal",
        150_000.0,
        "a second",
        "`cargo run --release -p order-worker --example decision_rate`, on the embedded log",
    ),
    rows: figure(
        "orders that one MySQL takes",
        55_000.0,
        "a second",
        "`cargo run --release -p read-model --example commit_rate`",
    ),
    view_order: figure(
        "an order in a gateway's view",
        200.0,
        "B",
        "`cargo test -p gateway --test core_memory`: at most",
    ),
    view_key: figure(
        "a key in a gateway's view",
        75.0,
        "B",
        "assumed: 33 B at the worst fill of its table",
    ),
    worker_order: figure(
        "an order in a worker",
        98.0,
        "B",
        "`cargo test -p decider memory`: at most",
    ),
    connection: figure(
        "a connection",
        13_312.0,
        "B",
        "`cargo run --release -p loadtest --example idle_sockets`: 13.0 KiB",
    ),
    request_seconds: figure(
        "a request on its connection",
        0.05,
        "s",
        "assumed: the p99 that is aimed at",
    ),
    command: figure(
        "a purchase in the log",
        480.0,
        "B",
        "`cargo test -p timedeal plan`, within 10 %",
    ),
    decision: figure(
        "its decision in the log",
        500.0,
        "B",
        "`cargo test -p timedeal plan`, within 10 %",
    ),
    compression: figure(
        "records, compressed",
        2.0,
        "times smaller",
        "assumed: half of a record is hashes",
    ),
    broker_disk: figure("a broker's disk", 250.0, "MB/s written", "assumed: a volume of 250 MB/s"),
    broker_network: figure("a broker's network", 600.0, "MB/s each way", "assumed: 5 Gbit/s"),
    row: figure("an order in the database", 600.0, "B", "assumed: a row and two indexes"),
};

impl Figures {
    /// All of them.
    pub(super) fn all(&self) -> [Figure; 16] {
        [
            self.admissions,
            self.answers,
            self.followed,
            self.decided,
            self.rows,
            self.view_order,
            self.view_key,
            self.worker_order,
            self.connection,
            self.request_seconds,
            self.command,
            self.decision,
            self.compression,
            self.broker_disk,
            self.broker_network,
            self.row,
        ]
    }
}

/// Copies of every record.
pub(super) const COPIES: f64 = 3.0;
/// Fewer brokers than copies cannot hold them.
pub(super) const BROKERS_MIN: f64 = 3.0;
/// One can be lost.
pub(super) const GATEWAYS_MIN: f64 = 2.0;
/// One can be lost, and its partitions go to the other.
pub(super) const WORKER_CORES_MIN: f64 = 2.0;
/// Fewer are never worth it, for they are fixed for ever.
pub(super) const PARTITIONS_MIN: u64 = 64;
/// What an order id has room for.
pub(super) const PARTITIONS_MAX: u64 = 16_384;
/// Partitions for each product that sells at the same time.
pub(super) const PARTITIONS_PER_PRODUCT: u64 = 4;
/// How likely it may be that more products meet in one partition than is planned for.
pub(super) const CROWDED_AT_MOST: f64 = 0.05;
