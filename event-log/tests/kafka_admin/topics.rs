//! Topics are made once, and every deviation is found.

use event_log::kafka::topics::{self, Severity, TopicPlan, TopicsError};
use rdkafka::admin::{AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;

use crate::shop::{LOGS, Shop, eventually};

/// What a topic is like on one broker, written down once more.
const SETTINGS: [(&str, &str); 7] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("message.timestamp.type", "LogAppendTime"),
    ("max.message.bytes", "2097152"),
    ("compression.type", "producer"),
    ("min.insync.replicas", "1"),
];

#[tokio::test]
async fn topics_are_made_once_and_then_left_alone() {
    let shop = Shop::new("twice");
    let plan = TopicPlan::development(3);
    let mut created = topics::create(&shop.connection, plan).await.unwrap();
    created.topics.sort();
    let mut expected = shop.topics();
    expected.sort();
    assert_eq!(created.topics, expected);
    assert_eq!(created.findings, []);
    let larger = TopicPlan::development(4);
    let again = topics::create(&shop.connection, larger).await.unwrap();
    assert_eq!(again.topics, [""; 0]);
    let told: Vec<_> = again.findings.iter().map(ToString::to_string).collect();
    let expected = shop.topics().map(|topic| {
        format!(
            "warning: {topic} has 3 partitions instead of 4; they stay as they are, for another \
             number would break the order of every product"
        )
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn two_processes_may_make_the_topics_at_the_same_time() {
    let shop = Shop::new("race");
    let plan = TopicPlan::development(3);
    let one = || topics::create(&shop.connection, plan);
    let (first, second, third) = tokio::join!(one(), one(), one());
    let mut made = Vec::new();
    for created in [first.unwrap(), second.unwrap(), third.unwrap()] {
        assert_eq!(created.findings, []);
        made.extend(created.topics);
    }
    made.sort();
    let mut expected = shop.topics();
    expected.sort();
    assert_eq!(made, expected, "each of them by one process");
}

#[tokio::test]
async fn a_single_broker_cannot_keep_three_replicas() {
    let shop = Shop::new("replicas");
    let error = topics::create(&shop.connection, TopicPlan::production()).await.unwrap_err();
    let TopicsError::Create { topic, source } = error else { panic!("{error:?}") };
    assert!(shop.topics().contains(&topic), "{topic}");
    assert_eq!(source, RDKafkaErrorCode::InvalidReplicationFactor);
}

#[tokio::test]
async fn what_suffices_in_development_is_a_fault_in_production() {
    let shop = Shop::with_topics("relaxed", 2).await;
    let strict = TopicPlan { partitions: 2, ..TopicPlan::production() };
    let findings = topics::check(&shop.connection, strict).await.unwrap();
    let faults = findings.iter().filter(|finding| finding.severity == Severity::Fault);
    let told: Vec<_> = faults.map(|finding| finding.sentence.as_str()).collect();
    let expected = shop.topics().map(|topic| {
        [
            format!(
                "{topic} has partitions with 1 of 3 replicas: losing a broker could lose records"
            ),
            format!(
                "{topic} has min.insync.replicas=1 instead of 2: a record counts as appended while \
                 too few brokers have it"
            ),
        ]
    });
    assert_eq!(told, expected.concat());
}

#[tokio::test]
async fn missing_topics_and_different_numbers_of_partitions_are_found() {
    let shop = Shop::new("missing");
    let plan = TopicPlan::development(2);
    let [commands, decisions, dead_letters] = shop.topics();
    make(&shop, &commands, 2).await;
    make(&shop, &decisions, 4).await;
    let findings = topics::check(&shop.connection, plan).await.unwrap();
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let fault = |sentence: String| format!("fault: {sentence}");
    assert!(told.contains(&fault(format!("there is no topic {dead_letters}"))), "{told:?}");
    let counts =
        format!("the topics have different numbers of partitions: {commands} 2, {decisions} 4");
    assert!(told.contains(&fault(counts)), "{told:?}");
    // What was made by hand has the broker's retention.
    let retention = format!("{commands} has retention.ms=604800000 instead of -1: ");
    assert!(told.iter().any(|it| it.contains(&retention)), "{told:?}");
}

#[tokio::test]
async fn every_setting_that_deviates_is_found() {
    let shop = Shop::with_topics("settings", 2).await;
    let deleted = "its oldest records are deleted, and with them what they decided";
    let rows = [
        ("cleanup.policy", "compact", "fault", "compaction deletes records from the middle"),
        ("retention.ms", "86400000", "fault", deleted),
        ("retention.bytes", "1000000", "fault", deleted),
        (
            "message.timestamp.type",
            "CreateTime",
            "fault",
            "the time of a record is what its sender claims",
        ),
        ("max.message.bytes", "1048588", "fault", "the largest batches are refused"),
        ("compression.type", "gzip", "warning", "the brokers compress every batch again"),
    ];
    let [_, decisions, _] = shop.topics();
    for (name, value, severity, why) in rows {
        let planned = SETTINGS.iter().find(|(known, _)| *known == name).unwrap().1;
        let sentence =
            format!("{severity}: {decisions} has {name}={value} instead of {planned}: {why}");
        check_after(&shop, "decisions", (name, value), &[sentence]).await;
    }
    let insync =
        format!("fault: {decisions} wants 3 in-sync replicas and has 1: nothing can be appended");
    check_after(&shop, "decisions", ("min.insync.replicas", "3"), &[insync]).await;
    check_after(&shop, "decisions", ("max.message.bytes", "4000000"), &[]).await;
    let [_, _, letters] = shop.topics();
    let pity = format!("warning: {letters} has retention.ms=86400000 instead of -1: {deleted}");
    check_after(&shop, "dead-letters", ("retention.ms", "86400000"), &[pity]).await;
}

/// Sets one topic to what it should be but for one setting, looks, and sets it back.
async fn check_after(shop: &Shop, log: &str, deviation: (&str, &str), expected: &[String]) {
    assert!(LOGS.contains(&log));
    let topic = shop.connection.topic(log);
    alter(shop, &topic, deviation).await;
    let look = async || {
        let findings = topics::check(&shop.connection, TopicPlan::development(2)).await.unwrap();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    // A broker learns of a change a moment after it has been made.
    eventually(expected.to_vec(), look).await;
    alter(shop, &topic, SETTINGS[0]).await;
    eventually(Vec::new(), look).await;
}

async fn alter(shop: &Shop, topic: &str, (name, value): (&str, &str)) {
    let settings = SETTINGS.iter().filter(|(known, _)| *known != name);
    let altered = settings.fold(
        AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value),
        |altered, (known, planned)| altered.set(known, planned),
    );
    let administrator = shop.administrator();
    let results = administrator.alter_configs(&[altered], &AdminOptions::new()).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

async fn make(shop: &Shop, topic: &str, partitions: i32) {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let administrator = shop.administrator();
    let results = administrator.create_topics(&[new], &AdminOptions::new()).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}
