//! The thread of a member: it polls, tells positions, and ends on a fault or on leaving. Must not
//! know what a change of the assignment means.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::rebalance::GroupEvents;
use super::{MembershipFault, MembershipOptions, Shared};
use crate::Assignment;
use crate::kafka::connection::Connection;
use crate::kafka::link::{Link, LinkError};

/// How soon a wish to leave is noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A member on its thread.
pub(super) struct Member {
    consumer: BaseConsumer<GroupEvents>,
    options: MembershipOptions,
    shared: Arc<Shared>,
    committed_at: Instant,
}

impl Member {
    /// Blocks for as long as it takes to reach the brokers.
    pub(super) fn join(
        connection: &Connection,
        options: MembershipOptions,
        changes: mpsc::Sender<Assignment>,
        shared: Arc<Shared>,
    ) -> Result<Self, LinkError> {
        drop(Link::open(connection)?);
        let topic = connection.topic("commands");
        let events = GroupEvents::new(connection, &options, changes, Arc::clone(&shared));
        let consumer: BaseConsumer<GroupEvents> =
            config(connection, &options).create_with_context(events)?;
        consumer.subscribe(&[&topic])?;
        info!(group = options.group_id, instance = options.instance_id, "joining the group");
        Ok(Self { consumer, options, shared, committed_at: Instant::now() })
    }

    /// Until it leaves or cannot go on. Closing the consumer revokes what is still assigned.
    pub(super) fn run(mut self) {
        while self.step() {}
        self.consumer.context().end();
    }

    /// One poll. Whether there is another one to come.
    fn step(&mut self) -> bool {
        // A record that slips through before all is paused is nobody's business here.
        if let Some(Err(error)) = self.consumer.poll(POLL_INTERVAL) {
            debug!(%error, group = self.options.group_id, "the group reports");
            if is_refusal(&error) {
                let group_id = self.options.group_id.clone();
                self.fail(MembershipFault::Refused { group_id, source: error });
            }
        }
        if let Some((code, reason)) = self.consumer.client().fatal_error() {
            warn!(%code, reason, group = self.options.group_id, "the member cannot go on");
            self.fail(self.fatal(code));
        }
        if self.committed_at.elapsed() >= self.options.commit_interval {
            self.committed_at = Instant::now();
            self.consumer.context().commit(&self.consumer);
        }
        let is_over = self.shared.leaving.load(Ordering::Relaxed)
            || self.shared.fault.get().is_some()
            || self.consumer.context().is_unheard();
        !is_over
    }

    fn fatal(&self, code: RDKafkaErrorCode) -> MembershipFault {
        let group_id = self.options.group_id.clone();
        match (code, &self.options.instance_id) {
            (RDKafkaErrorCode::FencedInstanceId, Some(instance_id)) => {
                MembershipFault::Fenced { group_id, instance_id: instance_id.clone() }
            }
            _ => MembershipFault::Client { group_id, source: KafkaError::Global(code) },
        }
    }

    /// The first fault is the one that counts.
    fn fail(&self, fault: MembershipFault) {
        self.shared.fault.get_or_init(|| fault);
    }
}

/// What no retry mends.
fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::InconsistentGroupProtocol
                | RDKafkaErrorCode::InvalidSessionTimeout
                | RDKafkaErrorCode::InvalidGroupId
                | RDKafkaErrorCode::GroupMaxSizeReached
        )
    )
}

fn config(connection: &Connection, options: &MembershipOptions) -> rdkafka::ClientConfig {
    let session = options.session_timeout;
    let mut config = connection.client_config();
    config
        .set("group.id", &options.group_id)
        // Every broker speaks it, and a member's name outlives its process.
        .set("group.protocol", "classic")
        // The same partitions for the same members. The cooperative strategy of librdkafka loses
        // partitions at times.
        .set("partition.assignment.strategy", "range")
        .set("session.timeout.ms", session.as_millis().to_string())
        // Three may be lost.
        .set("heartbeat.interval.ms", (session / 4).as_millis().to_string())
        // How long the group waits for a member that lives and does not answer. Our thread stands
        // still for the drain timeout at most, so this is generous.
        .set("max.poll.interval.ms", (session * 5).as_millis().to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Nothing is read. Should something be fetched before all is paused, then little.
        .set("auto.offset.reset", "latest")
        .set("queued.min.messages", "1")
        .set("fetch.message.max.bytes", "1024");
    if let Some(instance_id) = &options.instance_id {
        config.set("group.instance.id", instance_id);
    }
    config
}
