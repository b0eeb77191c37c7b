//! The rows of the result: what each figure is, what limits it, and what is aimed at. Must not know
//! how a figure is taken.

use std::fmt;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// More is better.
    PerSecond,
    /// Less is better.
    Milliseconds,
    /// Less is better.
    KibEach,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::KibEach => "KiB each",
        })
    }
}

/// Under which heading a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Fronts,
    Workers,
    Stores,
    Path,
    Crowd,
}

impl Part {
    pub(crate) const ALL: [Self; 5] =
        [Self::Fronts, Self::Workers, Self::Stores, Self::Path, Self::Crowd];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Fronts => "Behind HTTP",
            Self::Workers => "Deciding, without HTTP",
            Self::Stores => "Logs and rows",
            Self::Path => "From a purchase to its decision",
            Self::Crowd => "Ten thousand who wait",
        }
    }
}

/// What is aimed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aim {
    /// At least so much of another row of the same run.
    Of(&'static str, f64),
    /// At most so much.
    AtMost(f64),
}

/// Whether what was answered survives a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durable {
    Yes,
    No,
    /// Nothing is answered or stored.
    Neither,
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Neither => "–",
        })
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) part: Part,
    pub(crate) unit: Unit,
    pub(crate) durable: Durable,
    pub(crate) aims: &'static [Aim],
}

/// All rows, in the order in which they are shown.
pub(crate) const ROWS: &[Row] = &[
    front("front-bare", "limit: warp alone, the same request and answer", Durable::Neither, &[]),
    front(
        "gateway-kafka-202",
        "gateway on Kafka, 202s",
        Durable::Yes,
        &[Aim::Of("front-bare", 0.6)],
    ),
    front(
        "gateway-kafka-refusal-cold",
        "gateway on Kafka, sold out, customers never seen before",
        Durable::Neither,
        &[Aim::Of("front-bare", 0.75)],
    ),
    front(
        "gateway-kafka-refusal-warm",
        "gateway on Kafka, sold out, 20,000 customers again and again",
        Durable::Neither,
        &[Aim::Of("front-bare", 0.9)],
    ),
    front("gateway-kafka-poll", "gateway on Kafka, polls of decided orders", Durable::Neither, &[]),
    front("gateway-embedded-202", "one process with everything, 202s", Durable::Yes, &[]),
    front(
        "gateway-embedded-refusal-cold",
        "one process, sold out, customers never seen before",
        Durable::Neither,
        &[],
    ),
    front(
        "gateway-embedded-refusal-warm",
        "one process, sold out, 20,000 customers again and again",
        Durable::Neither,
        &[],
    ),
    front("gateway-embedded-poll", "one process, polls of decided orders", Durable::Neither, &[]),
    front("front-redis", "peer: warp before Redis, in memory", Durable::No, &[]),
    front("front-redis-fsync", "peer: warp before Redis, `appendfsync always`", Durable::Yes, &[]),
    front("front-mariadb", "peer: warp before MariaDB, one transaction each", Durable::Yes, &[]),
    worker("loop-bare", "limit: librdkafka, read, parse, write", Durable::Yes, &[]),
    worker(
        "worker-kafka-hot",
        "order-worker on Kafka, one hot product",
        Durable::Yes,
        &[
            Aim::Of("loop-bare", 0.6),
            Aim::Of("redis-single", 5.0),
            Aim::Of("redis-pipelined", 1.2),
            Aim::Of("front-mariadb", 30.0),
        ],
    ),
    worker("worker-kafka-64", "order-worker on Kafka, 64 products", Durable::Yes, &[]),
    worker(
        "worker-embedded-hot",
        "order-worker on the embedded log, one hot product",
        Durable::Yes,
        &[],
    ),
    worker(
        "loop-transactions",
        "peer: the loop with the sale, a transaction per batch",
        Durable::Yes,
        &[],
    ),
    worker("redis-single", "peer: Redis script, one call at a time", Durable::No, &[]),
    worker("redis-pipelined", "peer: Redis script, 16 calls at once", Durable::No, &[]),
    worker(
        "redis-single-fsync",
        "peer: the same, one at a time, `appendfsync always`",
        Durable::Yes,
        &[],
    ),
    worker(
        "redis-pipelined-fsync",
        "peer: the same, 16 at once, `appendfsync always`",
        Durable::Yes,
        &[],
    ),
    store("log-sqlite-bare", "limit: SQLite inserts, 1,000 a commit", &[]),
    store(
        "embedded-log",
        "embedded log, 1,000 records a commit",
        &[Aim::Of("log-sqlite-bare", 0.7)],
    ),
    store("upsert-mariadb-bare", "limit: MariaDB upserts of 1,024 rows", &[]),
    store("store-mariadb", "read model in MariaDB, its commits alone", &[]),
    store(
        "projector-mariadb",
        "projector, Kafka to MariaDB",
        &[Aim::Of("upsert-mariadb-bare", 0.5)],
    ),
    store("insert-sqlite-bare", "limit: SQLite inserts of 256 rows", &[]),
    store("store-sqlite", "read model in SQLite, its commits alone", &[]),
    store("projector-sqlite", "projector, embedded log to SQLite", &[]),
    path("path-kafka-capacity", "on Kafka, as many as it takes", Unit::PerSecond, &[]),
    path("path-kafka-500-p50", "on Kafka at 500/s, p50", MS, &[]),
    path("path-kafka-500-p99", "on Kafka at 500/s, p99", MS, &[]),
    path("path-kafka-500-p999", "on Kafka at 500/s, p99.9", MS, &[]),
    path("path-kafka-2000-p50", "on Kafka at 2,000/s, p50", MS, &[Aim::AtMost(10.0)]),
    path("path-kafka-2000-p99", "on Kafka at 2,000/s, p99", MS, &[Aim::AtMost(50.0)]),
    path("path-kafka-2000-p999", "on Kafka at 2,000/s, p99.9", MS, &[]),
    path("path-kafka-80%-p50", "on Kafka at 80 % of that, p50", MS, &[]),
    path("path-kafka-80%-p99", "on Kafka at 80 % of that, p99", MS, &[]),
    path("path-kafka-80%-p999", "on Kafka at 80 % of that, p99.9", MS, &[]),
    path("path-embedded-capacity", "in one process, as many as it takes", Unit::PerSecond, &[]),
    path("path-embedded-500-p50", "in one process at 500/s, p50", MS, &[]),
    path("path-embedded-500-p99", "in one process at 500/s, p99", MS, &[]),
    path("path-embedded-500-p999", "in one process at 500/s, p99.9", MS, &[]),
    path("path-embedded-2000-p50", "in one process at 2,000/s, p50", MS, &[]),
    path("path-embedded-2000-p99", "in one process at 2,000/s, p99", MS, &[]),
    path("path-embedded-2000-p999", "in one process at 2,000/s, p99.9", MS, &[]),
    path("path-embedded-80%-p50", "in one process at 80 % of that, p50", MS, &[]),
    path("path-embedded-80%-p99", "in one process at 80 % of that, p99", MS, &[]),
    path("path-embedded-80%-p999", "in one process at 80 % of that, p99.9", MS, &[]),
    crowd("polls-10000-last", "long polls: the last one knows after", MS),
    crowd("polls-10000-memory", "long polls: memory of the gateway", Unit::KibEach),
    crowd("watchers-10000-last", "streams of one deal: the last one knows after", MS),
    crowd("watchers-10000-memory", "streams of one deal: memory of the service", Unit::KibEach),
];

