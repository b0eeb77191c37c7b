//! The way into one log: an idempotent producer, the thread that hands records to it, and the one
//! that polls it. Must not know how records are read back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use schemas::Partition;
use tokio::sync::oneshot;

use super::connection::Connection;
use super::context::ClientEvents;
use super::delivery::{Call, Deliveries, Delivery, Told};
use super::options::KafkaOptions;
use super::outbox::{MANY, Outbox};
use super::own_thread::OwnThread;
use crate::contract::{AppendError, Receipt, Record};
use crate::weight::{RECORD_BYTES_MAX, record_bytes};

/// How long one poll goes on. Its last millisecond is spent in a loop that does not wait.
const POLL: Duration = Duration::from_millis(200);
/// While many records are on their way, acknowledgements are taken together, so long after those
/// before: each batch has one of its own, and would wake this thread while the client's is at the
/// next …
const TOGETHER: Duration = Duration::from_millis(1);
/// … and so many times more, in case there are many again.
const TOGETHER_AGAIN: u32 = 16;
/// What a message costs in the client's queue beside our bytes, roughly.
const MESSAGE_BYTES: usize = 128;
/// A successor of a producer that failed soon after it began waits so long …
const SUCCESSOR_PAUSE_MIN: Duration = Duration::from_secs(1);
/// … and no longer than this.
const SUCCESSOR_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Why nothing is taken any more.
const CLOSED: &str = "the log is closed";
/// How long purged messages may take to be reported.
const PURGE_PATIENCE: Duration = Duration::from_secs(1);

/// Appends to one log.
pub(super) struct Appender {
    shared: Arc<Shared>,
    sender: OwnThread,
    poller: OwnThread,
}

/// A call on its way to the client.
struct Sending {
    partition: Partition,
    records: Vec<Record>,
    call: Arc<Call>,
}

struct Shared {
    told: Arc<Told>,
    topic: String,
    connection: Connection,
    options: KafkaOptions,
    /// Exchanged after a fatal error.
    producer: RwLock<Arc<BaseProducer<Deliveries>>>,
    /// From a fatal error until the exchange.
    failed: AtomicBool,
    outbox: Outbox<Sending>,
}

impl Appender {
    pub(super) fn start(
        told: Arc<Told>,
        connection: &Connection,
        options: KafkaOptions,
    ) -> Result<Self, KafkaError> {
        let topic = connection.topic(&told.name);
        let producer = RwLock::new(Arc::new(producer(&told, connection, &options)?));
        let (connection, failed) = (connection.clone(), AtomicBool::new(false));
        let outbox = Outbox::default();
        let shared =
            Arc::new(Shared { told, topic, connection, options, producer, failed, outbox });
        let (sent, polled) = (Arc::clone(&shared), Arc::clone(&shared));
        let sender = OwnThread::start("kafka-sender", move || sent.send_all())?;
        let poller = OwnThread::start("kafka-appender", move || polled.poll())
            .inspect_err(|_| shared.outbox.close())?;
        Ok(Self { shared, sender, poller })
    }

    /// As the contract says.
    pub(super) fn append(&self, partition: Partition, records: Vec<Record>) -> Receipt {
        let shared = &*self.shared;
        if let Err(refusal) = shared.check(partition, &records) {
            return Receipt::ready(Err(refusal));
        }
        if records.is_empty() {
            return Receipt::ready(Ok(Vec::new()));
        }
        let count = records.len();
        let bytes = records.iter().map(|record| record_bytes(record) + MESSAGE_BYTES).sum();
        let max = (shared.options.waiting_records_max, shared.options.waiting_bytes_max);
        if !shared.told.load.take((count, bytes), max) {
            let log = shared.told.name.clone();
            return Receipt::ready(Err(AppendError::Full { log, partition }));
        }
        let (answer, receipt) = oneshot::channel();
        let call = Call::new(&shared.told, partition, (count, bytes), answer);
        if let Err(late) = shared.outbox.put(Sending { partition, records, call }, count) {
            late.call.not_taken(0, CLOSED);
        }
        let told = Arc::clone(&shared.told);
        let gone = move |_| Err(told.unknown(partition, "the producer is gone"));
        Receipt::new(async move { receipt.await.unwrap_or_else(gone) })
    }

