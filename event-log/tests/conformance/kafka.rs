//! What only a broker can be asked, or do to us.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use event_log::kafka::{KafkaLogs, KafkaOpenError, KafkaOptions};
use event_log::{AppendError, ReadLimits};
use rdkafka::admin::{AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};

use crate::backends::{ALL, Broker, append, block_on, read, record};
use crate::outcomes::eventually;

/// Log time is the broker's, and so near the present if its clock is ours.
#[test]
fn log_time_is_the_brokers() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::default());
    let log = logs.commands();
    let now = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis());
    let before = now().unwrap();
    let appended = append(&*log, 0, &["a", "b"]);
    let after = now().unwrap();
    for appended in &appended {
        assert!((before..=after).contains(&appended.log_time.as_millis()), "{appended:?}");
        let stored = read(&*log, 0, appended.offset, ALL).unwrap();
        assert_eq!(stored.records[0].log_time, appended.log_time);
    }
    logs.close();
}

#[test]
fn two_processes_see_each_others_records() {
    let broker = Broker::new();
    let (one, other) = (broker.open(KafkaOptions::default()), broker.open(KafkaOptions::default()));
    let (from, to) = (one.decisions(), other.decisions());
    for number in 0..20 {
        append(&*from, 1, &[&number.to_string()]);
        block_on(to.wait(1, number));
        let batch = read(&*to, 1, number, ALL).unwrap();
        assert_eq!(batch.records[0].payload, number.to_string());
    }
    one.close();
    other.close();
}

/// Everything arrives once and in order, whoever reads from where, while another process appends.
#[test]
fn old_and_new_records_join_without_a_seam() {
    const CALLS: u64 = 400;
    let broker = Broker::new();
    let (one, other) = (broker.open(KafkaOptions::default()), broker.open(KafkaOptions::default()));
    let (from, to) = (one.commands(), other.commands());
    let number = |call: u64, index: u64| (call * 10 + index).to_string();
    let write = |calls: std::ops::Range<u64>| {
        for call in calls {
            let records = (0..10).map(|index| record(number(call, index))).collect();
            block_on(from.append(2, records)).unwrap();
        }
    };
    write(0..CALLS / 2);
    std::thread::scope(|scope| {
        for limits in [(7, 1 << 20), (1_000, 64), (256, 1 << 20)] {
            let to = Arc::clone(&to);
            scope.spawn(move || {
                let limits = ReadLimits { records_max: limits.0, bytes_max: limits.1 };
                let mut next = 0;
                while next < CALLS * 10 {
                    let batch = read(&*to, 2, next, limits).unwrap();
                    if batch.records.is_empty() {
                        block_on(to.wait(2, next));
                    }
                    for stored in batch.records {
                        assert_eq!(
                            (stored.offset, &stored.payload[..]),
                            (next, next.to_string().as_bytes())
                        );
                        next += 1;
                    }
                }
            });
        }
        write(CALLS / 2..CALLS);
    });
    one.close();
    other.close();
}

#[test]
fn who_only_reads_appends_nothing() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::read_only());
    let refused = block_on(logs.commands().append(0, vec![record("x")])).unwrap_err();
    assert!(matches!(refused, AppendError::Unavailable { .. }), "{refused}");
    assert_eq!(read(&*logs.commands(), 0, 0, ALL).unwrap().end, 0);
    logs.close();
}

#[test]
fn a_call_that_finds_no_room_is_refused_whole() {
    let broker = Broker::new();
    let options = KafkaOptions { waiting_records_max: 10, ..KafkaOptions::default() };
    let logs = broker.open(options);
    let log = logs.commands();
    let many = |count| (0..count).map(|_| record("x")).collect::<Vec<_>>();
    let refused = block_on(log.append(0, many(11))).unwrap_err();
    assert!(matches!(refused, AppendError::Full { .. }), "{refused}");
    assert_eq!(block_on(log.end(0)).unwrap(), 0);
    // Room that was taken is given back.
    for _ in 0..5 {
        assert_eq!(block_on(log.append(0, many(10))).unwrap().len(), 10);
    }
    logs.close();
}

