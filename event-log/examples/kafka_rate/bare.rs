//! The same records through librdkafka's own clients, with nothing around them.

use std::time::{Duration, Instant};

use event_log::Record;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

pub(super) struct Bare<'a> {
    config: ClientConfig,
    topic: &'a str,
    template: &'a Record,
}

impl<'a> Bare<'a> {
    pub(super) fn new(brokers: &str, topic: &'a str, template: &'a Record) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers);
        Self { config, topic, template }
    }

    /// Records a second, at most `pending_max` of them without an answer.
    pub(super) fn append(&self, records: usize, pending_max: usize) -> f64 {
        let producer: BaseProducer = self
            .config
            .clone()
            .set("enable.idempotence", "true")
            .set("linger.ms", "2")
            .set("compression.type", "lz4")
            .create()
            .unwrap();
        producer.client().fetch_metadata(Some(self.topic), Duration::from_secs(5)).unwrap();
        let began = Instant::now();
        for _ in 0..records {
            while producer.in_flight_count() as usize >= pending_max {
                producer.poll(Duration::ZERO);
            }
            let headers = self.template.headers.iter().fold(OwnedHeaders::new(), |all, one| {
                all.insert(Header { key: &one.0, value: Some(&one.1[..]) })
            });
            let message = BaseRecord::<(), [u8]>::to(self.topic)
                .partition(0)
                .headers(headers)
                .payload(&self.template.payload);
            producer.send(message).map_err(|(error, _)| error).unwrap();
        }
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::ZERO);
        }
        records as f64 / began.elapsed().as_secs_f64()
    }

    /// Records a second, read while they are being appended.
    pub(super) fn follow(&self, from: u64, records: usize, pending_max: usize) -> f64 {
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| self.read(from, records as u64));
            self.append(records, pending_max);
            reading.join().unwrap()
        })
    }

    /// Records a second from `from` on, none of them copied.
    pub(super) fn read(&self, from: u64, records: u64) -> f64 {
        let consumer: BaseConsumer = self
            .config
            .clone()
            .set("group.id", "bare")
            .set("enable.auto.commit", "false")
            .set("fetch.queue.backoff.ms", "5")
            .create()
            .unwrap();
        let mut place = TopicPartitionList::new();
        let from = Offset::Offset(i64::try_from(from).unwrap());
        place.add_partition_offset(self.topic, 0, from).unwrap();
        let began = Instant::now();
        consumer.assign(&place).unwrap();
        let (mut read, mut bytes) = (0, 0);
        while read < records {
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                bytes += message.unwrap().payload().map_or(0, <[u8]>::len);
                read += 1;
            }
        }
        assert!(bytes > 0);
        records as f64 / began.elapsed().as_secs_f64()
    }
}
