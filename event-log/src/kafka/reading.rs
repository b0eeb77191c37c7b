//! What all readers of a log have in common: the settings of their clients, and records as the
//! contract has them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{
    BorrowedHeaders, BorrowedMessage, Headers, Message, Timestamp as MessageTime,
};
use rdkafka::topic_partition_list::TopicPartitionList;
use schemas::{Offset, Partition, Timestamp};

use super::connection::Connection;
use super::context::ClientEvents;
use crate::contract::Stored;

/// How long the brokers may take to say who leads.
const LEADERS_PATIENCE: Duration = Duration::from_secs(1);

/// A client that reads by position and belongs to no group.
pub(super) type Consumer = BaseConsumer<ClientEvents>;

/// A client that reads; `queued_kbytes` of records may wait in it.
pub(super) fn consumer(connection: &Connection, queued_kbytes: usize) -> KafkaResult<Consumer> {
    config(connection, queued_kbytes).create_with_context(ClientEvents::new(connection))
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

/// Partition and record of a message; an error says what is wrong with it.
pub(super) fn stored(message: &BorrowedMessage<'_>) -> Result<(Partition, Stored), String> {
    let partition = Partition::try_from(message.partition()).map_err(|it| it.to_string())?;
    let offset = Offset::try_from(message.offset()).map_err(|it| it.to_string())?;
    let MessageTime::LogAppendTime(millis) = message.timestamp() else {
        return Err(format!("the record at {offset} has no append time of the broker's"));
    };
    let stored = Stored {
        offset,
        log_time: Timestamp::from_millis(millis),
        key: copy(message.key()),
        headers: message.headers().map(headers).unwrap_or_default(),
        payload: copy(message.payload()),
    };
    Ok((partition, stored))
}

fn copy(bytes: Option<&[u8]>) -> Bytes {
    bytes.map_or_else(Bytes::new, Bytes::copy_from_slice)
}

/// The binding panics at a header whose name is no text, and has no other way to look at one. Such
/// a record is a stranger's: none of its headers means anything to us.
fn headers(headers: &BorrowedHeaders) -> Vec<(Box<str>, Bytes)> {
    let copied = || headers.iter().map(|header| (header.key.into(), copy(header.value))).collect();
    catch_unwind(AssertUnwindSafe(copied)).unwrap_or_default()
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
