//! A cluster that librdkafka pretends to be. It does on request what a real one does rarely, and
//! stands for nothing else: it keeps batches as they come, and knows no sequence numbers.
//!
//! Opening its logs takes ten seconds, for it never answers a question about settings. So clusters
//! go from test to test, and each test has partitions of its own.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use event_log::kafka::{Connection, KafkaLogs, KafkaOptions, KafkaUrl, Sasl};
use event_log::{AppendError, Appended, Log};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Message, Offset, TopicPartitionList};
use schemas::Partition;

use crate::backends::{PATIENCE, block_on, record};
use crate::foreign::{self, Foreign};

/// Soon enough for a test to wait for it.
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_millis(1_500);

const BROKERS: i32 = 3;
const PARTITIONS: Partition = 64;
const KINDS: [RDKafkaApiKey; 3] =
    [RDKafkaApiKey::Produce, RDKafkaApiKey::Fetch, RDKafkaApiKey::ListOffsets];

pub(crate) fn impatient() -> KafkaOptions {
    let read_patience = Duration::from_secs(2);
    KafkaOptions { delivery_timeout: DELIVERY_TIMEOUT, read_patience, ..KafkaOptions::default() }
}

type Cluster = MockCluster<'static, DefaultProducerContext>;
type Wish = Box<dyn FnOnce(&Cluster) + Send>;

/// A cluster and its logs.
struct Running {
    /// The cluster stays on its thread.
    wishes: mpsc::Sender<Wish>,
    connection: Connection,
    logs: KafkaLogs,
    /// The first partition that nobody has had.
    next: Partition,
}

/// Those that no test uses now.
static IDLE: Mutex<Vec<Running>> = Mutex::new(Vec::new());

impl Running {
    fn start() -> Self {
        let (wishes, wished) = mpsc::channel::<Wish>();
        let (told, brokers) = mpsc::channel();
        thread::spawn(move || {
            let cluster = Cluster::new(BROKERS).unwrap();
            for log in ["commands", "decisions", "dead-letters"] {
                let topic = format!("pretended.{log}");
                cluster.create_topic(&topic, i32::from(PARTITIONS), BROKERS).unwrap();
            }
            told.send(cluster.bootstrap_servers()).unwrap();
            wished.iter().for_each(|wish| wish(&cluster));
        });
        let (brokers, prefix) = (brokers.recv().unwrap(), "pretended".to_owned());
        let url = KafkaUrl { brokers, prefix, tls: false };
        let client_id = "pretended".to_owned();
        let connection = Connection { url, sasl: Sasl::None, ca_file: None, client_id };
        let logs = KafkaLogs::open(&connection, impatient()).unwrap();
        Self { wishes, connection, logs, next: 0 }
    }
}

/// A cluster that is this test's alone, with some partitions that nobody used before.
pub(crate) struct Pretended {
    /// Given back in the end.
    running: Option<Running>,
    /// The first one.
    pub(crate) partition: Partition,
    pub(crate) log: Arc<dyn Log>,
}

impl Pretended {
    /// With so many partitions, all led by broker 1.
    pub(crate) fn new(partitions: Partition) -> Self {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut running = idle.unwrap_or_else(Running::start);
        let partition = running.next;
        running.next += partitions;
        assert!(running.next <= PARTITIONS, "more partitions are needed");
        let (log, running) = (running.logs.commands(), Some(running));
        let pretended = Self { running, partition, log };
        (partition..partition + partitions).for_each(|partition| pretended.lead(partition, 1));
        pretended
    }

    /// Does something to the cluster, and returns when it is done.
    pub(crate) fn with(&self, wish: impl FnOnce(&Cluster) + Send + 'static) {
        let (done, end) = mpsc::channel();
        let wish = move |cluster: &Cluster| {
            wish(cluster);
            done.send(()).unwrap();
        };
        self.running().wishes.send(Box::new(wish)).unwrap();
        end.recv().unwrap();
    }

    /// Whom a partition follows from now on.
    pub(crate) fn lead(&self, partition: Partition, broker: i32) {
        let topic = self.topic();
        self.with(move |cluster| {
            cluster.partition_leader(&topic, i32::from(partition), Some(broker)).unwrap();
        });
    }

    /// The next requests of this kind are answered so.
    pub(crate) fn answer(&self, kind: RDKafkaApiKey, errors: &[RDKafkaRespErr]) {
        let errors = errors.to_vec();
        self.with(move |cluster| cluster.request_errors(kind, &errors));
    }

    /// Answers are as usual again, and brokers there.
    pub(crate) fn calm(&self) {
        self.with(|cluster| {
            KINDS.into_iter().for_each(|kind| cluster.clear_request_errors(kind));
            cluster.broker_up(-1).unwrap();
            cluster.broker_round_trip_time(-1, Duration::ZERO).unwrap();
        });
    }

    pub(crate) fn append_one(&self) -> Result<Vec<Appended>, AppendError> {
        block_on(self.log.append(self.partition, vec![record("one")]))
    }

    /// Records with a time of the log's, written to `leader`. What our own producer writes keeps
    /// its own time here, and so could not be read.
    pub(crate) fn seed(&self, leader: i32, payloads: &[String]) {
        let brokers = self.running().connection.url.brokers.split(',');
        let broker = brokers.into_iter().nth(leader as usize - 1).unwrap();
        let batch = Foreign { has_log_time: true, header: None, payloads };
        foreign::write(broker, &self.topic(), i32::from(self.partition), &batch);
    }

    /// All that stands in the partition, as a client without demands reads it.
    pub(crate) fn stored(&self) -> Vec<String> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.running().connection.url.brokers)
            .set("group.id", "stored")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        let (mut start, partition) = (TopicPartitionList::new(), i32::from(self.partition));
        start.add_partition_offset(&self.topic(), partition, Offset::Beginning).unwrap();
        consumer.assign(&start).unwrap();
        let mut stored = Vec::new();
        loop {
            match consumer.poll(PATIENCE).expect("the log has an end") {
                Ok(message) => {
                    stored.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
                }
                Err(KafkaError::PartitionEOF(_)) => return stored,
                // It connects again.
                Err(_) => {}
            }
        }
    }

    fn topic(&self) -> String {
        self.running().connection.topic("commands")
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it is given back in the end")
    }
}

impl Drop for Pretended {
    fn drop(&mut self) {
        self.calm();
        let idle = &mut *IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.running.take());
    }
}
