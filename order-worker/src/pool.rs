//! The workers of one process: one for each partition, told whose it is as assignments change. A
//! partition that is asked back is finished first, within bounds; one that comes straight back goes
//! on with what is known of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event_log::{Assignment, Assignments};
use futures_util::future::join_all;
use platform::clock::Clock;
use platform::shutdown::{ShutdownToken, TaskGroup};
use schemas::Partition;
use tokio::sync::{oneshot, watch};

use crate::worker::{Order, PartitionWorker};

/// How long workers may take to come to rest before the partition goes all the same. Below what a
/// consumer group waits for the answer.
const REST_WITHIN: Duration = Duration::from_millis(3_500);

/// What a pool is made of.
pub struct PoolParts {
    /// A worker for each partition, all of them at rest until they are assigned.
    pub workers: Vec<(Partition, PartitionWorker)>,
    /// Waiting.
    pub clock: Arc<dyn Clock>,
}

/// What a process's partitions are given by, and so what it means that no more is heard of it.
#[derive(Debug)]
pub enum Given {
    /// There is nobody else: what is assigned stays.
    ForEver(Assignments),
    /// By a group, to a member of it. Without the group nobody would ask for a partition any more,
    /// and another process may be given it at any time.
    WhileMember(Assignments),
}

impl From<Assignments> for Given {
    /// What no group has given stays.
    fn from(assignments: Assignments) -> Self {
        Self::ForEver(assignments)
    }
}

/// A member hears nothing of its group any more, although it was not asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group that assigns partitions is not heard of any more")]
pub struct GroupGone;

/// The pool: hand it the assignments.
pub struct Pool {
    places: BTreeMap<Partition, Place>,
    clock: Arc<dyn Clock>,
}

/// How one partition's worker is spoken to.
struct Place {
    orders: watch::Sender<Order>,
    rested: watch::Receiver<bool>,
}

impl Pool {
    /// Starts the workers as tasks of `group`: they drain when it is stopped.
    #[must_use]
    pub fn start(parts: PoolParts, group: &mut TaskGroup) -> Self {
        let mut places = BTreeMap::new();
        for (partition, worker) in parts.workers {
            let (orders, told) = watch::channel(Order::Rest);
            let (rest, rested) = watch::channel(false);
            let run = worker.run(told, rest, group.token().clone());
            group.spawn(format!("order-worker {partition}"), run);
            places.insert(partition, Place { orders, rested });
        }
        Self { places, clock: parts.clock }
    }

    /// Follows the assignments until shutdown.
    ///
    /// # Errors
    /// If a group gives them and is gone: the process must stop.
    pub async fn run(self, given: Given, shutdown: ShutdownToken) -> Result<(), GroupGone> {
        let (mut assignments, end) = match given {
            Given::ForEver(assignments) => (assignments, Ok(())),
            Given::WhileMember(assignments) => (assignments, Err(GroupGone)),
        };
        loop {
            let change = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                change = assignments.next() => change,
            };
            match change {
                Some(change) => self.step(change).await,
                None => {
                    end?;
                    shutdown.cancelled().await;
                    return Ok(());
                }
            }
        }
    }

    /// Follows one change.
    pub async fn step(&self, change: Assignment) {
        match change {
            Assignment::Assigned(partitions) => self.tell(&partitions, Order::Own),
            Assignment::Lost(partitions) => self.tell(&partitions, Order::Rest),
            Assignment::Revoked { partitions, done } => self.give_back(&partitions, done).await,
        }
    }

    fn tell(&self, partitions: &[Partition], order: Order) {
        for partition in partitions {
            match self.places.get(partition) {
                Some(place) => {
                    place.orders.send_replace(order);
                }
                None => tracing::error!(partition, "a partition is assigned that does not exist"),
            }
        }
    }

    /// The answer is given when all are at rest, or when that takes too long: the filter protects
    /// the partition from whatever comes late.
    async fn give_back(&self, partitions: &[Partition], done: oneshot::Sender<()>) {
        self.tell(partitions, Order::Rest);
        let places = partitions.iter().filter_map(|partition| self.places.get(partition));
        let rests = places.map(|place| {
            let mut rested = place.rested.clone();
            // A worker that has ended has nothing on its way.
            async move { drop(rested.wait_for(|rested| *rested).await) }
        });
        tokio::select! {
            biased;
            _ = join_all(rests) => {}
            () = self.clock.sleep(REST_WITHIN) => {
                tracing::warn!(?partitions, "given back although something is on its way");
            }
        }
        if done.send(()).is_err() {
            tracing::debug!("whoever asked the partitions back has gone on without an answer");
        }
    }
}
