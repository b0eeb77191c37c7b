//! Asking the brokers what the topics are like, and having them made. Blocks; must not judge.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::finding::{Finding, Layout, TopicState, findings};
use super::{Created, LOGS, Shape, TopicPlan, TopicsError, settings};
use crate::kafka::connection::{Connection, Sasl};
use crate::kafka::context::ClientEvents;
use crate::kafka::link::Link;
use crate::kafka::own_thread::wait_at_most;

/// How long the brokers may take for one answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// How long new partitions may take to get a leader: as many as a topic can have.
const LEADER_PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

pub(super) fn create(connection: &Connection, plan: TopicPlan) -> Result<Created, TopicsError> {
    let link = Link::open(connection)?;
    let mut missing = Vec::new();
    for log in LOGS {
        let topic = connection.topic(log);
        if layout(&link, &topic)?.is_none() {
            missing.push(topic);
        }
    }
    let topics = if missing.is_empty() {
        Vec::new()
    } else {
        let administrator = administrator(connection, &missing)?;
        create_missing(&administrator, &plan, &missing)?
    };
    for log in LOGS {
        wait_for_leaders(&link, &connection.topic(log))?;
    }
    Ok(Created { topics, findings: look(connection, &link, &plan)? })
}

pub(super) fn check(connection: &Connection, plan: TopicPlan) -> Result<Vec<Finding>, TopicsError> {
    let link = Link::open(connection)?;
    look(connection, &link, &plan)
}

pub(super) fn shapes(connection: &Connection) -> Result<[Shape; 3], TopicsError> {
    let link = Link::open(connection)?;
    let mut settings = described_settings(connection).unwrap_or_default();
    let mut shapes = Vec::new();
    for log in LOGS {
        let topic = connection.topic(log);
        let partitions = layout(&link, &topic)?.map(|layout| layout.partitions);
        let described = settings.remove(&topic).and_then(Result::ok).unwrap_or_default();
        let timestamp_type = described.get("message.timestamp.type").cloned();
        shapes.push(Shape { topic, partitions, timestamp_type });
    }
    Ok(shapes.try_into().expect("as many as there are logs"))
}

/// The administrator of a client that signs in with tokens never gets one: the binding does not
/// read the reports of this kind of client, and the wish for a token is one of them.
fn administrator(
    connection: &Connection,
    missing: &[String],
) -> Result<AdminClient<ClientEvents>, TopicsError> {
    if let Sasl::Oauth(_) = connection.sasl {
        return Err(TopicsError::TokensCannotCreate { topics: missing.join(", ") });
    }
    Ok(new_administrator(connection)?)
}

fn new_administrator(connection: &Connection) -> KafkaResult<AdminClient<ClientEvents>> {
    let config: ClientConfig = connection.client_config();
    config.create_with_context(ClientEvents::new(connection))
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_PATIENCE))
        .operation_timeout(Some(ANSWER_PATIENCE))
}

/// Those of `missing` that were made by this call; somebody else may have been faster.
fn create_missing(
    administrator: &AdminClient<ClientEvents>,
    plan: &TopicPlan,
    missing: &[String],
) -> Result<Vec<String>, TopicsError> {
    let rules = settings::rules(plan, false);
    let new_topics: Vec<_> = missing
        .iter()
        .map(|topic| {
            let replication = TopicReplication::Fixed(i32::from(plan.replication_factor));
            let new = NewTopic::new(topic, i32::from(plan.partitions), replication);
            rules.iter().fold(new, |new, rule| new.set(rule.name, &rule.value))
        })
        .collect();
    let created = answer(administrator.create_topics(&new_topics, &options()))?;
    let mut topics = Vec::new();
    for result in created {
        match result {
            Ok(topic) => topics.push(topic),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, source)) => return Err(TopicsError::Create { topic, source }),
        }
    }
    Ok(topics)
}

/// The call has a time limit of its own; ours is there in case it forgets.
fn answer<T>(call: impl Future<Output = KafkaResult<T>>) -> KafkaResult<T> {
    let late = Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
    wait_at_most(call, ANSWER_PATIENCE * 3).unwrap_or(late)
}

fn wait_for_leaders(link: &Link, topic: &str) -> Result<(), TopicsError> {
    let deadline = Instant::now() + LEADER_PATIENCE;
    loop {
        if layout(link, topic)?.is_some_and(|layout| layout.without_leader == 0) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(TopicsError::NoLeader { topic: topic.to_owned() });
        }
        link.serve(LOOK_INTERVAL);
    }
}

fn look(
    connection: &Connection,
    link: &Link,
    plan: &TopicPlan,
) -> Result<Vec<Finding>, TopicsError> {
    let mut states = Vec::new();
    for log in LOGS {
        let topic = connection.topic(log);
        let layout = layout(link, &topic)?;
        let settings = Err("no answer".to_owned());
        states.push(TopicState { topic, layout, settings, is_copy: log == "dead-letters" });
    }
    match described_settings(connection) {
        Ok(mut described) => {
            for state in &mut states {
                if let Some(settings) = described.remove(&state.topic) {
                    state.settings = settings;
                }
            }
        }
        Err(reason) => states.iter_mut().for_each(|state| state.settings = Err(reason.clone())),
    }
    Ok(findings(plan, &states))
}

/// How a topic lies on the brokers; nothing if there is none.
fn layout(link: &Link, topic: &str) -> KafkaResult<Option<Layout>> {
    let metadata = link.metadata(topic, ANSWER_PATIENCE)?;
    let Some(described) = metadata.topics().iter().find(|described| described.name() == topic)
    else {
        return Ok(None);
    };
    match described.error().map(RDKafkaErrorCode::from) {
        None => {}
        // The second is what a topic says that is still being made.
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::LeaderNotAvailable) => {
            return Ok(None);
        }
        Some(code) => return Err(KafkaError::MetadataFetch(code)),
    }
    let partitions = described.partitions();
    Ok(Some(Layout {
        partitions: partitions.len(),
        replicas: partitions.iter().map(|it| it.replicas().len()).min().unwrap_or(0),
        without_leader: partitions.iter().filter(|it| it.leader() < 0).count(),
    }))
}

/// The settings by topic, each as far as we may read them.
type DescribedSettings = BTreeMap<String, Result<BTreeMap<String, String>, String>>;

/// The error says why nothing at all is known: a warning, for a role may be forbidden to read them.
fn described_settings(connection: &Connection) -> Result<DescribedSettings, String> {
    if let Sasl::Oauth(_) = connection.sasl {
        return Err("a client that signs in with tokens (OAUTHBEARER) cannot ask".to_owned());
    }
    let administrator = new_administrator(connection).map_err(|error| error.to_string())?;
    let topics = LOGS.map(|log| connection.topic(log));
    let asked: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let described = answer(administrator.describe_configs(&asked, &options()))
        .map_err(|error| error.to_string())?;
    // Answers stand in the order of the questions.
    let named = topics.into_iter().zip(described);
    Ok(named.map(|(topic, it)| (topic, it.map(values).map_err(|code| code.to_string()))).collect())
}

fn values(described: ConfigResource) -> BTreeMap<String, String> {
    let entries = described.entries.into_iter();
    entries.filter_map(|entry| Some((entry.name, entry.value?))).collect()
}
