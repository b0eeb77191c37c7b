//! Loops over librdkafka's own consumer and producer on one thread, with nothing around them: read
//! a purchase, parse it, write what could be its decision. Without transactions it is the limit of
//! an order-worker. With a sale and a transaction for each batch it is the peer that is exactly
//! once by the broker's means.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use schemas::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decided::Span;

const WITHIN: Duration = Duration::from_secs(30);
/// Delivery reports are taken this often.
const POLL_EVERY: u64 = 256;
/// The log's first record is no purchase.
const FIRST: i64 = 1;

/// How a loop is started.
#[derive(Args, Debug)]
pub(crate) struct LoopFlags {
    #[arg(long)]
    brokers: String,
    /// Topic with purchases in its partition 0.
    #[arg(long)]
    from: String,
    /// Topic that takes what could be decisions.
    #[arg(long)]
    to: String,
    /// Purchases.
    #[arg(long)]
    records: u64,
    /// Units for them; without it nothing is sold and nobody remembered.
    #[arg(long)]
    stock: Option<u64>,
    /// Purchases of one transaction; none without it.
    #[arg(long)]
    batch: Option<u64>,
}

#[derive(Deserialize)]
struct Purchase<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(default)]
    deal_id: &'a str,
    #[serde(default)]
    customer: &'a str,
    #[serde(default)]
    key: &'a str,
    #[serde(default)]
    quantity: u32,
}

/// As long as a decision that confirms an order.
#[derive(Serialize)]
struct Decision<'a> {
    v: u32,
    r#type: &'static str,
    offset: i64,
    after: i64,
    log_time: i64,
    events: [Event<'a>; 1],
}

#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    deal_id: &'a str,
    customer: &'a str,
    key: &'a str,
    fingerprint: &'static str,
    quantity: u32,
    unit_price: Price,
    ticket_key: u32,
    purchased_at: i64,
    stock_left: u64,
    held: u64,
}

#[derive(Serialize)]
struct Price {
    amount: i64,
    currency: &'static str,
}

/// One unit for each customer while there are any.
struct Sale {
    left: u64,
    buyers: HashSet<Box<str>>,
}

impl Sale {
    fn sells(&mut self, customer: &str) -> bool {
        let sells = self.left > 0 && self.buyers.insert(customer.into());
        self.left -= u64::from(sells);
        sells
    }
}

/// Runs until all purchases are through and acknowledged.
pub(crate) fn run(flags: &LoopFlags) -> Result<()> {
    let consumer = consumer(&flags.brokers, &flags.from, &format!("{}-loop", flags.to))?;
    let producer = producer(flags)?;
    producer.client().fetch_metadata(Some(&flags.to), WITHIN)?;
    if flags.batch.is_some() {
        producer.init_transactions(WITHIN)?;
        producer.begin_transaction()?;
    }
    let mut sale = flags.stock.map(|left| Sale { left, buyers: HashSet::new() });
    let (mut done, mut bytes) = (0, Vec::with_capacity(1_024));
    while done < flags.records {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        let payload = message.payload().context("a record without payload")?;
        let purchase: Purchase<'_> = serde_json::from_slice(payload)?;
        if purchase.kind != "place_purchase" {
            continue;
        }
        let sold = sale.as_mut().is_none_or(|sale| sale.sells(purchase.customer));
        bytes.clear();
        let left = sale.as_ref().map_or(1, |sale| sale.left);
        serde_json::to_writer(&mut bytes, &decision(&purchase, message.offset(), sold, left))?;
        send(&producer, &flags.to, &bytes)?;
        done += 1;
        if done % POLL_EVERY == 0 {
            producer.poll(Duration::ZERO);
        }
        if let Some(batch) = flags.batch
            && (done % batch == 0 || done == flags.records)
        {
            commit(&consumer, &producer, flags, message.offset() + 1)?;
            if done < flags.records {
                producer.begin_transaction()?;
            }
        }
    }
    drain(&producer);
    let left = sale.map_or(0, |sale| sale.left);
    ensure!(left == 0, "{left} units are left of {:?}", flags.stock);
    Ok(())
}

