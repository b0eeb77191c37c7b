//! The backends as the suite sees them, a clock that tests turn, and short ways to write records.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use event_log::kafka::topics::{self, TopicPlan};
use event_log::kafka::{Connection, KafkaLogs, KafkaOptions, Sasl};
use event_log::{
    Appended, Batch, Clock, EmbeddedLogs, Log, Options, ReadError, ReadLimits, Record, SimulatedLog,
};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use schemas::{Offset, Partition, Timestamp};
use tempfile::TempDir;
use test_servers::Server;

pub(crate) const PARTITIONS: Partition = 3;

/// How long anything may take before the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// No limits to speak of.
pub(crate) const ALL: ReadLimits = ReadLimits { records_max: usize::MAX, bytes_max: usize::MAX };

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_millis(millis.load(Ordering::SeqCst)))
    }
}

/// An empty log of one backend.
pub(crate) struct Backend {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) hand: Hand,
    close: Box<dyn Fn() + Send + Sync>,
    _guard: Guard,
}

impl Backend {
    pub(crate) fn embedded() -> Self {
        let (hand, directory) = (Hand::default(), tempfile::tempdir().unwrap());
        let logs = EmbeddedLogs::open(directory.path(), Options::new(PARTITIONS, hand.clock()));
        let logs = logs.unwrap();
        let (log, close) = (logs.commands(), Box::new(move || logs.close()));
        Self { log, hand, close, _guard: Guard::Directory { _directory: directory } }
    }

    pub(crate) fn simulated() -> Self {
        let hand = Hand::default();
        let log = SimulatedLog::new("commands", PARTITIONS, hand.clock());
        let controls = log.clone();
        let close = Box::new(move || controls.close());
        Self { log: Arc::new(log), hand, close, _guard: Guard::Nothing }
    }

    /// Topics of its own on the broker that tests are given. Its clock is the broker's.
    pub(crate) fn kafka() -> Self {
        let broker = Broker::new();
        let logs = Arc::new(broker.open(KafkaOptions::default()));
        let (log, closed) = (logs.commands(), Arc::clone(&logs));
        let close = Box::new(move || closed.close());
        let guard = Guard::Broker { _logs: logs, _broker: broker };
        Self { log, hand: Hand::default(), close, _guard: guard }
    }

    pub(crate) fn close(&self) {
        (self.close)();
    }
}

/// What a backend lives in, taken away after it.
enum Guard {
    Nothing,
    Directory { _directory: TempDir },
    Broker { _logs: Arc<KafkaLogs>, _broker: Broker },
}

/// The topics of one test.
pub(crate) struct Broker {
    pub(crate) connection: Connection,
}

impl Broker {
    pub(crate) fn new() -> Self {
        let broker = Self::without_topics();
        let plan = TopicPlan::development(PARTITIONS);
        let created = block_on(topics::create(&broker.connection, plan)).unwrap();
        assert_eq!(created.topics.len(), 3);
        broker
    }

    pub(crate) fn without_topics() -> Self {
        let (address, prefix) = (Server::Kafka.address(), test_servers::unique("conformance"));
        let url = format!("kafka://{address}/{prefix}").parse().unwrap();
        let client_id = "conformance".to_owned();
        Self { connection: Connection { url, sasl: Sasl::None, ca_file: None, client_id } }
    }

    pub(crate) fn open(&self, options: KafkaOptions) -> KafkaLogs {
        KafkaLogs::open(&self.connection, options).unwrap()
    }

    pub(crate) fn administrator(&self) -> AdminClient<DefaultClientContext> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.connection.url.brokers).create().unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let topics = ["commands", "decisions", "dead-letters"].map(|it| self.connection.topic(it));
        let topics = topics.each_ref().map(String::as_str);
        let administrator = self.administrator();
        let patience = AdminOptions::new().request_timeout(Some(Duration::from_secs(5)));
        let deleted = block_on(administrator.delete_topics(&topics, &patience));
        // What is left behind is in nobody's way.
        drop(deleted);
    }
}

/// Runs a future on this thread, without any runtime.
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "this takes too long");
        std::thread::park_timeout(left);
    }
}

/// A record that says `text`.
pub(crate) fn record(text: impl Into<String>) -> Record {
    Record { payload: Bytes::from(text.into()), ..Record::default() }
}

/// Appends one record for each text and waits for the receipt.
#[track_caller]
pub(crate) fn append(log: &dyn Log, partition: Partition, texts: &[&str]) -> Vec<Appended> {
    let records = texts.iter().map(|text| record(*text)).collect();
    block_on(log.append(partition, records)).unwrap()
}

pub(crate) fn read(
    log: &dyn Log,
    partition: Partition,
    from: Offset,
    limits: ReadLimits,
) -> Result<Batch, ReadError> {
    block_on(log.read(partition, from, limits))
}

/// What the records of a partition say, from its start on.
#[track_caller]
pub(crate) fn texts(log: &dyn Log, partition: Partition) -> Vec<String> {
    let start = block_on(log.start(partition)).unwrap();
    let batch = read(log, partition, start, ALL).unwrap();
    let offsets: Vec<Offset> = batch.records.iter().map(|stored| stored.offset).collect();
    assert_eq!(offsets, (start..batch.end).collect::<Vec<_>>(), "offsets have no gaps");
    batch.records.iter().map(|it| String::from_utf8(it.payload.to_vec()).unwrap()).collect()
}
