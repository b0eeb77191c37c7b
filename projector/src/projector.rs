//! The loop of one partition: read, fold, commit. Everything that it knows is in the store, so
//! after any trouble it drops what it holds and starts from there again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use decision_log::{Entry, Reader, ReaderError, Verdict};
use event_log::{Log, ReadLimits};
use futures_util::future::{self, BoxFuture, Either};
use platform::clock::Clock;
use platform::fail_point::{self, FailPoint};
use platform::jitter::Backoff;
use platform::shutdown::ShutdownToken;
use read_model::{CommitError, Store, StoreError};
use sabotage::Bug;
use schemas::log::FilterState;
use schemas::{Digest, Offset, Partition};

use crate::board::ProjectorBoard;
use crate::dead_letters::{CopyError, DeadLetters};
use crate::metric::PartitionMetrics;
use crate::view::View;

/// A parked partition is looked at again so often.
pub const PARK_RECHECK: Duration = Duration::from_secs(10);

/// How long the transaction in hand may take once the process is to stop. A database that is mute
/// keeps it for far longer than a process has; that it is cut off is harmless, for what it began
/// with is compared in the transaction itself.
pub const STOP_GRACE: Duration = Duration::from_secs(2);

/// What one transaction may hold. The bytes bound the rows: no event that makes a row is shorter
/// than 64 bytes, and a single decision has at most 512 of them.
const BATCH: ReadLimits = ReadLimits { records_max: 2_048, bytes_max: 1 << 20 };

/// What a projector is put together from.
pub struct ProjectorParts {
    /// Log of the decisions, which is projected.
    pub decisions: Arc<dyn Log>,
    /// Log of the commands, for bytes that nobody could read.
    pub commands: Arc<dyn Log>,
    /// Where those bytes are copied to.
    pub dead_letters: Arc<dyn Log>,
    /// The read model.
    pub store: Arc<dyn Store>,
    /// Time, and waiting.
    pub clock: Arc<dyn Clock>,
    /// Where operators look.
    pub board: Arc<ProjectorBoard>,
    /// Id of the log. What the store has of other logs stays as it is.
    pub log_id: u8,
    /// Randomness of the waits between retries.
    pub random: Box<dyn FnMut() -> u64 + Send + Sync>,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Projected so many records; there may be more.
    Committed {
        /// Records of the decisions log.
        records: usize,
    },
    /// There was nothing to do.
    CaughtUp,
    /// Another projector was faster: nothing was written, and the next step begins behind it.
    Moved,
    /// A log or the store did not answer.
    Unavailable,
    /// Going on could break a promise; the board says why.
    Parked,
}

/// The projection of one partition.
pub struct Projector {
    partition: Partition,
    parts: ProjectorParts,
    dead_letters: DeadLetters,
    metrics: PartitionMetrics,
    /// Reads from behind what is committed; none until the stored state is known.
    reader: Option<Reader>,
}

/// Why a step ended early.
enum Trouble {
    Moved,
    Unavailable(String),
    Park(String),
}

impl Projector {
    /// The projector of one partition. It reads nothing before its first step.
    #[must_use]
    pub fn new(partition: Partition, parts: ProjectorParts) -> Self {
        let dead_letters = DeadLetters {
            commands: Arc::clone(&parts.commands),
            dead_letters: Arc::clone(&parts.dead_letters),
        };
        let metrics = PartitionMetrics::new(partition);
        Self { partition, parts, dead_letters, metrics, reader: None }
    }

    /// Projects until shutdown. The transaction in hand is finished first, if it is within
    /// [`STOP_GRACE`].
    pub async fn run(mut self, shutdown: ShutdownToken) {
        let mut backoff = Backoff::new();
        let clock = Arc::clone(&self.parts.clock);
        while !shutdown.is_cancelled() {
            let too_late = async {
                shutdown.cancelled().await;
                clock.sleep(STOP_GRACE).await;
            };
            let Some(step) = self.step_unless(too_late).await else {
                let partition = self.partition;
                tracing::warn!(partition, "stopped in the middle of a step that did not end");
                return;
            };
            let pause = match step {
                Step::Committed { .. } => {
                    backoff.reset();
                    continue;
                }
                Step::CaughtUp => {
                    backoff.reset();
                    self.more()
                }
                Step::Parked => self.parts.clock.sleep(PARK_RECHECK),
                // Of two that race, one lets the other go on.
                Step::Moved | Step::Unavailable => {
                    let delay = backoff.next_delay(&mut self.parts.random);
                    self.parts.clock.sleep(delay)
                }
            };
            future::select(pin!(shutdown.cancelled()), pause).await;
        }
    }

