//! What others can do to a topic while it is in use: delete it, cut off its beginning, change its
//! settings, write records that are not ours.

use event_log::kafka::KafkaOptions;
use event_log::{AppendError, ReadError};
use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::{Offset, TopicPartitionList};
use test_servers::Server;

use crate::backends::{ALL, Broker, append, block_on, read, record, texts};
use crate::foreign::{self, Foreign};
use crate::outcomes::eventually;

fn alter(broker: &Broker, log: &str, settings: [(&str, &str); 2]) {
    let topic = broker.connection.topic(log);
    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic));
    let change = settings.iter().fold(change, |change, (name, value)| change.set(name, value));
    let administrator = broker.administrator();
    let changed = block_on(administrator.alter_configs([&change], &AdminOptions::new())).unwrap();
    assert!(changed.iter().all(Result::is_ok), "{changed:?}");
}

#[test]
fn what_was_deleted_is_out_of_range() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::default());
    let log = logs.commands();
    append(&*log, 0, &["a", "b", "c", "d"]);
    let mut before = TopicPartitionList::new();
    let topic = broker.connection.topic("commands");
    before.add_partition_offset(&topic, 0, Offset::Offset(3)).unwrap();
    let deleted = broker.administrator();
    block_on(deleted.delete_records(&before, &AdminOptions::new())).unwrap();
    assert_eq!(block_on(log.start(0)).unwrap(), 3);
    let other = broker.open(KafkaOptions::read_only());
    for logs in [&logs, &other] {
        let error = read(&*logs.commands(), 0, 1, ALL).unwrap_err();
        assert!(
            matches!(error, ReadError::OutOfRange { offset: 1, start: 3, end: 4, .. }),
            "{error}"
        );
        assert_eq!(texts(&*logs.commands(), 0), ["d"]);
    }
    logs.close();
    other.close();
}

/// It must not look like a log where nothing happens.
#[test]
fn a_topic_that_is_deleted_under_its_readers_is_unavailable() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::default());
    let log = logs.commands();
    append(&*log, 0, &["a"]);
    assert_eq!(texts(&*log, 0), ["a"]);
    assert_eq!(read(&*log, 0, 1, ALL).unwrap().records, []);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block_on(log.wait(0, 1)));
        let topic = broker.connection.topic("commands");
        let administrator = broker.administrator();
        block_on(administrator.delete_topics(&[&topic], &AdminOptions::new())).unwrap();
        waiting.join().unwrap();
    });
    eventually(|| match read(&*log, 0, 1, ALL) {
        Ok(batch) => panic!("{batch:?}"),
        Err(ReadError::Unavailable { .. }) => true,
        Err(other) => panic!("{other}"),
    });
    logs.close();
}

#[test]
fn a_topic_that_takes_smaller_records_refuses_a_larger_one_and_no_other() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::default());
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    let times = ("message.timestamp.type", "LogAppendTime");
    alter(&broker, "commands", [times, ("max.message.bytes", "2000")]);
    // No run of one letter, or it would be compressed to nothing.
    let large = record((0..20_000).map(mixed).collect::<String>());
    // The broker learns of a change a moment after it was made.
    eventually(|| match block_on(log.append(0, vec![large.clone()])) {
        Ok(_) => false,
        Err(AppendError::TooLarge { bytes, .. }) => bytes == 20_000,
        Err(other) => panic!("{other}"),
    });
    let end = block_on(log.end(0)).unwrap();
    assert_eq!(append(&*log, 0, &["after"])[0].offset, end, "nothing was written");
    logs.close();
}

/// A letter that does not follow from the one before.
fn mixed(number: u32) -> char {
    let mixed = number.wrapping_mul(0x9e37_79b9) ^ number.wrapping_mul(number) >> 7;
    char::from(b' ' + (mixed.wrapping_mul(0x85eb_ca6b) >> 25) as u8 % 94)
}

#[test]
fn a_record_without_the_logs_time_is_an_error_and_not_skipped() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::default());
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    let size = ("max.message.bytes", "2097152");
    alter(&broker, "commands", [("message.timestamp.type", "CreateTime"), size]);
    let payloads = ["foreign".to_owned()];
    let batch = Foreign { has_log_time: false, header: None, payloads: &payloads };
    let topic = broker.connection.topic("commands");
    let mut foreign = 0;
    // The broker learns of a change a moment after it was made.
    eventually(|| {
        foreign = foreign::write(&Server::Kafka.address(), &topic, 0, &batch).cast_unsigned();
        read(&*log, 0, foreign, ALL).is_err()
    });
    for _ in 0..2 {
        let error = read(&*log, 0, foreign, ALL).unwrap_err();
        assert!(matches!(&error, ReadError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("no append time of the broker's"), "{error}");
        let before = read(&*log, 0, 0, ALL).unwrap().records.len();
        assert_eq!(before as u64, foreign);
    }
    logs.close();
}

#[test]
fn a_header_whose_name_is_no_text_stops_nobody() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::default());
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    // Also where the tail is being followed.
    assert_eq!(read(&*log, 0, 1, ALL).unwrap().records, []);
    let payloads = ["foreign".to_owned()];
    let batch = Foreign { has_log_time: false, header: Some(b"\xff\xfe"), payloads: &payloads };
    let topic = broker.connection.topic("commands");
    assert_eq!(foreign::write(&Server::Kafka.address(), &topic, 0, &batch), 1);
    append(&*log, 0, &["after"]);
    let other = broker.open(KafkaOptions::read_only());
    for logs in [&logs, &other] {
        let log = logs.commands();
        assert_eq!(texts(&*log, 0), ["before", "foreign", "after"]);
        assert_eq!(read(&*log, 0, 1, ALL).unwrap().records[0].headers, [].into());
    }
    logs.close();
    other.close();
}
