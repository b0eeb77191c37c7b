//! The status view: what this gateway knows of every partition, kept up to date by following the
//! decisions log, and asked by every call. The async shell around the pure [`crate::view`] and
//! [`crate::admission`].
//!
//! [`StatusView::follow`], [`StatusView::ask_ends`] and [`StatusView::ask_store`] are loops around
//! public steps; somebody has to run them. Must not know HTTP, or how a command is appended.

mod deal_watch;
mod ends;
mod follow;
mod options;
mod order;
mod partition;
mod readiness;
mod telemetry;
mod watch;

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use event_log::Log;
use hashbrown::HashMap;
use platform::clock::Clock;
use read_model::{DealRow, Store};
use schemas::http::Queue;
use schemas::log::FilterState;
use schemas::{DealId, Offset, Partition, Position, Timestamp};

pub use deal_watch::{DealNews, DealWatch};
pub use follow::Follower;
pub use options::{StartError, StatusLimits, StatusOptions};
pub use order::{Answered, AsOf, CommandState, OrderState, OrdersPage};
pub use readiness::Readiness;
pub use telemetry::describe_metrics;
pub use watch::OrderWatch;

use crate::admission::{self, DealFacts, Door, Facts, Question};
use crate::answer::QueuedPurchase;
use crate::view::View;
use deal_watch::DealWatches;
use partition::{State, Tracked};

/// The door refuses for state only if the view has applied an end asked for so long ago at most.
pub const FRESH: Duration = Duration::from_secs(1);
/// Keys read from the store at a time.
const KEYS_PAGE: u32 = 10_000;
/// Soonest that a client is told to poll again.
const POLL_AFTER_MS_MIN: u64 = 200;
/// Latest that a client is told to poll again, because there are so many.
const POLL_AFTER_MS_MAX: u64 = 30_000;
/// Latest that a client is told to poll again because its turn is estimated to be far away: after a
/// takeover all turns come at once, and nobody should learn that half a minute late.
const POLL_AFTER_MS_ESTIMATE: u64 = 3_000;

/// What this gateway knows. Clones share it.
#[derive(Clone)]
pub struct StatusView {
    shared: Arc<Shared>,
}

struct Shared {
    decisions: Arc<dyn Log>,
    commands: Arc<dyn Log>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    log_id: u8,
    gateway: Box<str>,
    limits: StatusLimits,
    /// Index: partition.
    partitions: Vec<Tracked>,
    /// Where each deal lives. Locked within a partition's lock, never the other way round.
    deals: RwLock<HashMap<DealId, Partition>>,
    deal_watches: DealWatches,
    /// When it began, in monotonic milliseconds.
    began_ms: u64,
    /// How many partitions in a row, from the first, have started.
    started: AtomicUsize,
}