    /// Reads what there is, within limits, and commits it.
    pub async fn step(&mut self) -> Step {
        match self.advance().await {
            Ok(0) => Step::CaughtUp,
            Ok(records) => Step::Committed { records },
            Err(trouble) => {
                // The outcome of a commit may be unknown: only the store can tell where we are.
                self.reader = None;
                self.report(trouble).await
            }
        }
    }

    /// A step, unless this comes first.
    async fn step_unless(&mut self, end: impl Future<Output = ()>) -> Option<Step> {
        match future::select(pin!(self.step()), pin!(end)).await {
            Either::Left((step, _)) => Some(step),
            Either::Right(((), _)) => None,
        }
    }

    /// Resolves when there may be something to read.
    fn more(&self) -> BoxFuture<'_, ()> {
        match &self.reader {
            Some(reader) => Box::pin(reader.wait()),
            None => Box::pin(future::ready(())),
        }
    }

    /// Projects one batch and tells how many records it had.
    async fn advance(&mut self) -> Result<usize, Trouble> {
        if self.reader.is_none() {
            self.reader = Some(self.load().await?);
        }
        let reader = self.reader.as_mut().expect("just loaded");
        let expected = reader.state().read_offset;
        let entries = reader.next().await?;
        let (filter, end) = (reader.state().clone(), reader.end_seen());
        if !entries.is_empty() {
            self.check_log(&filter)?;
            self.show_waiting(end, entries.iter().find_map(decided_at));
            self.commit(expected, &filter, &entries).await?;
        }
        self.note(&filter, end, entries.iter().rev().find_map(decided_at));
        Ok(entries.len())
    }

    /// A reader that goes on from what is stored of this log.
    async fn load(&self) -> Result<Reader, Trouble> {
        let stored = self.parts.store.projections(self.parts.log_id).await?;
        let stored = stored.into_iter().find(|row| row.partition == self.partition);
        let state = stored.map(|row| row.filter).unwrap_or_default();
        self.parts.board.update(self.partition, |status| {
            (status.read_offset, status.decided_next) = (state.read_offset, state.decided_next);
        });
        Ok(Reader::new(Arc::clone(&self.parts.decisions), self.partition, state, BATCH))
    }

    /// Before the first commit nothing stored says which log this has to be.
    fn check_log(&self, filter: &FilterState) -> Result<(), Trouble> {
        let expected = self.parts.log_id;
        match filter.log_id {
            Some(found) if found != expected => {
                Err(Trouble::Park(decision_log::Park::OtherLog { found, expected }.to_string()))
            }
            None | Some(_) => Ok(()),
        }
    }

    async fn commit(
        &self,
        expected: Offset,
        filter: &FilterState,
        entries: &[Entry],
    ) -> Result<(), Trouble> {
        let view = View::of(self.parts.log_id, self.partition, entries);
        for offset in &view.unreadable {
            self.dead_letters.copy(self.partition, *offset).await?;
            self.metrics.dead_letters.increment(1);
        }
        fail_point::reach(FailPoint::InProjection);
        let stored = checkpoint(filter.clone());
        self.parts.store.commit(self.partition, expected, &stored, &view.changes).await?;
        self.metrics.commits.increment(1);
        self.metrics.rows.increment(view.changes.len().try_into().unwrap_or(u64::MAX));
        self.metrics.ignored.increment(view.ignored);
        if view.differing > 0 {
            let (partition, read_offset) = (self.partition, filter.read_offset);
            tracing::error!(partition, read_offset, "I4: a repeated decision has other bytes");
            self.metrics.repeats_changed.increment(view.differing);
        }
        let (partition, effective) = (self.partition, view.effective);
        tracing::trace!(partition, expected, effective, "committed");
        Ok(())
    }

    /// Shows what waits, before the store is asked: it may not answer for long. Records that decide
    /// nothing are as good as new, however long ago the last decision was.
    fn show_waiting(&self, end: Offset, oldest: Option<i64>) {
        let now = self.parts.clock.now_millis();
        self.show(|status| {
            (status.end, status.waiting_since_ms) = (end, Some(oldest.unwrap_or(now)));
        });
    }

    /// Shows how far it has come. What may wait still is no older than the `newest` that was done.
    fn note(&self, filter: &FilterState, end: Offset, newest: Option<i64>) {
        let now = self.parts.clock.now_millis();
        self.show(|status| {
            status.read_offset = filter.read_offset;
            status.decided_next = filter.decided_next;
            (status.end, status.waiting_since_ms) = (end, Some(newest.unwrap_or(now)));
            if status.park.take().is_some() {
                tracing::info!(
                    partition = status.partition,
                    "the projection is not parked any more"
                );
            }
        });
    }

    /// Shows why it does not come on.
    async fn report(&self, trouble: Trouble) -> Step {
        let partition = self.partition;
        let (step, park) = match trouble {
            Trouble::Moved => {
                self.metrics.moved.increment(1);
                tracing::debug!(partition, "another projector was faster");
                return Step::Moved;
            }
            Trouble::Unavailable(reason) => {
                tracing::warn!(partition, reason, "the projection waits");
                (Step::Unavailable, None)
            }
            Trouble::Park(reason) => (Step::Parked, Some(reason)),
        };
        let waiting = self.oldest_waiting().await;
        self.show(|status| {
            if let Some((end, oldest)) = waiting {
                (status.end, status.waiting_since_ms) = (end, oldest);
            }
            if park.is_some() && status.park != park {
                tracing::error!(partition, reason = park.as_deref(), "the projection is parked");
            }
            status.park = park;
        });
        step
    }

    /// End of the decisions log and time of the first record that is not projected, if the log can
    /// tell.
    async fn oldest_waiting(&self) -> Option<(Offset, Option<i64>)> {
        let read_offset = self.parts.board.update(self.partition, |_| {}).read_offset;
        let limits = ReadLimits { records_max: 1, bytes_max: 1 };
        let batch = self.parts.decisions.read(self.partition, read_offset, limits).await.ok()?;
        let oldest = batch.records.first().map(|stored| stored.log_time.as_millis());
        Some((batch.end, oldest))
    }

    fn show(&self, change: impl FnOnce(&mut crate::board::ProjectorStatus)) {
        let status = self.parts.board.update(self.partition, |status| {
            change(status);
            status.lag_ms = status.waiting_since_ms.map_or(0, |since| self.age_ms(since));
        });
        self.metrics.lag_records.set(as_gauge(status.lag_records));
        self.metrics.lag_seconds.set(as_gauge(status.lag_ms) / 1_000.0);
        self.metrics.parked.set(if status.park.is_some() { 1.0 } else { 0.0 });
    }

    fn age_ms(&self, log_time_ms: i64) -> u64 {
        let age = self.parts.clock.now_millis().saturating_sub(log_time_ms);
        u64::try_from(age).unwrap_or(0)
    }
}