    /// Takes nothing more.
    pub(super) fn refuse(&self) {
        self.shared.outbox.close();
    }

    /// Waits for what is on its way, and gives up what does not come in time.
    pub(super) fn join(&self) {
        self.sender.join();
        self.poller.join();
    }
}

impl Shared {
    fn check(&self, partition: Partition, records: &[Record]) -> Result<(), AppendError> {
        if partition >= self.told.tails.partitions() {
            return Err(self.unavailable(partition, "there is no such partition"));
        }
        if self.told.tails.is_closed() {
            return Err(self.unavailable(partition, CLOSED));
        }
        if let Some(bytes) = records.iter().map(record_bytes).find(|it| *it > RECORD_BYTES_MAX) {
            let (log, bytes_max) = (self.told.name.clone(), RECORD_BYTES_MAX);
            return Err(AppendError::TooLarge { log, partition, bytes, bytes_max });
        }
        if self.failed.load(Ordering::SeqCst) {
            return Err(self.unavailable(partition, "the producer failed, a new one will begin"));
        }
        if !records.is_empty() && !self.told.reach.lets_through() {
            return Err(self.unavailable(partition, "no broker answers"));
        }
        Ok(())
    }

    fn unavailable(&self, partition: Partition, reason: &str) -> AppendError {
        let (log, reason) = (self.told.name.clone(), reason.into());
        AppendError::Unavailable { log, partition, reason }
    }

    /// The sending thread. It alone hands anything to the client: the records of a call stand
    /// together.
    fn send_all(&self) {
        self.outbox.serve(|together| {
            let producer = self.producer();
            together.into_iter().for_each(|sending| self.send(&producer, sending));
        });
    }

    fn send(&self, producer: &BaseProducer<Deliveries>, sending: Sending) {
        let Sending { partition, records, call } = sending;
        for (index, record) in records.into_iter().enumerate() {
            let bytes = record_bytes(&record);
            let delivery = Box::new(Delivery { call: Arc::clone(&call), index, bytes });
            let mut message = BaseRecord::with_opaque_to(&self.topic, delivery)
                .partition(i32::from(partition))
                .payload(&record.payload[..]);
            if !record.key.is_empty() {
                message = message.key(&record.key[..]);
            }
            if !record.headers.is_empty() {
                message = message.headers(headers(&record));
            }
            if let Err((error, _)) = producer.send(message) {
                call.not_taken(index, &error.to_string());
                return;
            }
        }
    }

    fn producer(&self) -> Arc<BaseProducer<Deliveries>> {
        Arc::clone(&self.producer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The polling thread: acknowledgements, fatal errors, and the end.
    fn poll(&self) {
        let (mut end, mut successor, mut together) = (None, Successor::default(), 0);
        // Whoever appended with one may hold it for a moment; it is to end on this thread.
        let mut retired = Vec::new();
        loop {
            let producer = self.producer();
            if self.told.load.records() >= MANY {
                together = TOGETHER_AGAIN;
            }
            if together > 0 {
                together -= 1;
                self.take_together(&producer);
            } else {
                producer.poll(POLL);
            }
            retired.retain(|old| Arc::strong_count(old) > 1);
            if let Some((code, reason)) = producer.client().fatal_error() {
                self.fail(&producer, code, &reason);
                if successor.is_due(Instant::now()) && self.replace() {
                    retired.push(producer);
                    continue;
                }
            }
            if !self.outbox.is_spent() {
                continue;
            }
            let end = end.get_or_insert_with(|| Instant::now() + self.options.delivery_timeout);
            if producer.in_flight_count() == 0 {
                return;
            }
            if Instant::now() >= *end {
                abandon(&producer);
                return;
            }
        }
    }

    /// Takes the acknowledgements that are there in a moment.
    fn take_together(&self, producer: &BaseProducer<Deliveries>) {
        std::thread::sleep(TOGETHER);
        let load = &self.told.load;
        // A poll takes one, and does not say whether there was any.
        loop {
            let before = load.settled();
            producer.poll(Duration::ZERO);
            if load.settled() == before {
                return;
            }
        }
    }

    /// A producer that has met a fatal error never sends again. What it had on its way may have
    /// been written.
    fn fail(&self, producer: &BaseProducer<Deliveries>, code: RDKafkaErrorCode, reason: &str) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            let log = &*self.told.name;
            tracing::error!(%code, reason, log, "a producer failed");
            abandon(producer);
        }
    }