impl StatusView {
    /// A view that begins where the read model stands. Nothing is followed yet.
    ///
    /// # Errors
    /// If the read model does not answer, or is of a log with more partitions.
    pub async fn start(options: StatusOptions) -> Result<Self, StartError> {
        let StatusOptions { decisions, commands, store, clock, log_id, gateway, limits } = options;
        let count = decisions.partitions();
        let (projections, rows) = store.deals(log_id).await?;
        let mut seeds: Vec<(FilterState, Vec<DealRow>)> = vec![Default::default(); count.into()];
        let outside = |partition| StartError::OtherPartitionCount { partition, partitions: count };
        for row in projections {
            let seed = seeds.get_mut(usize::from(row.partition));
            seed.ok_or_else(|| outside(row.partition))?.0 = row.filter;
        }
        let mut deals = HashMap::new();
        for row in rows {
            deals.insert(row.deal_id, row.partition);
            let seed = seeds.get_mut(usize::from(row.partition));
            seed.ok_or_else(|| outside(row.partition))?.1.push(row);
        }
        let mut partitions = Vec::with_capacity(seeds.len());
        for (partition, (filter, rows)) in (0..).zip(seeds) {
            let view = View::seed(log_id, partition, filter, rows);
            let mut view = view.evicting_in(limits.evicted_together);
            seed_keys(&*store, &mut view, log_id, partition).await?;
            partitions.push(Tracked::new(view));
        }
        let deals = RwLock::new(deals);
        let (deal_watches, started) = (DealWatches::default(), AtomicUsize::new(0));
        let began_ms = clock.elapsed_millis();
        let shared = Shared {
            decisions,
            commands,
            store,
            clock,
            began_ms,
            log_id,
            gateway,
            limits,
            partitions,
            deals,
            deal_watches,
            started,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Id of the log that this view follows.
    #[must_use]
    pub fn log_id(&self) -> u8 {
        self.shared.log_id
    }

    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> Partition {
        self.shared.decisions.partitions()
    }

    /// Where a deal lives, if the view knows it.
    #[must_use]
    pub fn partition_of(&self, deal: DealId) -> Option<Partition> {
        let deals = self.shared.deals.read().unwrap_or_else(PoisonError::into_inner);
        deals.get(&deal).copied()
    }

    /// A deal of this log as the view has it.
    #[must_use]
    pub fn deal(&self, id: DealId) -> Option<Arc<DealRow>> {
        self.shared.tracked(self.partition_of(id)?)?.read().view.deal(id).cloned()
    }

    /// All deals of this log, retired ones too, in no order.
    #[must_use]
    pub fn deals(&self) -> Vec<Arc<DealRow>> {
        let mut deals = Vec::new();
        for tracked in &self.shared.partitions {
            deals.extend(tracked.read().view.deals().cloned());
        }
        deals
    }

    /// `decided_next` of a partition as the view has it; 0 if there is no such partition.
    #[must_use]
    pub fn seen(&self, partition: Partition) -> Offset {
        self.shared.tracked(partition).map_or(0, |tracked| tracked.read().decided_next())
    }

    /// Waits until the view has a partition's `decided_next`; false if `timeout` ends first. A
    /// partition that does not exist is not waited for: whoever speaks of it, it was not us.
    pub async fn wait_seen(
        &self,
        partition: Partition,
        decided_next: Offset,
        timeout: Duration,
    ) -> bool {
        let Some(tracked) = self.shared.tracked(partition) else { return true };
        let mut progress = tracked.progress.subscribe();
        tokio::select! {
            biased;
            reached = progress.wait_for(|seen| *seen >= decided_next) => reached.is_ok(),
            () = self.shared.clock.sleep(timeout) => false,
        }
    }

    /// Looks a purchase's key up: [`Door::Known`] or [`Door::KeyReused`], or none. To be asked
    /// before rate limits.
    #[must_use]
    pub fn known_key(&self, question: &Question) -> Option<Door> {
        let partition = self.partition_of(question.deal_id)?;
        let tracked = self.shared.tracked(partition)?;
        let bound = tracked.read().view.bound(question.deal_id, question.key);
        admission::known_key(bound, question.fingerprint, partition)
    }

    /// Judges a purchase whose key is not known and that is within its rate limits.
    #[must_use]
    pub fn judge(&self, question: &Question) -> Door {
        let shared = &*self.shared;
        let partition = self.partition_of(question.deal_id);
        let Some(tracked) = partition.and_then(|partition| shared.tracked(partition)) else {
            return self.judge_unknown_deal(question);
        };
        let state = tracked.read();
        let filter = state.view.filter();
        let backlog = state.backlog();
        let deal = state.view.deal(question.deal_id).map(|row| DealFacts {
            row,
            decided_next: filter.decided_next,
            log_time: filter.log_time,
            backlog,
            wait: state.wait_for(backlog),
        });
        let now_ms = shared.clock.elapsed_millis();
        let facts = Facts {
            has_started: tracked.has_started(),
            is_fresh: is_younger(&state, now_ms, FRESH),
            as_of: state.ends.reached().map_or(Timestamp::EPOCH, |reached| reached.at),
            deal,
            is_full: shared.load() >= shared.limits.records_hard_max,
        };
        admission::judge(question, &facts, &shared.limits.door, &shared.gateway)
    }

    /// Remembers a purchase that this gateway has appended, until its decision is seen. Beyond
    /// the configured bound it is not remembered: its answer then says less while it is queued.
    pub fn remember(&self, position: Position, purchase: QueuedPurchase) {
        let Some(tracked) = self.shared.tracked(position.partition) else { return };
        let queued_max = self.shared.limits.queued_max;
        tracked.change(|state| {
            state.note_commands_end(position.offset + 1);
            let is_decided = position.offset < state.decided_next();
            if !is_decided && state.queued.len() < queued_max {
                state.queued.insert(position.offset, purchase);
            }
        });
    }

    /// Takes note of a command that stands in the log: one more waits.
    pub fn note_appended(&self, position: Position) {
        if let Some(tracked) = self.shared.tracked(position.partition) {
            tracked.change(|state| state.note_commands_end(position.offset + 1));
        }
    }

    /// The place of a position in its queue, and when to ask again so that all who ask stay within
    /// the budget of polls.
    #[must_use]
    pub fn queue(&self, position: Position) -> Queue {
        let tracked = self.shared.tracked(position.partition);
        let ahead_and_wait = tracked.map(|tracked| {
            let state = tracked.read();
            let ahead = position.offset.saturating_sub(state.decided_next());
            // Its own decision takes its time too.
            (ahead, state.wait_for(ahead + 1))
        });
        let (ahead, wait) = ahead_and_wait.unwrap_or_default();
        let wait_ms = wait.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
        let everybody: u64 = self.shared.partitions.iter().map(Tracked::backlog).sum();
        let budget = self.shared.limits.polls_per_second_max.max(1);
        let fair_ms = everybody.saturating_mul(1_000) / budget;
        let poll_after_ms = fair_ms.max(wait_ms.unwrap_or(0).min(POLL_AFTER_MS_ESTIMATE));
        let poll_after_ms = poll_after_ms.clamp(POLL_AFTER_MS_MIN, POLL_AFTER_MS_MAX);
        Queue { ahead, estimated_wait_ms: wait_ms, poll_after_ms }
    }

    /// Decisions per second of a partition while commands waited; none before the first measure.
    #[must_use]
    pub fn decision_rate(&self, partition: Partition) -> Option<f64> {
        self.shared.tracked(partition)?.read().rate_per_second()
    }

    /// Interest in one order or command. To be made before the first look at it.
    #[must_use]
    pub fn watch_order(&self, position: Position) -> Option<OrderWatch> {
        Some(self.shared.tracked(position.partition)?.watches.watch(position.offset))
    }

    /// Interest in one deal; none if the view does not know it.
    #[must_use]
    pub fn watch_deal(&self, deal_id: DealId) -> Option<DealWatch> {
        let shared = &*self.shared;
        let tracked = shared.tracked(self.partition_of(deal_id)?)?;
        let look = || {
            let state = tracked.read();
            let row = state.view.deal(deal_id).cloned();
            row.map(|row| (row, state.view.filter().read_offset))
        };
        let (row, read_offset) = look()?;
        let watch = shared.deal_watches.watch(row, shared.now(), read_offset);
        // What has changed between the look and the watch was told to nobody.
        let (row, read_offset) = look()?;
        shared.deal_watches.note(row, shared.now(), read_offset);
        Some(watch)
    }

    /// A deal that no partition is known to have: it does not exist only if all are fresh.
    fn judge_unknown_deal(&self, question: &Question) -> Door {
        let shared = &*self.shared;
        let now_ms = shared.clock.elapsed_millis();
        let (mut is_fresh, mut as_of) = (true, Timestamp::MAX);
        for tracked in &shared.partitions {
            let state = tracked.read();
            is_fresh &= is_younger(&state, now_ms, FRESH);
            as_of = as_of.min(state.ends.reached().map_or(Timestamp::EPOCH, |it| it.at));
        }
        let has_started = shared.has_started();
        let facts = Facts { has_started, is_fresh, as_of, deal: None, is_full: false };
        admission::judge(question, &facts, &shared.limits.door, &shared.gateway)
    }
}

impl fmt::Debug for StatusView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusView").field("log_id", &self.shared.log_id).finish_non_exhaustive()
    }
}

impl Shared {
    fn tracked(&self, partition: Partition) -> Option<&Tracked> {
        self.partitions.get(usize::from(partition))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.now_millis())
    }

    /// Records in all views that configuration bounds.
    fn load(&self) -> usize {
        self.partitions.iter().map(Tracked::load).sum()
    }
}

fn is_younger(state: &State, now_ms: u64, limit: Duration) -> bool {
    let age = state.ends.age_ms(now_ms).map(Duration::from_millis);
    age.is_some_and(|age| age <= limit)
}

/// Reads all keys of a partition. Rows may be newer than the view, and some may have gone with
/// their deal: the decider has the last word on those.
async fn seed_keys(
    store: &dyn Store,
    view: &mut View,
    log_id: u8,
    partition: Partition,
) -> Result<(), StartError> {
    let mut offset = 0;
    loop {
        let rows = store.keys(log_id, Position { partition, offset }, KEYS_PAGE).await?;
        view.seed_keys(&rows);
        match rows.last() {
            Some(last) => offset = last.offset + 1,
            None => return Ok(()),
        }
    }
}
