//! The contests: their names, what each needs, and how it is held. One contest may fill several
//! rows. Must not know what became of earlier ones.

mod crowd;
mod embedded;
mod front;
mod gateway;
mod path;
mod redis;
mod stores;
mod worker;

use std::pin::Pin;

use anyhow::Result;

pub(crate) use self::crowd::open_files;
use crate::house::Backend;
use crate::ring::Ring;
use crate::sample::Measured;

/// Units that a peer has: nobody is to hear "sold-out".
const STOCK: u64 = 100_000_000;

/// A server that a contest needs, by the name under which it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    Kafka,
    Mariadb,
    Redis,
}

impl Need {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Mariadb => "mariadb",
            Self::Redis => "redis",
        }
    }
}

/// One contest. Those that are compared with each other stand beside each other: what else the
/// machine does changes within minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contest {
    FrontBare,
    GatewayKafka,
    GatewayEmbedded,
    FrontRedis,
    FrontMariadb,
    Redis,
    WorkerKafka,
    WorkerKafkaSpread,
    Embedded,
    StoresMariadb,
    StoresSqlite,
    PathKafka,
    PathEmbedded,
    Polls,
    Watchers,
}

impl Contest {
    pub(crate) const ALL: [Self; 15] = [
        Self::FrontBare,
        Self::GatewayKafka,
        Self::GatewayEmbedded,
        Self::FrontRedis,
        Self::FrontMariadb,
        Self::Redis,
        Self::WorkerKafka,
        Self::StoresMariadb,
        Self::WorkerKafkaSpread,
        Self::Embedded,
        Self::StoresSqlite,
        Self::PathKafka,
        Self::PathEmbedded,
        Self::Polls,
        Self::Watchers,
    ];

    /// As `--only` takes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FrontBare => "front-bare",
            Self::GatewayKafka => "gateway-kafka",
            Self::GatewayEmbedded => "gateway-embedded",
            Self::FrontRedis => "front-redis",
            Self::FrontMariadb => "front-mariadb",
            Self::Redis => "redis",
            Self::WorkerKafka => "worker-kafka",
            Self::WorkerKafkaSpread => "worker-kafka-64",
            Self::Embedded => "embedded",
            Self::StoresMariadb => "stores-mariadb",
            Self::StoresSqlite => "stores-sqlite",
            Self::PathKafka => "path-kafka",
            Self::PathEmbedded => "path-embedded",
            Self::Polls => "polls",
            Self::Watchers => "watchers",
        }
    }

    /// Servers that have to be there.
    pub(crate) fn needs(self) -> &'static [Need] {
        match self {
            Self::FrontBare
            | Self::GatewayEmbedded
            | Self::Embedded
            | Self::StoresSqlite
            | Self::PathEmbedded
            | Self::Watchers => &[],
            Self::FrontRedis | Self::Redis => &[Need::Redis],
            Self::FrontMariadb | Self::StoresMariadb => &[Need::Mariadb],
            Self::WorkerKafkaSpread => &[Need::Kafka],
            Self::GatewayKafka | Self::WorkerKafka | Self::PathKafka | Self::Polls => {
                &[Need::Kafka, Need::Mariadb]
            }
        }
    }

    /// Holds it once. Boxed: each of them is a large future of its own.
    pub(crate) fn hold<'a>(
        self,
        ring: &'a Ring,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Measured>>> + 'a>> {
        match self {
            Self::FrontBare => Box::pin(front::bare(ring)),
            Self::GatewayKafka => Box::pin(gateway::run(ring, Backend::Kafka)),
            Self::GatewayEmbedded => Box::pin(gateway::run(ring, Backend::Embedded)),
            Self::FrontRedis => Box::pin(front::redis(ring)),
            Self::FrontMariadb => Box::pin(front::mariadb(ring)),
            Self::Redis => Box::pin(redis::run(ring)),
            Self::WorkerKafka => Box::pin(worker::hot(ring)),
            Self::WorkerKafkaSpread => Box::pin(worker::spread(ring)),
            Self::Embedded => Box::pin(embedded::run(ring)),
            Self::StoresMariadb => Box::pin(stores::mariadb(ring)),
            Self::StoresSqlite => Box::pin(stores::sqlite(ring)),
            Self::PathKafka => Box::pin(path::run(ring, Backend::Kafka)),
            Self::PathEmbedded => Box::pin(path::run(ring, Backend::Embedded)),
            Self::Polls => Box::pin(crowd::polls(ring)),
            Self::Watchers => Box::pin(crowd::watchers(ring)),
        }
    }
}

/// The contests of these names, in their order; all if there are none.
///
/// # Errors
/// Names that no contest has.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Contest>> {
    let known: Vec<&str> = Contest::ALL.iter().map(|contest| contest.name()).collect();
    let strange: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
    anyhow::ensure!(
        strange.is_empty(),
        "no contest is called {}; there are: {}",
        strange.join(", "),
        known.join(", ")
    );
    let is_chosen =
        |contest: &Contest| names.is_empty() || names.iter().any(|name| name == contest.name());
    Ok(Contest::ALL.into_iter().filter(is_chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contests_are_chosen_by_name_and_an_unknown_name_is_an_error() {
        let names = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&[]).unwrap(), Contest::ALL);
        let two = chosen(&names(&["polls", "front-bare"])).unwrap();
        assert_eq!(two, [Contest::FrontBare, Contest::Polls]);
        let error = chosen(&names(&["polls", "pulls"])).unwrap_err().to_string();
        assert!(error.contains("called pulls;") && error.contains("worker-kafka-64"), "{error}");
    }

    #[test]
    fn every_contest_is_held_under_a_name_of_its_own() {
        let mut names: Vec<&str> = Contest::ALL.iter().map(|contest| contest.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Contest::ALL.len());
    }
}
