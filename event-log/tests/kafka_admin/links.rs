//! Who is let in, and by whom we let ourselves be taken in: TLS and passwords. What is refused is
//! refused within seconds, and says so.

use std::path::PathBuf;

use event_log::kafka::membership::{Membership, MembershipOptions};
use event_log::kafka::topics::{self, TopicPlan, TopicsError};
use event_log::kafka::{Connection, LinkError, Sasl, ScramMechanism};
use event_log::{Assignment, Assignments};
use test_servers::Server;
use tokio::time::timeout;

use crate::shop::{PATIENCE, Shop};

const PLAN: fn() -> TopicPlan = || TopicPlan::development(2);

fn scram(password: Option<&str>) -> Sasl {
    let known = Server::KafkaScramUser.address();
    let (user, known) = known.split_once(':').unwrap();
    let password = password.unwrap_or(known).to_owned();
    Sasl::Scram { mechanism: ScramMechanism::Sha512, user: user.to_owned(), password }
}

/// Topics are made and a worker joins, all through this connection.
async fn works(connection: &Connection) {
    assert_eq!(topics::create(connection, PLAN()).await.unwrap().findings, []);
    let (membership, mut assignments) = join(connection).await.unwrap();
    let change = timeout(PATIENCE, assignments.next()).await.unwrap();
    assert!(matches!(&change, Some(Assignment::Assigned(all)) if *all == [0, 1]), "{change:?}");
    drop(assignments);
    membership.leave().await.unwrap();
}

async fn join(connection: &Connection) -> Result<(Membership, Assignments), LinkError> {
    let group = format!("{}.workers", connection.url.prefix);
    Membership::join(connection, MembershipOptions::new(group, None)).await
}

/// Why nothing works through this connection: the same for all that could be asked.
async fn refusal(connection: &Connection) -> LinkError {
    let errors = [
        topics::create(connection, PLAN()).await.map(drop),
        topics::check(connection, PLAN()).await.map(drop),
        join(connection).await.map(drop).map_err(TopicsError::Link),
    ];
    let mut links = errors.map(|error| match error {
        Err(TopicsError::Link(link)) => link,
        other => panic!("{other:?}"),
    });
    let kinds = links.each_ref().map(std::mem::discriminant);
    assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{links:?}");
    links.swap(0, 2);
    let [joining, ..] = links;
    joining
}

#[tokio::test]
async fn a_broker_with_a_certificate_of_our_authority_is_trusted() {
    let shop = Shop::new("tls");
    works(&shop.through(Server::KafkaTls, true, Sasl::None)).await;
}

#[tokio::test]
async fn a_broker_with_a_certificate_of_another_authority_is_not() {
    let shop = Shop::new("authority");
    let mut connection = shop.through(Server::KafkaTls, true, Sasl::None);
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka_admin/other-authority.pem");
    connection.ca_file = Some(PathBuf::from(other));
    check_tls_fault(&connection, &refusal(&connection).await);
}

#[tokio::test]
async fn a_broker_whose_certificate_has_another_name_is_not() {
    let shop = Shop::new("name");
    let mut connection = shop.through(Server::KafkaTls, true, Sasl::None);
    // Leads to the same machine; no certificate has it.
    connection.url.brokers = connection.url.brokers.replace("127.0.0.1", "127.1");
    assert!(connection.url.brokers.starts_with("127.1:"), "{:?}", connection.url);
    check_tls_fault(&connection, &refusal(&connection).await);
}

#[track_caller]
fn check_tls_fault(connection: &Connection, error: &LinkError) {
    let LinkError::Tls { brokers, authority, reason } = error else { panic!("{error:?}") };
    assert_eq!(*brokers, connection.url.brokers);
    let file = connection.ca_file.as_ref().unwrap().display().to_string();
    assert!(authority.contains(&file), "{authority}");
    assert!(reason.contains("certificate verify failed"), "{reason}");
}

#[tokio::test]
async fn a_user_with_the_right_password_is_let_in() {
    let shop = Shop::new("password");
    works(&shop.through(Server::KafkaScram, true, scram(None))).await;
}

#[tokio::test]
async fn a_user_with_a_wrong_password_is_refused_by_name_of_broker_and_mechanism() {
    let shop = Shop::new("wrong");
    let connection = shop.through(Server::KafkaScram, true, scram(Some("not the password")));
    let error = refusal(&connection).await;
    let LinkError::Refused { brokers, identity, reason } = &error else { panic!("{error:?}") };
    assert_eq!(*brokers, connection.url.brokers);
    assert!(identity.starts_with("SCRAM-SHA-512 user "), "{identity}");
    assert!(reason.contains(brokers) && reason.contains("SCRAM-SHA-512"), "{reason}");
    assert!(!error.to_string().contains("not the password"), "{error}");
}
