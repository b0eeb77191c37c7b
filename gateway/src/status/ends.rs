//! Asking, four times a second, where the logs end, and now and then how far the read model is.

use std::time::Duration;

use futures_util::future::join_all;
use metrics::gauge;
use platform::shutdown::ShutdownToken;
use schemas::Partition;

use super::telemetry::{BACKLOG, VIEW_RECORDS};
use super::{Shared, StatusView};
use crate::view::Asked;

/// How often the logs are asked. Far below [`super::FRESH`], so that one slow answer is no matter.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// How often the read model is asked.
const ASK_STORE_EVERY: Duration = Duration::from_secs(1);

impl StatusView {
    /// Asks the logs until shutdown. To be run apart from what may keep a thread busy: the door
    /// refuses for state only while this goes on.
    pub async fn ask_ends(&self, shutdown: ShutdownToken) {
        while !shutdown.is_cancelled() {
            self.ask_ends_once().await;
            self.pause(ASK_EVERY, &shutdown).await;
        }
    }

    /// Asks the read model until shutdown. It may be slow or down without any harm to the door.
    pub async fn ask_store(&self, shutdown: ShutdownToken) {
        while !shutdown.is_cancelled() {
            self.ask_store_once().await;
            self.pause(ASK_STORE_EVERY, &shutdown).await;
        }
    }

    /// Asks both logs where each partition ends, and sends deal news that have waited.
    pub async fn ask_ends_once(&self) {
        let shared = &*self.shared;
        join_all((0..self.partitions()).map(|partition| shared.ask_end(partition))).await;
        if !shared.deal_watches.is_idle() {
            shared.deal_watches.tick(shared.now());
        }
    }

    /// Asks the read model how far it is, and lets go of what it has, beyond the configured budget.
    pub async fn ask_store_once(&self) {
        let shared = &*self.shared;
        match shared.store.projections(shared.log_id).await {
            Ok(rows) => {
                for row in rows {
                    if let Some(tracked) = shared.tracked(row.partition) {
                        let decided_next = row.filter.decided_next;
                        tracked.change(|state| state.view.note_committed(decided_next));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the read model did not say how far it is"),
        }
        shared.evict();
        gauge!(VIEW_RECORDS).set(as_float(shared.load() as u64));
    }

    async fn pause(&self, duration: Duration, shutdown: &ShutdownToken) {
        tokio::select! {
            () = self.shared.clock.sleep(duration) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

impl Shared {
    async fn ask_end(&self, partition: Partition) {
        let (at_ms, at) = (self.clock.elapsed_millis(), self.now());
        let Some(tracked) = self.tracked(partition) else { return };
        // Each is noted when it comes: one log may answer while the other does not.
        let decisions = async {
            if let Ok(end) = self.decisions.end(partition).await {
                tracked.change(|state| {
                    let read_offset = state.view.filter().read_offset;
                    state.ends.note(Asked { at_ms, at, end }, read_offset);
                });
            }
        };
        let commands = async {
            if let Ok(end) = self.commands.end(partition).await {
                tracked.change(|state| state.note_commands_end(end));
            }
        };
        futures_util::future::join(decisions, commands).await;
        let now_ms = self.clock.elapsed_millis();
        tracked.change(|state| state.settle(now_ms, 0));
        gauge!(BACKLOG, "partition" => partition.to_string()).set(as_float(tracked.backlog()));
    }

    /// Lets go of the oldest records that the read model has while there are too many, where most
    /// are first.
    fn evict(&self) {
        let mut excess = self.load().saturating_sub(self.limits.records_max);
        let mut by_load: Vec<_> = self.partitions.iter().collect();
        by_load.sort_by_key(|tracked| std::cmp::Reverse(tracked.load()));
        for tracked in by_load {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(tracked.change(|state| state.view.evict(excess)));
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a gauge needs no more than 53 bits")]
fn as_float(number: u64) -> f64 {
    number as f64
}