/// What is stored of the filter: all of it, or who starts again here takes another for the owner.
fn checkpoint(filter: FilterState) -> FilterState {
    let is_eighth = filter.read_offset.is_multiple_of(8);
    if is_eighth && sabotage::is_planted(Bug::CheckpointWithoutEpoch) {
        return FilterState { epoch: 0, claim: Digest(0), ..filter };
    }
    filter
}

/// Log time of what was decided, if it counts.
fn decided_at(entry: &Entry) -> Option<i64> {
    match entry {
        Entry::Decision { head, verdict: Verdict::Effective, .. } => {
            Some(head.log_time.as_millis())
        }
        Entry::Genesis | Entry::Owner(..) | Entry::Decision { .. } => None,
    }
}

/// Exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a gauge is read by people")]
fn as_gauge(value: u64) -> f64 {
    value as f64
}

impl From<StoreError> for Trouble {
    fn from(fault: StoreError) -> Self {
        let text = fault.to_string();
        match fault {
            StoreError::Unavailable(_) => Self::Unavailable(text),
            StoreError::Damaged(_) => Self::Park(text),
        }
    }
}

impl From<CommitError> for Trouble {
    fn from(fault: CommitError) -> Self {
        match fault {
            CommitError::Moved { .. } => Self::Moved,
            CommitError::Store(fault) => fault.into(),
        }
    }
}

impl From<ReaderError> for Trouble {
    fn from(fault: ReaderError) -> Self {
        match fault {
            ReaderError::Parked { park, .. } => Self::Park(park.to_string()),
            ReaderError::Read(fault) => Self::Unavailable(fault.to_string()),
        }
    }
}

impl From<CopyError> for Trouble {
    fn from(fault: CopyError) -> Self {
        match fault {
            CopyError::Unavailable(text) => Self::Unavailable(text.into()),
            CopyError::Missing(fault) => Self::Park(fault.to_string()),
        }
    }
}