/// The read position and what was written, at once.
fn commit(
    consumer: &BaseConsumer,
    producer: &BaseProducer,
    flags: &LoopFlags,
    next: i64,
) -> Result<()> {
    // `flush`, and so the commit, waits in steps of 100 ms for what is on its way.
    drain(producer);
    let mut position = TopicPartitionList::new();
    position.add_partition_offset(&flags.from, 0, Offset::Offset(next))?;
    let group = consumer.group_metadata().context("no group")?;
    producer.send_offsets_to_transaction(&position, &group, WITHIN)?;
    producer.commit_transaction(WITHIN)?;
    Ok(())
}

/// The broker's times of what a loop has written and committed. Not read as a log of ours: the
/// marks of transactions stand between its records.
pub(crate) fn span_of(brokers: &str, topic: &str, expected: u64) -> Result<Span> {
    let consumer = consumer(brokers, topic, "looks")?;
    let (mut span, start) = (None, Instant::now());
    while span.is_none_or(|span: Span| span.records < expected) {
        ensure!(start.elapsed() < WITHIN, "{topic}: less than {expected} records: {span:?}");
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let millis = message?.timestamp().to_millis().context("a record without a time")?;
            Span::note(&mut span, Timestamp::from_millis(millis));
        }
    }
    span.context("nothing was to be expected")
}

fn drain(producer: &BaseProducer) {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
}

fn send(producer: &BaseProducer, topic: &str, payload: &[u8]) -> Result<()> {
    let mut record = BaseRecord::<(), [u8]>::to(topic).partition(0).payload(payload);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                producer.poll(Duration::from_millis(1));
                record = again;
            }
            Err((fault, _)) => bail!(fault),
        }
    }
}

fn decision<'a>(purchase: &Purchase<'a>, offset: i64, sold: bool, left: u64) -> Decision<'a> {
    let event = Event {
        r#type: if sold { "order_confirmed" } else { "order_rejected" },
        deal_id: purchase.deal_id,
        customer: purchase.customer,
        key: purchase.key,
        fingerprint: "0000000000000001",
        quantity: purchase.quantity,
        unit_price: Price { amount: 1_990, currency: "EUR" },
        ticket_key: 1,
        purchased_at: 1_700_000_000_000,
        stock_left: left,
        held: 0,
    };
    let (r#type, log_time) = ("decision", 1_700_000_000_000);
    Decision { v: 1, r#type, offset, after: offset, log_time, events: [event] }
}

/// Reads partition 0 behind its first record.
fn consumer(brokers: &str, topic: &str, group: &str) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    let mut place = TopicPartitionList::new();
    place.add_partition_offset(topic, 0, Offset::Offset(FIRST))?;
    consumer.assign(&place)?;
    Ok(consumer)
}

fn producer(flags: &LoopFlags) -> Result<BaseProducer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &flags.brokers).set("enable.idempotence", "true");
    config.set("linger.ms", "2").set("compression.type", "lz4");
    if flags.batch.is_some() {
        config.set("transactional.id", format!("{}-loop", flags.to));
    }
    Ok(config.create()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_about_as_long_as_a_real_decision() {
        let golden = |name: &str| {
            let path = format!("{}/../../schemas/golden/{name}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            // The second sample has none of what may be left out.
            text.lines().nth(1).unwrap().to_owned()
        };
        let (command, real) =
            (golden("place_purchase.jsonl"), golden("event.order_confirmed.jsonl"));
        let purchase: Purchase<'_> = serde_json::from_str(&command).unwrap();
        let written = serde_json::to_string(&decision(&purchase, 812, true, 41)).unwrap();
        assert_eq!(written.len(), real.len());
    }

    #[test]
    fn a_customer_gets_one_unit_while_there_are_any() {
        let mut sale = Sale { left: 2, buyers: HashSet::new() };
        let sold = ["a", "a", "b", "c"].map(|customer| sale.sells(customer));
        assert_eq!((sold, sale.left), ([true, false, true, false], 0));
    }
}
