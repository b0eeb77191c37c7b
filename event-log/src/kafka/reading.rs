//! What all readers of a log have in common: the settings of their clients, and records as the
//! contract has them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{
    BorrowedHeaders, BorrowedMessage, Header, Headers as _, Message, Timestamp as MessageTime,
};
use rdkafka::topic_partition_list::TopicPartitionList;
use schemas::{Offset, Partition, Timestamp};

use super::connection::Connection;
use super::context::ClientEvents;
use crate::contract::{Headers, Stored};

/// How long the brokers may take to say who leads.
const LEADERS_PATIENCE: Duration = Duration::from_secs(1);

/// What is fetched for one look, about.
const GLANCE_KBYTES: usize = 64;

/// A client that reads by position and belongs to no group.
pub(super) type Consumer = BaseConsumer<ClientEvents>;

/// A client that reads; `queued_kbytes` of records may wait in it.
pub(super) fn consumer(connection: &Connection, queued_kbytes: usize) -> KafkaResult<Consumer> {
    config(connection, queued_kbytes).create_with_context(ClientEvents::new(connection))
}

/// A client for one look: it does not fetch what nobody will read through it.
pub(super) fn glancer(connection: &Connection) -> KafkaResult<Consumer> {
    let mut config = config(connection, GLANCE_KBYTES);
    config
        .set("queued.min.messages", "1")
        // A broker gives a whole batch in any case.
        .set("fetch.message.max.bytes", (GLANCE_KBYTES << 10).to_string());
    config.create_with_context(ClientEvents::new(connection))
}

fn config(connection: &Connection, queued_kbytes: usize) -> ClientConfig {
    let mut config = connection.client_config();
    config
        // Wanted by the client, never joined: no position is ever kept there.
        .set("group.id", format!("{}.reader", connection.url.prefix))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position outside of the log is an alarm, never a reason to jump.
        .set("auto.offset.reset", "error")
        // Nobody writes transactions; if somebody did, hidden records would be gaps.
        .set("isolation.level", "read_uncommitted")
        .set("check.crcs", "true")
        .set("fetch.min.bytes", "1")
        .set("fetch.wait.max.ms", "100")
        // Topics are there before any client is: one that is unknown for so long was deleted. The
        // default is 30 s, in which it would look like one to which nothing is written.
        .set("topic.metadata.propagation.max.ms", "5000")
        // When the local queue was full, fetching goes on at once; the default is a second.
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.min.messages", "100000")
        .set("queued.max.messages.kbytes", queued_kbytes.to_string())
        .set("fetch.message.max.bytes", (4 << 20).to_string());
    config
}

/// Asks who leads the partitions of a topic. A client that is told where to read before it knows
/// looks for the leader once a second only. Blocks, for a second at most.
pub(super) fn learn_leaders(consumer: &Consumer, topic: &str) {
    // It finds out by itself if nobody answers now.
    drop(consumer.fetch_metadata(Some(topic), LEADERS_PATIENCE));
}

/// One place of a topic.
pub(super) fn place(topic: &str, partition: Partition, offset: Offset) -> TopicPartitionList {
    let mut places = TopicPartitionList::with_capacity(1);
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let added =
        places.add_partition_offset(topic, i32::from(partition), rdkafka::Offset::Offset(offset));
    added.expect("an offset is a number that librdkafka takes");
    places
}

/// How many bytes of records share one piece of memory, which is free when all of them are.
const CHUNK_BYTES: usize = 64 << 10;

/// Copies records out of the client, with few pieces of memory for many records.
#[derive(Debug, Default)]
pub(super) struct Copier {
    chunk: BytesMut,
    /// Of the last record: an owner's decisions have the same headers, others the same names.
    headers: Headers,
}

impl Copier {
    /// Partition and record of a message; an error says what is wrong with it.
    pub(super) fn stored(
        &mut self,
        message: &BorrowedMessage<'_>,
    ) -> Result<(Partition, Stored), String> {
        let partition = Partition::try_from(message.partition()).map_err(|it| it.to_string())?;
        let offset = Offset::try_from(message.offset()).map_err(|it| it.to_string())?;
        let MessageTime::LogAppendTime(millis) = message.timestamp() else {
            return Err(format!("the record at {offset} has no append time of the broker's"));
        };
        let stored = Stored {
            offset,
            log_time: Timestamp::from_millis(millis),
            key: self.copy(message.key()),
            headers: message.headers().map(|it| self.headers(it)).unwrap_or_default(),
            payload: self.copy(message.payload()),
        };
        Ok((partition, stored))
    }

    fn copy(&mut self, bytes: Option<&[u8]>) -> Bytes {
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Bytes::new() };
        if bytes.len() > self.chunk.capacity() {
            self.chunk = BytesMut::with_capacity(CHUNK_BYTES.max(bytes.len()));
        }
        self.chunk.extend_from_slice(bytes);
        self.chunk.split().freeze()
    }

    /// The binding panics at a header whose name is no text, and has no other way to look at one.
    /// Such a record is a stranger's: none of its headers means anything to us.
    fn headers(&mut self, headers: &BorrowedHeaders) -> Headers {
        catch_unwind(AssertUnwindSafe(|| self.copy_headers(headers))).unwrap_or_default()
    }

    fn copy_headers(&mut self, headers: &BorrowedHeaders) -> Headers {
        let last = Arc::clone(&self.headers);
        let is_same = |(header, (name, value)): (Header<'_, &[u8]>, &(Arc<str>, Bytes))| {
            header.key == &**name && header.value.unwrap_or_default() == &value[..]
        };
        if headers.count() != last.len() || !headers.iter().zip(&*last).all(is_same) {
            let known = |name: &str| last.iter().find(|(known, _)| &**known == name);
            let copied = headers.iter().map(|header| {
                let name = known(header.key).map_or_else(|| header.key.into(), |it| it.0.clone());
                (name, self.copy(header.value))
            });
            self.headers = copied.collect::<Vec<_>>().into();
        }
        Arc::clone(&self.headers)
    }
}

/// Whether nothing more comes from a partition until it is asked for anew: our place is not in it,
/// the topic is gone, or it is not ours to read.
pub(super) fn is_final(error: &KafkaError) -> bool {
    let is_lost = matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
        )
    );
    is_lost || is_outside(error)
}

/// Whether a client was told to read where there is nothing.
pub(super) fn is_outside(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)
    )
}

/// Whether an error is about a connection, which the client makes again by itself.
pub(super) fn is_of_the_link(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
        )
    )
}