#[track_caller]
fn check_open(broker: &Broker, expected: &str) {
    let refused = KafkaLogs::open(&broker.connection, KafkaOptions::default());
    let said = refused.expect_err("such topics are refused").to_string();
    assert!(said.contains(expected), "{said}");
}

#[test]
fn missing_topics_are_named_with_what_to_do() {
    let broker = Broker::without_topics();
    let topic = broker.connection.topic("commands");
    check_open(&broker, &format!("there is no topic {topic}: run `timedeal topics create`"));
}

#[test]
fn topics_of_other_partition_counts_are_refused() {
    let broker = Broker::without_topics();
    let topics = ["commands", "decisions", "dead-letters"].map(|it| broker.connection.topic(it));
    let new: Vec<_> = topics
        .iter()
        .zip([3, 3, 2])
        .map(|(topic, count)| NewTopic::new(topic, count, TopicReplication::Fixed(1)))
        .map(|topic| topic.set("message.timestamp.type", "LogAppendTime"))
        .collect();
    block_on(broker.administrator().create_topics(&new, &AdminOptions::new())).unwrap();
    check_open(&broker, "dead-letters has 2 partitions");
}

fn set_timestamp_type(broker: &Broker, log: &str, value: &str) {
    let topic = broker.connection.topic(log);
    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic));
    let change = change.set("message.timestamp.type", value).set("max.message.bytes", "2097152");
    let changed = broker.administrator();
    let changed = block_on(changed.alter_configs([&change], &AdminOptions::new())).unwrap();
    assert!(changed.iter().all(Result::is_ok), "{changed:?}");
    // The broker applies a setting a moment after it has taken it.
    eventually(|| {
        let asked = [ResourceSpecifier::Topic(&topic)];
        let administrator = broker.administrator();
        let told = block_on(administrator.describe_configs(&asked, &AdminOptions::new())).unwrap();
        let topic = told[0].as_ref().unwrap();
        topic.get("message.timestamp.type").and_then(|it| it.value.as_deref()) == Some(value)
    });
}

#[test]
fn a_topic_that_takes_its_clients_time_is_refused() {
    let broker = Broker::new();
    set_timestamp_type(&broker, "decisions", "CreateTime");
    check_open(&broker, "message.timestamp.type=CreateTime, not LogAppendTime");
}

#[test]
fn an_acknowledgement_without_the_brokers_time_is_an_unknown_outcome() {
    let broker = Broker::new();
    let logs = broker.open(KafkaOptions::default());
    let log = logs.decisions();
    append(&*log, 0, &["before"]);
    set_timestamp_type(&broker, "decisions", "CreateTime");
    // The broker applies the setting a moment after it has taken it.
    let refused = (0..1_000).find_map(|_| block_on(log.append(0, vec![record("x")])).err());
    let refused = refused.expect("the setting is applied");
    assert!(matches!(refused, AppendError::Unknown { .. }), "{refused}");
    logs.close();
}

#[test]
fn nobody_there_is_said_so() {
    let mut broker = Broker::without_topics();
    // A port that is ours, and that nothing listens on.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    broker.connection.url.brokers = silent.local_addr().unwrap().to_string();
    let refused = KafkaLogs::open(&broker.connection, KafkaOptions::default()).unwrap_err();
    assert!(matches!(refused, KafkaOpenError::Topics(_)), "{refused}");
    assert!(refused.to_string().contains("answers"), "{refused}");
}

#[test]
fn an_end_that_was_learnt_long_ago_is_not_taken_for_the_end() {
    let broker = Broker::new();
    let (one, other) = (broker.open(KafkaOptions::default()), broker.open(KafkaOptions::default()));
    append(&*one.decisions(), 0, &["first"]);
    let reader = other.decisions();
    assert_eq!(block_on(reader.end(0)).unwrap(), 1);
    append(&*one.decisions(), 0, &["second"]);
    // The first read ends where the reader knew the log to end; the second has to look again.
    for from in 0..2 {
        let batch = read(&*reader, 0, from, ALL).unwrap();
        assert_eq!(batch.records.len(), 1, "from {from}");
    }
    one.close();
    other.close();
}
