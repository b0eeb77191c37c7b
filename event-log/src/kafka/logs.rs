//! The three logs of a broker: opened if the topics are what they have to be.

use std::sync::Arc;

use rdkafka::error::KafkaError;
use schemas::Partition;

use super::connection::Connection;
use super::log::KafkaLog;
use super::options::KafkaOptions;
use super::topics::{self, Shape, TopicsError};
use crate::contract::Log;

/// Why the logs of a broker were not opened.
#[derive(Debug, thiserror::Error)]
pub enum KafkaOpenError {
    /// The brokers cannot be asked.
    #[error(transparent)]
    Topics(#[from] TopicsError),
    /// A topic is missing.
    #[error("there is no topic {topic}: run `timedeal topics create`")]
    Missing {
        /// Its name.
        topic: String,
    },
    /// The topics do not fit each other.
    #[error("{topic} has {found} partitions, {other} has {expected}: products would be torn apart")]
    OtherPartitionCount {
        /// A topic.
        topic: String,
        /// Its count.
        found: usize,
        /// The topic that it is compared with.
        other: String,
        /// That one's count.
        expected: usize,
    },
    /// More than a ticket has room for.
    #[error("{topic} has {found} partitions, more than 16384")]
    TooManyPartitions {
        /// A topic.
        topic: String,
        /// Its count.
        found: usize,
    },
    /// Records take their time from whoever sent them.
    #[error(
        "{topic} has message.timestamp.type={found}, not LogAppendTime: see `timedeal topics check`"
    )]
    OtherTime {
        /// A topic.
        topic: String,
        /// What it has.
        found: String,
    },
    /// A client could not be made.
    #[error("a Kafka client cannot be set up")]
    Client(#[from] KafkaError),
}

/// The logs of a broker in this process.
#[derive(Debug)]
pub struct KafkaLogs {
    commands: Arc<KafkaLog>,
    decisions: Arc<KafkaLog>,
    dead_letters: Arc<KafkaLog>,
}

impl KafkaLogs {
    /// Reaches the brokers and looks at the topics. Blocks, for seconds if nobody answers.
    ///
    /// # Errors
    /// If nobody answers or lets us in, or the topics are not there or not as they have to be.
    pub fn open(connection: &Connection, options: KafkaOptions) -> Result<Self, KafkaOpenError> {
        let shapes = topics::shapes(connection)?;
        let partitions = check(&shapes)?;
        let start = |name| KafkaLog::start(name, partitions, connection, options).map(Arc::new);
        let (commands, decisions) = (start("commands")?, start("decisions")?);
        Ok(Self { commands, decisions, dead_letters: start("dead-letters")? })
    }

    /// The log of commands.
    #[must_use]
    pub fn commands(&self) -> Arc<dyn Log> {
        Arc::clone(&self.commands) as Arc<dyn Log>
    }

    /// The log of decisions.
    #[must_use]
    pub fn decisions(&self) -> Arc<dyn Log> {
        Arc::clone(&self.decisions) as Arc<dyn Log>
    }

    /// The log of commands that nobody could read.
    #[must_use]
    pub fn dead_letters(&self) -> Arc<dyn Log> {
        Arc::clone(&self.dead_letters) as Arc<dyn Log>
    }

    /// Refuses everything from now on, and waits until what was appended has an outcome. Blocks,
    /// for a little more than the delivery timeout at most.
    pub fn close(&self) {
        let all = [&self.commands, &self.decisions, &self.dead_letters];
        all.iter().for_each(|log| log.refuse());
        all.iter().for_each(|log| log.join());
    }
}

/// How many partitions all three have.
fn check(shapes: &[Shape; 3]) -> Result<Partition, KafkaOpenError> {
    let count = |shape: &Shape| {
        let missing = || KafkaOpenError::Missing { topic: shape.topic.clone() };
        shape.partitions.ok_or_else(missing)
    };
    let [first, ..] = shapes;
    let expected = count(first)?;
    for shape in shapes {
        let (topic, found) = (shape.topic.clone(), count(shape)?);
        if found != expected {
            let other = first.topic.clone();
            return Err(KafkaOpenError::OtherPartitionCount { topic, found, other, expected });
        }
        if let Some(found) = shape.timestamp_type.clone().filter(|found| found != "LogAppendTime") {
            return Err(KafkaOpenError::OtherTime { topic, found });
        }
    }
    let count = Partition::try_from(expected).ok().filter(|it| topics::PARTITIONS.contains(it));
    let topic = first.topic.clone();
    count.ok_or(KafkaOpenError::TooManyPartitions { topic, found: expected })
}
