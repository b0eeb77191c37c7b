//! How fast the Kafka logs append and read, beside bare loops over librdkafka's own producer and
//! consumer in the same run, on the same broker, with the same records.
//!
//! `cargo run --release -p event-log --example kafka_rate HOST:PORT [records]`. Rates depend on the
//! machine and on who else uses it; the ratios are what to look at, and they only within one round.

#![allow(clippy::print_stdout, reason = "its output is its purpose")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

#[path = "kafka_rate/bare.rs"]
mod bare;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use event_log::kafka::topics::{self, TopicPlan};
use event_log::kafka::{Connection, KafkaLogs, KafkaOptions, Sasl};
use event_log::{Log, ReadLimits, Receipt, Record};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

const PAYLOAD_BYTES: usize = 168;
const HEADERS: [(&str, &[u8]); 2] =
    [("epoch", b"7"), ("claim", b"0af7651916cd43dd8448eb211c80319c")];

/// As many records as an order-worker appends at once, and how many such calls wait.
const BATCH_RECORDS: usize = 1_024;
const BATCHES_WAITING: usize = 8;
/// As many requests as a gateway has in flight.
const SINGLES_WAITING: usize = 256;
/// Latencies are looked at under this load.
const LATENCY_PER_SECOND: u32 = 500;
const LATENCY_RECORDS: u32 = 2_000;

const LIMITS: ReadLimits = ReadLimits { records_max: BATCH_RECORDS, bytes_max: 1 << 20 };
const ROUNDS: usize = 5;
const MEASURED: [&str; 4] =
    ["append, calls of 1,024", "append, 256 single", "read from the start", "follow an append"];

fn main() {
    let brokers = std::env::args().nth(1).expect("HOST:PORT of a broker");
    let records: usize = std::env::args().nth(2).map_or(400_000, |text| text.parse().unwrap());
    println!("{PAYLOAD_BYTES} B of payload, {} headers, {ROUNDS} rounds", HEADERS.len());
    println!("{:>24} {:>30} {:>30}  ratio of each round", "records/s", "bare", "log");
    // The first one warms up the broker.
    let rounds = (0..=ROUNDS).map(|number| round(&brokers, records, number % 2 == 0));
    let rounds: Vec<[Pair; 4]> = rounds.skip(1).collect();
    for (index, name) in MEASURED.iter().enumerate() {
        let all = |pick: fn(&Pair) -> f64| rounds.iter().map(move |round| pick(&round[index]));
        let (bare, log) = (spread(all(|pair| pair.bare)), spread(all(|pair| pair.log)));
        let ratios = all(|pair| pair.log / pair.bare).map(|ratio| format!(" {ratio:.2}"));
        println!("{name:>24} {bare:>30} {log:>30} {}", ratios.collect::<String>());
    }
    println!("\n{:>24} {:>10} {:>10}", "ms, at 500 records/s", "p50", "p99");
    let (acknowledged, readable) = latencies(&brokers);
    for (name, mut millis) in [("acknowledged", acknowledged), ("readable", readable)] {
        millis.sort_by(f64::total_cmp);
        let at = |share: f64| millis[(millis.len() as f64 * share) as usize];
        println!("{name:>24} {:>10.2} {:>10.2}", at(0.5), at(0.99));
    }
}

/// The middle one, and between which they all are.
fn spread(rates: impl Iterator<Item = f64>) -> String {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    let middle = rates[rates.len() / 2];
    format!("{middle:.0} ({:.0} to {:.0})", rates[0], rates[rates.len() - 1])
}

struct Pair {
    bare: f64,
    log: f64,
}

impl Pair {
    fn measure(log_first: bool, bare: impl FnOnce() -> f64, log: impl FnOnce() -> f64) -> Self {
        if log_first {
            let log = log();
            return Self { bare: bare(), log };
        }
        Self { bare: bare(), log: log() }
    }
}

/// Topics that nobody else has, removed at the end.
struct Shop(Connection);

impl Shop {
    fn new(brokers: &str) -> Self {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let url = format!("kafka://{brokers}/rate-{since}").parse().unwrap();
        let client_id = "kafka-rate".to_owned();
        let connection = Connection { url, sasl: Sasl::None, ca_file: None, client_id };
        block_on(topics::create(&connection, TopicPlan::development(1))).unwrap();
        Self(connection)
    }

    fn open(&self) -> KafkaLogs {
        KafkaLogs::open(&self.0, KafkaOptions::default()).unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let administrator: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.0.url.brokers).create().unwrap();
        let topics = ["commands", "decisions", "dead-letters"].map(|log| self.0.topic(log));
        let names = topics.each_ref().map(String::as_str);
        block_on(administrator.delete_topics(&names, &AdminOptions::new())).unwrap();
    }
}

fn record() -> Record {
    let headers = HEADERS.iter().map(|(name, value)| ((*name).into(), Bytes::from_static(value)));
    let payload = Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
    Record { headers: headers.collect(), payload, ..Record::default() }
}