    /// Whether there is a new one.
    fn replace(&self) -> bool {
        match producer(&self.told, &self.connection, &self.options) {
            Ok(new) => {
                let mut current = self.producer.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(new);
                self.failed.store(false, Ordering::SeqCst);
                true
            }
            Err(error) => {
                tracing::error!(%error, "no new producer yet");
                false
            }
        }
    }
}

/// When a producer that failed may be followed by another: at once, but with longer and longer
/// pauses if those fail as well.
#[derive(Debug, Default)]
struct Successor {
    last: Option<Instant>,
    pause: Duration,
}

impl Successor {
    fn is_due(&mut self, now: Instant) -> bool {
        let lived = self.last.map(|last| now.saturating_duration_since(last));
        if lived.is_some_and(|lived| lived < self.pause) {
            return false;
        }
        let is_young = lived.is_some_and(|lived| lived < SUCCESSOR_PAUSE_MAX * 2);
        let longer = (self.pause * 2).clamp(SUCCESSOR_PAUSE_MIN, SUCCESSOR_PAUSE_MAX);
        self.pause = if is_young { longer } else { SUCCESSOR_PAUSE_MIN };
        self.last = Some(now);
        true
    }
}

/// Reports everything that a producer still has as not acknowledged.
fn abandon(producer: &BaseProducer<Deliveries>) {
    producer.purge(PurgeConfig::default().queue().inflight());
    let end = Instant::now() + PURGE_PATIENCE;
    while producer.in_flight_count() > 0 && Instant::now() < end {
        producer.poll(POLL);
    }
}

fn headers(record: &Record) -> OwnedHeaders {
    let headers = OwnedHeaders::new_with_capacity(record.headers.len());
    record.headers.iter().fold(headers, |headers, (key, value)| {
        headers.insert(Header { key, value: Some(&value[..]) })
    })
}

fn producer(
    told: &Arc<Told>,
    connection: &Connection,
    options: &KafkaOptions,
) -> Result<BaseProducer<Deliveries>, KafkaError> {
    let reach = Arc::clone(&told.reach);
    let events = ClientEvents::new(connection).on_error(Box::new(move |error, _| {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            reach.lost();
        }
    }));
    let timeout_ms = options.delivery_timeout.as_millis();
    let mut config = connection.client_config();
    config
        // No doubles and no swaps by retries; with it acks=all and five requests on their way.
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("max.in.flight.requests.per.connection", "5")
        // Whatever is handed over has waited for more where that was worth it.
        .set("linger.ms", "0")
        .set("compression.type", "lz4")
        // After this an append is unknown, and a request answered so. The default is 5 minutes.
        .set("delivery.timeout.ms", timeout_ms.to_string())
        .set("request.timeout.ms", (timeout_ms * 5 / 8).to_string())
        .set("retry.backoff.ms", "50")
        .set("message.max.bytes", super::MESSAGE_BYTES_MAX.to_string())
        // Our own bounds come first, so that a call is never torn by a full queue.
        .set("queue.buffering.max.messages", (options.waiting_records_max * 2).to_string())
        .set("queue.buffering.max.kbytes", (options.waiting_bytes_max / 512).to_string());
    config.create_with_context(Deliveries { events })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Successor;

    #[test]
    fn producers_that_fail_one_after_the_other_are_followed_more_and_more_slowly() {
        let mut successor = Successor::default();
        let mut now = Instant::now();
        assert!(successor.is_due(now), "the first at once");
        for pause_s in [1, 2, 4, 8, 16, 30, 30] {
            let pause = Duration::from_secs(pause_s);
            assert!(!successor.is_due(now + pause - Duration::from_millis(1)), "{pause:?}");
            now += pause;
            assert!(successor.is_due(now), "{pause:?}");
        }
        now += Duration::from_secs(3_600);
        assert!(successor.is_due(now));
        assert!(successor.is_due(now + Duration::from_secs(1)), "the last one had lived long");
    }
}
