//! Signing in with tokens that live for seconds: a new one is there before the old one expires.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_log::kafka::membership::{Membership, MembershipOptions};
use event_log::kafka::topics::{self, TopicPlan, TopicsError};
use event_log::kafka::{KafkaLogs, KafkaOptions, LinkError, OauthToken, Sasl};
use event_log::{Assignment, ReadLimits, Record};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use test_servers::Server;
use tokio::time::timeout;

use crate::shop::{PATIENCE, Shop, eventually};

/// A token that nobody signed, as the test broker takes it.
fn token(life: Duration) -> OauthToken {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let expires = now + life;
    let claims =
        format!(r#"{{"sub":"shop","iat":{},"exp":{}}}"#, now.as_secs_f64(), expires.as_secs_f64());
    let encode = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
    OauthToken {
        token: format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims)),
        principal: "shop".to_owned(),
        expires_at_ms: i64::try_from(expires.as_millis()).unwrap(),
    }
}

#[tokio::test]
async fn a_client_with_a_token_is_let_in_but_cannot_make_topics() {
    let shop = Shop::new("token");
    let sasl = Sasl::Oauth(Arc::new(|| Ok(token(Duration::from_secs(60)))));
    let connection = shop.through(Server::KafkaOauth, false, sasl);
    let plan = TopicPlan::development(2);
    let error = topics::create(&connection, plan).await.unwrap_err();
    let TopicsError::TokensCannotCreate { topics: missing } = &error else { panic!("{error:?}") };
    assert_eq!(*missing, shop.topics().join(", "));
    topics::create(&shop.connection, plan).await.unwrap();
    let found = topics::create(&connection, plan).await.unwrap();
    assert!(found.topics.is_empty(), "{found:?}");
    let told: Vec<_> = found.findings.iter().map(ToString::to_string).collect();
    let expected = shop.topics().map(|topic| {
        format!(
            "warning: the settings of {topic} are unknown: a client that signs in with tokens \
             (OAUTHBEARER) cannot ask"
        )
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_first_question_of_a_log_finds_the_token_there() {
    let shop = Shop::with_topics("asked", 1).await;
    let sasl = Sasl::Oauth(Arc::new(|| Ok(token(Duration::from_secs(60)))));
    let connection = shop.through(Server::KafkaOauth, false, sasl);
    let open = move || KafkaLogs::open(&connection, KafkaOptions::default());
    let logs = tokio::task::spawn_blocking(open).await.unwrap().unwrap();
    let commands = logs.commands();
    assert_eq!(commands.end(0).await.unwrap(), 0);
    let record = Record { payload: "one".into(), ..Record::default() };
    commands.append(0, vec![record]).await.unwrap();
    let limits = ReadLimits { records_max: 9, bytes_max: 1 << 20 };
    assert_eq!(commands.read(0, 0, limits).await.unwrap().records.len(), 1);
    tokio::task::spawn_blocking(move || logs.close()).await.unwrap();
}

#[tokio::test]
async fn without_a_token_nobody_is_let_in() {
    let shop = Shop::new("tokenless");
    let sasl = Sasl::Oauth(Arc::new(|| Err("no token yet".to_owned())));
    let connection = shop.through(Server::KafkaOauth, false, sasl);
    let error = topics::check(&connection, TopicPlan::development(2)).await.unwrap_err();
    let TopicsError::Link(LinkError::Refused { brokers, identity, reason }) = error else {
        panic!("{error:?}")
    };
    assert_eq!((brokers, identity.as_str()), (connection.url.brokers, "OAUTHBEARER token"));
    assert!(reason.contains("no token yet"), "{reason}");
}

#[tokio::test]
async fn a_token_that_the_broker_does_not_take_is_refused() {
    let shop = Shop::new("expired");
    let late = || {
        let mut late = token(Duration::ZERO);
        // The client believes in it; the broker looks into it.
        late.expires_at_ms += 60_000;
        Ok(late)
    };
    let connection = shop.through(Server::KafkaOauth, false, Sasl::Oauth(Arc::new(late)));
    let error = topics::check(&connection, TopicPlan::development(2)).await.unwrap_err();
    let TopicsError::Link(LinkError::Refused { reason, .. }) = error else { panic!("{error:?}") };
    assert!(reason.contains(&connection.url.brokers), "{reason}");
}

#[tokio::test]
async fn tokens_are_replaced_before_they_expire_and_nothing_stops() {
    let shop = Shop::with_topics("renewed", 2).await;
    let given = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&given);
    let sasl = Sasl::Oauth(Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(token(Duration::from_secs(3)))
    }));
    let connection = shop.through(Server::KafkaOauth, false, sasl);
    let group = format!("{}.workers", connection.url.prefix);
    let often = MembershipOptions {
        commit_interval: Duration::from_millis(100),
        ..MembershipOptions::new(group.clone(), None)
    };
    let (membership, mut assignments) = Membership::join(&connection, often).await.unwrap();
    let first = timeout(PATIENCE, assignments.next()).await.unwrap();
    assert!(matches!(first, Some(Assignment::Assigned(_))), "{first:?}");
    // Each needs a token that was given after the one before had done its work.
    for position in 1..=5 {
        let before = given.load(Ordering::Relaxed);
        eventually(true, async || given.load(Ordering::Relaxed) > before).await;
        membership.commit(1, position);
        eventually(position, async || committed(&shop, &group)).await;
    }
    drop(assignments);
    membership.leave().await.unwrap();
}

/// As a client without tokens sees it.
fn committed(shop: &Shop, group: &str) -> u64 {
    let mut config = shop.client_config();
    let observer: BaseConsumer = config.set("group.id", group).create().unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition(&shop.connection.topic("commands"), 1);
    let told = observer.committed_offsets(asked, PATIENCE).unwrap();
    match told.elements()[0].offset() {
        Offset::Offset(offset) => u64::try_from(offset).unwrap(),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid => 0,
        Offset::OffsetTail(_) => 0,
    }
}
