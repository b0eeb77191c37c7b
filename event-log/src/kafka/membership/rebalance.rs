//! What a rebalance means to the worker: partitions that come, that are asked back with a bounded
//! wait, or that are gone already. All of it runs on the member's thread, in its polls. Must not
//! know when the thread ends.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use schemas::Partition;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, warn};

use super::{MembershipFault, MembershipOptions, Shared};
use crate::Assignment;
use crate::kafka::connection::Connection;
use crate::kafka::context::ClientEvents;
use crate::kafka::own_thread::wait_at_most;

/// The context of a member's consumer.
pub(super) struct GroupEvents {
    events: ClientEvents,
    topic: String,
    group_id: String,
    drain_timeout: Duration,
    shared: Arc<Shared>,
    place: Mutex<Place>,
}

/// What the worker was told it has, and through what; nothing once it is told no more.
struct Place {
    changes: Option<mpsc::Sender<Assignment>>,
    held: BTreeSet<Partition>,
}

impl GroupEvents {
    pub(super) fn new(
        connection: &Connection,
        options: &MembershipOptions,
        changes: mpsc::Sender<Assignment>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            events: ClientEvents::new(connection),
            topic: connection.topic("commands"),
            group_id: options.group_id.clone(),
            drain_timeout: options.drain_timeout,
            shared,
            place: Mutex::new(Place { changes: Some(changes), held: BTreeSet::new() }),
        }
    }

    /// Whether the worker has stopped listening.
    pub(super) fn is_unheard(&self) -> bool {
        self.place().changes.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    /// After a fault what is held is lost, and that is the last that the worker is told. Without
    /// one the last is the revoke that closing brings.
    pub(super) fn end(&self) {
        if self.shared.fault.get().is_some() {
            self.lose();
            self.place().changes = None;
        }
    }

    /// Tells the broker of positions, without waiting for it. Those of partitions that went away
    /// are forgotten: whoever has them now knows better.
    pub(super) fn commit(&self, consumer: &BaseConsumer<Self>) {
        let mut positions = self.shared.take_positions();
        positions.retain(|partition, _| self.place().held.contains(partition));
        if positions.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::with_capacity(positions.len());
        for (partition, next) in positions {
            let Ok(next) = i64::try_from(next) else { continue };
            let added = offsets.add_partition_offset(
                &self.topic,
                i32::from(partition),
                Offset::Offset(next),
            );
            added.expect("an offset is a number that librdkafka takes");
        }
        if let Err(error) = consumer.commit(&offsets, CommitMode::Async) {
            warn!(%error, group = self.group_id, "positions for dashboards were not told");
        }
    }

    fn assigned(&self, partitions: Vec<Partition>) {
        info!(group = self.group_id, ?partitions, "partitions are assigned");
        self.place().held.extend(&partitions);
        self.send(Assignment::Assigned(partitions));
    }

    /// The group waits meanwhile, and the broker hears heartbeats from another thread.
    fn revoked(&self, consumer: &BaseConsumer<Self>) {
        let partitions: Vec<_> = self.place().held.iter().copied().collect();
        info!(group = self.group_id, ?partitions, "partitions are asked back");
        if !partitions.is_empty() {
            self.drain(partitions);
        }
        self.commit(consumer);
        self.place().held.clear();
    }

    fn drain(&self, partitions: Vec<Partition>) {
        let (done, answer) = oneshot::channel();
        let is_heard = self.send(Assignment::Revoked { partitions, done });
        if is_heard && wait_at_most(answer, self.drain_timeout).is_none() {
            warn!(group = self.group_id, "partitions go although the worker is not done");
        }
    }

    fn lose(&self) {
        let partitions: Vec<_> = std::mem::take(&mut self.place().held).into_iter().collect();
        if !partitions.is_empty() {
            warn!(group = self.group_id, ?partitions, "partitions are lost");
            self.send(Assignment::Lost(partitions));
        }
    }

    /// Whether the worker will hear of it. Never waits: many changes have room, and a worker that
    /// leaves them all waiting must not hold up the group.
    fn send(&self, change: Assignment) -> bool {
        let place = self.place();
        let Some(changes) = &place.changes else { return false };
        match changes.try_send(change) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(_)) => {
                let group_id = self.group_id.clone();
                self.shared.fault.get_or_init(|| MembershipFault::NotTaken { group_id });
                false
            }
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConsumerContext for GroupEvents {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let told = if kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let told = take(consumer, partitions);
            self.assigned(numbers(partitions));
            told
        } else {
            if consumer.assignment_lost() {
                self.lose();
            } else {
                self.revoked(consumer);
            }
            consumer.unassign()
        };
        if let Err(source) = told {
            let group_id = self.group_id.clone();
            self.shared.fault.get_or_init(|| MembershipFault::Client { group_id, source });
        }
    }

    fn commit_callback(&self, told: KafkaResult<()>, offsets: &TopicPartitionList) {
        if let Err(error) = told {
            debug!(%error, group = self.group_id, "positions were not taken");
            self.shared.put_back_positions(positions(offsets));
        }
    }
}

/// Tells librdkafka that we have the partitions, and that we never want to read them: from the end
/// it has to be asked for first, so that the pause comes before the first fetch.
fn take(
    consumer: &BaseConsumer<GroupEvents>,
    partitions: &mut TopicPartitionList,
) -> KafkaResult<()> {
    partitions.set_all_offsets(Offset::End)?;
    consumer.assign(partitions)?;
    consumer.pause(partitions)
}

/// Positions that the broker did not take, to be told again.
fn positions(offsets: &TopicPartitionList) -> BTreeMap<Partition, u64> {
    let elements = offsets.elements();
    let position = |it: &TopicPartitionListElem<'_>| {
        let offset = it.offset().to_raw().and_then(|offset| u64::try_from(offset).ok())?;
        Some((Partition::try_from(it.partition()).ok()?, offset))
    };
    elements.iter().filter_map(position).collect()
}

fn numbers(partitions: &TopicPartitionList) -> Vec<Partition> {
    let elements = partitions.elements();
    elements.iter().filter_map(|it| Partition::try_from(it.partition()).ok()).collect()
}

impl ClientContext for GroupEvents {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.events.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.events.error(error, reason);
    }

    fn generate_oauth_token(&self, asked: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.events.generate_oauth_token(asked)
    }
}
