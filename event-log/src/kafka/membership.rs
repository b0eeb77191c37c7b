//! A worker's membership in a consumer group, which says what the worker owns and nothing else: no
//! record is consumed through it, and no position is ever resumed from it. Must not know what is
//! done with a partition.
//!
//! Range assignment over the classic protocol is eager: whenever somebody comes or goes, everybody
//! is revoked everything and assigned anew. Whoever comes back under its name within the session
//! timeout gets what it had, and nobody else hears of it: a rolling restart moves nothing.

mod member;
mod rebalance;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rdkafka::error::KafkaError;
use schemas::{Offset, Partition};
use tokio::sync::oneshot;

use super::connection::Connection;
use super::link::LinkError;
use super::own_thread::or_abort;
use crate::Assignments;
use member::Member;

/// How long a silent member keeps its partitions. Brokers allow no less without being told to.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
/// How long a member may finish what it has in hand.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);
/// How often positions are told to whoever looks at dashboards.
const COMMIT_INTERVAL: Duration = Duration::from_secs(5);
// A member that drains must not be taken for dead meanwhile.
const _: () = assert!(DRAIN_TIMEOUT.as_millis() < SESSION_TIMEOUT.as_millis());

/// Which group, as whom, and how patient. [`MembershipOptions::new`] has a sensible value for all
/// but the names.
#[derive(Clone, Debug)]
pub struct MembershipOptions {
    /// Name of the group: one for all workers of a shop.
    pub group_id: String,
    /// Name of this worker in the group, the same after a restart. With a name, its partitions are
    /// kept for it for the session timeout, however it ended; without, they move when it leaves.
    pub instance_id: Option<String>,
    /// How long a silent member keeps its partitions.
    pub session_timeout: Duration,
    /// How long a revoke waits for its answer. Less than the session timeout.
    pub drain_timeout: Duration,
    /// How often positions are committed.
    pub commit_interval: Duration,
}

impl MembershipOptions {
    /// The usual patience.
    #[must_use]
    pub fn new(group_id: impl Into<String>, instance_id: Option<String>) -> Self {
        Self {
            group_id: group_id.into(),
            instance_id,
            session_timeout: SESSION_TIMEOUT,
            drain_timeout: DRAIN_TIMEOUT,
            commit_interval: COMMIT_INTERVAL,
        }
    }
}

/// Why a membership ended although nobody left.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MembershipFault {
    /// Another process joined under this worker's name. To go on would be to fight it for ever.
    #[error("another process has this worker's name, {instance_id}, in the group {group_id}")]
    Fenced {
        /// Name of the group.
        group_id: String,
        /// Name of the worker.
        instance_id: String,
    },
    /// The group does not take this worker.
    #[error("the group {group_id} refuses this worker")]
    Refused {
        /// Name of the group.
        group_id: String,
        /// What the broker said.
        #[source]
        source: KafkaError,
    },
    /// The worker does not look at its assignment any more.
    #[error("the worker of the group {group_id} leaves changes of its assignment waiting")]
    NotTaken {
        /// Name of the group.
        group_id: String,
    },
    /// The client cannot go on.
    #[error("the client of the group {group_id} failed")]
    Client {
        /// Name of the group.
        group_id: String,
        /// What it said.
        #[source]
        source: KafkaError,
    },
}

/// What the handle and the member's thread share.
#[derive(Default)]
struct Shared {
    leaving: AtomicBool,
    fault: OnceLock<MembershipFault>,
    /// Positions that nobody was told of yet.
    positions: Mutex<BTreeMap<Partition, Offset>>,
}

impl Shared {
    fn take_positions(&self) -> BTreeMap<Partition, Offset> {
        std::mem::take(&mut *self.positions())
    }

    /// Those that nobody has replaced meanwhile.
    fn put_back_positions(&self, untold: BTreeMap<Partition, Offset>) {
        let mut positions = self.positions();
        for (partition, next_offset) in untold {
            positions.entry(partition).or_insert(next_offset);
        }
    }

    fn positions(&self) -> MutexGuard<'_, BTreeMap<Partition, Offset>> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker's place in the group. Dropping it is leaving without waiting.
pub struct Membership {
    shared: Arc<Shared>,
    ended: oneshot::Receiver<()>,
}

impl Membership {
    /// Joins the group of workers on the topic of commands. The first assignment comes when the
    /// group has settled: at once, or after `group.initial.rebalance.delay.ms` (three seconds by
    /// default) in a group that was empty.
    ///
    /// # Errors
    /// If the brokers cannot be reached or refuse us.
    ///
    /// # Panics
    /// If the drain timeout is not less than the session timeout.
    pub async fn join(
        connection: &Connection,
        options: MembershipOptions,
    ) -> Result<(Self, Assignments), LinkError> {
        assert!(options.drain_timeout < options.session_timeout, "drains within its session");
        let (changes, assignments) = Assignments::channel();
        let shared = Arc::new(Shared::default());
        let (joined, outcome) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (connection, state) = (connection.clone(), Arc::clone(&shared));
        let member = move || {
            let member = Member::join(&connection, options, changes, state);
            let (member, outcome) = match member {
                Ok(member) => (Some(member), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // If nobody waits for the outcome any more, the handle below is gone and says leave.
            drop(joined.send(outcome));
            if let Some(member) = member {
                or_abort("kafka-membership", || member.run());
            }
            drop(end);
        };
        let membership = Self { shared, ended };
        thread::Builder::new().name("kafka-membership".to_owned()).spawn(member)?;
        outcome.await.map_err(|_| std::io::Error::other("the member's thread panicked"))??;
        Ok((membership, assignments))
    }

    /// Notes how far a partition is decided, for dashboards. Costs nothing; the broker is told
    /// every few seconds, and before the partition goes.
    pub fn commit(&self, partition: Partition, next_offset: Offset) {
        self.shared.positions().insert(partition, next_offset);
    }

    /// Why the assignments ended, if nobody left. Known as soon as they have ended.
    #[must_use]
    pub fn fault(&self) -> Option<MembershipFault> {
        self.shared.fault.get().cloned()
    }

    /// Gives up all partitions, with a last revoke, then goes. A member with a name does not sign
    /// off (librdkafka does not when it closes): its partitions wait for it for the session timeout
    /// and only then go to others. That is right for a restart and bearable when scaling in.
    ///
    /// # Errors
    /// If it was a fault that ended the membership.
    pub async fn leave(mut self) -> Result<(), MembershipFault> {
        self.shared.leaving.store(true, Ordering::Relaxed);
        // Only its end is told, and by nothing but that.
        drop((&mut self.ended).await);
        self.fault().map_or(Ok(()), Err)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
    }
}
