//! The three topics of a shop: what they have to be like, making those that are missing, and saying
//! what is wrong with those that are there. Nothing that exists is ever changed. Must not know what
//! stands in them; the first record of commands/0, which names the log, is written by others.

mod brokers;
mod finding;
mod settings;

use std::io;
use std::ops::RangeInclusive;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use schemas::Partition;

use super::connection::Connection;
use super::link::LinkError;
use super::own_thread::on_own_thread;
pub use finding::{Finding, Severity};

/// How many partitions a topic may have.
pub const PARTITIONS: RangeInclusive<Partition> = 1..=16_384;

/// The topics, without their prefix.
const LOGS: [&str; 3] = ["commands", "decisions", "dead-letters"];

/// What the topics are to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// Partitions of each, in [`PARTITIONS`]. Fixed for ever: another count would send a product's
    /// commands to another partition, and so break their order.
    pub partitions: Partition,
    /// Brokers that keep each record.
    pub replication_factor: u8,
    /// Brokers that have to have a record before it counts as appended.
    pub min_insync_replicas: u8,
}

impl TopicPlan {
    /// What survives the loss of a broker, and goes on without it.
    #[must_use]
    pub fn production() -> Self {
        Self { partitions: 64, replication_factor: 3, min_insync_replicas: 2 }
    }

    /// What one broker can do.
    #[must_use]
    pub fn development(partitions: Partition) -> Self {
        Self { partitions, replication_factor: 1, min_insync_replicas: 1 }
    }

    fn checked(self) -> Result<Self, TopicsError> {
        let is_insync = (1..=self.replication_factor).contains(&self.min_insync_replicas);
        if PARTITIONS.contains(&self.partitions) && is_insync {
            return Ok(self);
        }
        Err(TopicsError::Plan)
    }
}

/// Why topics could not be made or looked at.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// The plan cannot be.
    #[error(
        "topics have {min} to {max} partitions, and no more in-sync replicas than replicas",
        min = PARTITIONS.start(), max = PARTITIONS.end()
    )]
    Plan,
    /// There is no link to the brokers.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The brokers did not make a topic.
    #[error("the brokers did not create the topic {topic}")]
    Create {
        /// Its name.
        topic: String,
        /// What they said.
        #[source]
        source: RDKafkaErrorCode,
    },
    /// Topics are missing, and this client cannot make any: it never gets its administrator a
    /// token.
    #[error(
        "topics are missing ({topics}) and cannot be created by a client that signs in with tokens \
         (OAUTHBEARER): create them with the tools of the broker, or as a user with a password"
    )]
    TokensCannotCreate {
        /// Their names.
        topics: String,
    },
    /// A topic was made, but nobody leads some of it yet.
    #[error("the topic {topic} still has partitions without a leader")]
    NoLeader {
        /// Its name.
        topic: String,
    },
    /// The brokers did not answer a question.
    #[error("the brokers did not say what the topics are like")]
    Unanswered(#[from] KafkaError),
}

impl From<io::Error> for TopicsError {
    fn from(error: io::Error) -> Self {
        Self::Link(LinkError::Thread(error))
    }
}

/// What [`create`] did and found.
#[derive(Debug, PartialEq, Eq)]
pub struct Created {
    /// Topics that did not exist before, in no order that matters.
    pub topics: Vec<String>,
    /// What is wrong with the topics, old or new.
    pub findings: Vec<Finding>,
}

/// Makes the topics that are missing, waits until all of their partitions have a leader, then
/// looks at everything. May be called twice, also at the same time.
///
/// # Errors
/// If the brokers cannot be reached, or do not make a topic.
pub async fn create(connection: &Connection, plan: TopicPlan) -> Result<Created, TopicsError> {
    let plan = plan.checked()?;
    let connection = connection.clone();
    on_own_thread(move || brokers::create(&connection, plan)).await?
}

/// Everything that is wrong with the topics, all of it and not only the first.
///
/// # Errors
/// If the brokers cannot be reached or do not answer.
pub async fn check(connection: &Connection, plan: TopicPlan) -> Result<Vec<Finding>, TopicsError> {
    let plan = plan.checked()?;
    let connection = connection.clone();
    on_own_thread(move || brokers::check(&connection, plan)).await?
}

/// What a process has to know of a topic before it uses it.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) topic: String,
    /// None if there is no such topic.
    pub(super) partitions: Option<usize>,
    /// Where its records take their time from; none if that could not be asked.
    pub(super) timestamp_type: Option<String>,
}

/// The topics of commands, decisions and dead letters. Blocks.
pub(super) fn shapes(connection: &Connection) -> Result<[Shape; 3], TopicsError> {
    brokers::shapes(connection)
}

#[cfg(test)]
mod tests {
    use super::{TopicPlan, TopicsError};

    #[test]
    fn a_plan_that_cannot_be_is_refused() {
        let plan = TopicPlan::production();
        assert!(plan.checked().is_ok());
        for impossible in [
            TopicPlan { partitions: 0, ..plan },
            TopicPlan { partitions: 16_385, ..plan },
            TopicPlan { replication_factor: 1, ..plan },
            TopicPlan { min_insync_replicas: 0, ..plan },
        ] {
            assert!(matches!(impossible.checked(), Err(TopicsError::Plan)), "{impossible:?}");
        }
    }
}
