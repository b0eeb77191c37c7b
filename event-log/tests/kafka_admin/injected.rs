//! What a broker does rarely and cannot be asked for: the one that librdkafka pretends to be does
//! it. It stands for nothing else.

use std::time::Duration;

use event_log::kafka::membership::{Membership, MembershipFault, MembershipOptions};
use event_log::kafka::topics::{self, TopicPlan};
use event_log::kafka::{Connection, KafkaUrl, Sasl};
use event_log::{Assignment, Assignments};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::timeout;

use crate::shop::{LOGS, PATIENCE};

const PARTITIONS: u16 = 2;

type Pretended = MockCluster<'static, DefaultProducerContext>;

/// With all topics.
fn pretend() -> (Pretended, Connection) {
    let cluster = MockCluster::new(1).unwrap();
    let url = KafkaUrl {
        brokers: cluster.bootstrap_servers(),
        prefix: "pretended".to_owned(),
        tls: false,
    };
    let client_id = "pretended".to_owned();
    let connection = Connection { url, sasl: Sasl::None, ca_file: None, client_id };
    for log in LOGS {
        cluster.create_topic(&connection.topic(log), i32::from(PARTITIONS), 1).unwrap();
    }
    (cluster, connection)
}

async fn join(connection: &Connection) -> (Membership, Assignments) {
    Membership::join(connection, MembershipOptions::new("workers", None)).await.unwrap()
}

async fn next(assignments: &mut Assignments) -> Option<Assignment> {
    timeout(PATIENCE, assignments.next()).await.expect("a change of the assignment")
}

#[tokio::test]
async fn a_member_that_the_group_has_forgotten_has_lost_everything_and_comes_back() {
    let (cluster, connection) = pretend();
    let (membership, mut assignments) = join(&connection).await;
    let first = next(&mut assignments).await;
    assert!(matches!(&first, Some(Assignment::Assigned(all)) if *all == [0, 1]), "{first:?}");
    let forgotten = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID];
    cluster.request_errors(RDKafkaApiKey::Heartbeat, &forgotten);
    let lost = next(&mut assignments).await;
    assert!(matches!(&lost, Some(Assignment::Lost(all)) if *all == [0, 1]), "{lost:?}");
    let again = next(&mut assignments).await;
    assert!(matches!(&again, Some(Assignment::Assigned(all)) if *all == [0, 1]), "{again:?}");
    assert!(membership.fault().is_none());
}

#[tokio::test]
async fn a_member_that_the_group_refuses_ends_with_the_reason() {
    let (cluster, connection) = pretend();
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 3];
    cluster.request_errors(RDKafkaApiKey::JoinGroup, &refused);
    let (membership, mut assignments) = join(&connection).await;
    assert!(next(&mut assignments).await.is_none());
    let fault = membership.fault();
    assert!(matches!(&fault, Some(MembershipFault::Refused { .. })), "{fault:?}");
}

#[tokio::test]
async fn topics_are_made_only_once_all_their_partitions_have_a_leader() {
    let (cluster, connection) = pretend();
    let decisions = connection.topic("decisions");
    cluster.partition_leader(&decisions, 1, None).unwrap();
    let mut creating = Box::pin(topics::create(&connection, TopicPlan::development(PARTITIONS)));
    let early = timeout(Duration::from_secs(1), &mut creating).await;
    assert!(early.is_err(), "{early:?}");
    cluster.partition_leader(&decisions, 1, Some(1)).unwrap();
    let created = timeout(PATIENCE, creating).await.expect("an end").unwrap();
    assert!(created.topics.is_empty(), "they were there before");
    let about_leaders = created.findings.iter().any(|it| it.sentence.contains("leader"));
    assert!(!about_leaders, "{:?}", created.findings);
}