const MS: Unit = Unit::Milliseconds;

const fn row(name: &'static str, title: &'static str, part: Part, unit: Unit) -> Row {
    Row { name, title, part, unit, durable: Durable::Yes, aims: &[] }
}

const fn front(
    name: &'static str,
    title: &'static str,
    durable: Durable,
    aims: &'static [Aim],
) -> Row {
    Row { durable, aims, ..row(name, title, Part::Fronts, Unit::PerSecond) }
}

const fn worker(
    name: &'static str,
    title: &'static str,
    durable: Durable,
    aims: &'static [Aim],
) -> Row {
    Row { durable, aims, ..row(name, title, Part::Workers, Unit::PerSecond) }
}

const fn store(name: &'static str, title: &'static str, aims: &'static [Aim]) -> Row {
    Row { aims, ..row(name, title, Part::Stores, Unit::PerSecond) }
}

const fn path(name: &'static str, title: &'static str, unit: Unit, aims: &'static [Aim]) -> Row {
    Row { aims, ..row(name, title, Part::Path, unit) }
}

const fn crowd(name: &'static str, title: &'static str, unit: Unit) -> Row {
    Row { durable: Durable::Neither, ..row(name, title, Part::Crowd, unit) }
}

/// The row of this name.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_aims_at_rows_that_are_there() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
        for row in ROWS {
            for aim in row.aims {
                if let Aim::Of(other, _) = aim {
                    assert!(find(other).is_some(), "{} → {other}", row.name);
                }
            }
        }
    }
}