/// What comes first differs from round to round: the other one finds a warmer broker.
fn round(brokers: &str, records: usize, log_first: bool) -> [Pair; 4] {
    let shop = Shop::new(brokers);
    let logs = shop.open();
    let (log, template, topic) = (logs.decisions(), record(), shop.0.topic("decisions"));
    let bare = bare::Bare::new(brokers, &topic, &template);
    let calls = records / BATCH_RECORDS;
    let whole = || (0..calls).map(|_| log.append(0, vec![template.clone(); BATCH_RECORDS]));
    // Brokers are found and the producer has its number before anything is measured.
    block_on(log.append(0, vec![template.clone()])).unwrap();
    let batches = Pair::measure(
        log_first,
        || bare.append(calls * BATCH_RECORDS, BATCHES_WAITING * BATCH_RECORDS),
        || measure(calls * BATCH_RECORDS, BATCHES_WAITING, whole()),
    );
    let singles = records / 8;
    let single = || (0..singles).map(|_| log.append(0, vec![template.clone()]));
    let singly = Pair::measure(
        log_first,
        || bare.append(singles, SINGLES_WAITING),
        || measure(singles, SINGLES_WAITING, single()),
    );
    let total = block_on(log.end(0)).unwrap();
    let fresh = shop.open();
    let read =
        Pair::measure(log_first, || bare.read(0, total), || read_on(&*fresh.decisions(), 0, total));
    let followed = Pair::measure(
        log_first,
        || {
            let end = block_on(log.end(0)).unwrap();
            bare.follow(end, calls * BATCH_RECORDS, BATCHES_WAITING * BATCH_RECORDS)
        },
        || follow(&shop, &template, calls),
    );
    [batches, singly, read, followed]
}

/// Appends with at most `pending_max` receipts open.
fn measure(records: usize, pending_max: usize, appends: impl Iterator<Item = Receipt>) -> f64 {
    let began = Instant::now();
    let mut pending: VecDeque<Receipt> = VecDeque::new();
    for receipt in appends {
        if pending.len() >= pending_max {
            block_on(pending.pop_front().expect("there are pending ones")).unwrap();
        }
        pending.push_back(receipt);
    }
    for receipt in pending {
        block_on(receipt).unwrap();
    }
    records as f64 / began.elapsed().as_secs_f64()
}

/// Reads on until `end`, and how many records a second that was.
fn read_on(log: &dyn Log, from: u64, end: u64) -> f64 {
    let began = Instant::now();
    let mut next = from;
    while next < end {
        block_on(log.wait(0, next));
        next += block_on(log.read(0, next, LIMITS)).unwrap().records.len() as u64;
    }
    (end - from) as f64 / began.elapsed().as_secs_f64()
}

/// Reads what is being appended meanwhile, so it can be no faster than that.
fn follow(shop: &Shop, template: &Record, calls: usize) -> f64 {
    let (writer, reader) = (shop.open(), shop.open());
    let (from, log) = (block_on(writer.decisions().end(0)).unwrap(), reader.decisions());
    std::thread::scope(|scope| {
        let end = from + (calls * BATCH_RECORDS) as u64;
        let reading = scope.spawn(move || read_on(&*log, from, end));
        let decisions = writer.decisions();
        let whole = (0..calls).map(|_| decisions.append(0, vec![template.clone(); BATCH_RECORDS]));
        measure(calls * BATCH_RECORDS, BATCHES_WAITING, whole);
        reading.join().unwrap()
    })
}

/// Milliseconds from an append to its receipt, and to a reader in another process, as it were.
fn latencies(brokers: &str) -> (Vec<f64>, Vec<f64>) {
    let shop = Shop::new(brokers);
    let (writer, reader) = (shop.open(), shop.open());
    let (log, other) = (writer.commands(), reader.commands());
    let (template, began) = (record(), Instant::now());
    let interval = Duration::from_secs(1) / LATENCY_PER_SECOND;
    let millis = |since: Instant| since.elapsed().as_secs_f64() * 1_000.0;
    let is_begun = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut arrived = Vec::new();
            block_on(other.end(0)).unwrap();
            is_begun.store(true, Ordering::SeqCst);
            while arrived.len() < LATENCY_RECORDS as usize {
                let next = arrived.len() as u64;
                block_on(other.wait(0, next));
                let read = block_on(other.read(0, next, LIMITS)).unwrap().records.len();
                arrived.extend(std::iter::repeat_n(millis(began), read));
            }
            arrived
        });
        while !is_begun.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let (mut sent, mut acknowledged) = (Vec::new(), Vec::new());
        for number in 0..LATENCY_RECORDS {
            let due = interval * number;
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let at = Instant::now();
            sent.push(millis(began));
            let receipt = log.append(0, vec![template.clone()]);
            acknowledged.push(scope.spawn(move || {
                block_on(receipt).unwrap();
                millis(at)
            }));
        }
        let arrived = reading.join().unwrap();
        let readable = arrived.iter().zip(&sent).map(|(arrived, sent)| arrived - sent).collect();
        (acknowledged.into_iter().map(|it| it.join().unwrap()).collect(), readable)
    })
}

/// Runs a future on this thread, without any runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}
