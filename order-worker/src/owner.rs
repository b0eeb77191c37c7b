//! An owned partition: read commands, decide, append, and read the own decisions back. Pipelined:
//! the next batch is decided while the last ones are being acknowledged.

mod answers;
mod snapshots;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use decision_log::{Park, Reader};
use event_log::{ReadError, ReadLimits, Receipt};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, OptionFuture};
use platform::fail_point::{self, FailPoint};
use schemas::log::FilterState;
use schemas::{Digest, Offset, Timestamp};

use crate::deciding::{Frontier, in_turn, latest_log_time};
use crate::metric::PartitionMetrics;
use crate::sent::{SENT_MAX, Sent};
use crate::setback::Setback;
use crate::share::{Portion, Share};
use crate::snapshot::SnapshotError;
use crate::takeover::Taken;
use crate::ticks::{Due, Kind, Ticks};
use crate::worker::{WorkerOptions, WorkerParts};

/// An own decision that is not read back so long after its ack is lost.
const READ_BACK_MS_MAX: u64 = 5_000;

/// A batch of decisions that the log has not acknowledged.
#[derive(Debug)]
struct PendingAppend {
    receipt: Receipt,
    /// Since when the batch's first command has waited.
    since: Timestamp,
    /// Offset of the batch's last command.
    last: Offset,
    /// Offset of the command whose decision is the largest of the batch.
    largest: Offset,
}

/// Acknowledged, and to be read back by then (monotonic milliseconds).
#[derive(Clone, Copy, Debug)]
struct ReadBackDeadline {
    last: Offset,
    at_ms: u64,
}

/// A reminder on its way into the commands log.
type PendingTick = BoxFuture<'static, (Kind, Option<Offset>)>;
/// The bytes of a snapshot that is being made, with the state of the filter that they hold.
type PendingBytes = BoxFuture<'static, Result<(FilterState, Vec<u8>), SnapshotError>>;
/// A snapshot on its way into the object store.
type PendingSnapshot = BoxFuture<'static, Result<(), SnapshotError>>;

/// An owned partition.
pub(crate) struct Owner {
    parts: WorkerParts,
    options: WorkerOptions,
    share: Arc<Share>,
    metrics: PartitionMetrics,
    /// Whether log time may run ahead of the clock.
    accept_log_time: bool,
    reader: Reader,
    epoch: u64,
    claim: Digest,
    frontier: Frontier,
    sent: Sent,
    appends: VecDeque<PendingAppend>,
    deadlines: VecDeque<ReadBackDeadline>,
    ticks: Ticks,
    tick: Option<PendingTick>,
    making: Option<PendingBytes>,
    snapshot: Option<PendingSnapshot>,
    /// `decided_next` and monotonic time of the last snapshot.
    snapshot_at: (Offset, u64),
    /// Take one as soon as nothing is on its way, before anything is decided.
    snapshot_wanted: bool,
    commands_end: Offset,
    /// Append time of the oldest command seen that is not decided.
    oldest_waiting: Option<Timestamp>,
    /// Decide nothing more: finish what is on its way, then take a last snapshot.
    draining: bool,
    /// Decide nothing: the partition is somebody else's to take, or will come back.
    resting: bool,
    /// Found beyond the last decided command.
    park: Option<Park>,
}

impl Owner {
    pub(crate) fn new(
        parts: WorkerParts,
        options: WorkerOptions,
        share: Arc<Share>,
        metrics: PartitionMetrics,
        taken: Taken,
    ) -> Self {
        let Taken { reader, state } = taken;
        let filter = reader.state();
        let (epoch, claim, decided_next) = (filter.epoch, filter.claim, filter.decided_next);
        let snapshot_at = (decided_next, parts.clock.elapsed_millis());
        Self {
            parts,
            options,
            share,
            metrics,
            accept_log_time: false,
            reader,
            epoch,
            claim,
            frontier: Frontier { state: Arc::new(state), decided_next },
            sent: Sent::default(),
            appends: VecDeque::new(),
            deadlines: VecDeque::new(),
            ticks: Ticks::default(),
            tick: None,
            making: None,
            snapshot: None,
            snapshot_at,
            snapshot_wanted: false,
            commands_end: 0,
            oldest_waiting: None,
            draining: false,
            resting: false,
            park: None,
        }
    }

    pub(crate) fn accept_log_time(&mut self) {
        self.accept_log_time = true;
    }

    /// Remember by a snapshot which log this is, before anything is decided.
    pub(crate) fn snapshot_first(&mut self) {
        self.snapshot_wanted = true;
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Next command to decide, as it was read back: what others may know.
    pub(crate) fn decided_next(&self) -> Offset {
        self.reader.state().decided_next
    }

    pub(crate) fn read_offset(&self) -> Offset {
        self.reader.state().read_offset
    }

    pub(crate) fn commands_end(&self) -> Offset {
        self.commands_end
    }

    /// Decide nothing more; [`Owner::is_drained`] tells when all that was sent is read back.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
    }

    /// Append nothing until [`Owner::wake`]: no decisions and no reminders. What is on its way is
    /// read back as ever.
    pub(crate) fn rest(&mut self) {
        self.resting = true;
    }

    /// Go on where it was left.
    pub(crate) fn wake(&mut self) {
        self.resting = false;
    }

    pub(crate) fn is_drained(&self) -> bool {
        let is_stored = self.making.is_none() && self.snapshot.is_none();
        self.is_settled() && is_stored && self.decided_next() == self.snapshot_at.0
    }

    /// One round: what was acknowledged, what was read back, the next batch, reminders, a snapshot.
    /// Tells whether anything happened; if not, [`Owner::wait`].
    pub(crate) async fn step(&mut self) -> Result<bool, Setback> {
        let mut busy = self.collect_answers()?;
        busy |= self.read_back().await?;
        self.check_deadlines()?;
        if let Some(park) = self.park.take_if(|_| self.sent.is_empty()) {
            return Err(park.into());
        }
        busy |= self.decide_next().await?;
        self.remind();
        busy |= self.take_snapshot();
        self.measure();
        Ok(busy)
    }

    /// Resolves when another step may find something to do.
    pub(crate) async fn wait(&mut self) {
        let (read, pause) = (self.wants_commands(), self.until_next());
        let Self { appends, reader, tick, making, snapshot, ticks, parts, frontier, .. } = self;
        let from = frontier.decided_next;
        let commands = read.then(|| parts.commands.wait(parts.partition, from));
        let commands = OptionFuture::from(commands);
        tokio::select! {
            biased;
            Some(answer) = OptionFuture::from(appends.front_mut().map(|it| &mut it.receipt)) => {
                // The answer is kept for the next step, which knows what to do with it.
                let front = appends.front_mut().expect("it was awaited");
                front.receipt = Receipt::ready(answer);
            }
            () = reader.wait() => {}
            Some(()) = commands => {}
            Some((kind, offset)) = OptionFuture::from(tick.as_mut()) => {
                *tick = None;
                ticks.appended(kind, offset, now(parts));
            }
            Some(outcome) = OptionFuture::from(making.as_mut()) => {
                *making = Some(std::future::ready(outcome).boxed());
            }
            Some(outcome) = OptionFuture::from(snapshot.as_mut()) => {
                *snapshot = Some(std::future::ready(outcome).boxed());
            }
            () = parts.clock.sleep(pause) => {}
        }
    }

    fn portion(&self) -> Portion {
        let WorkerOptions { batch, appends_max, .. } = self.options;
        self.share.portion(Portion { records_max: batch.records_max, appends_max })
    }

    fn wants_commands(&self) -> bool {
        !self.draining
            && !self.resting
            && self.park.is_none()
            && !self.snapshot_is_due()
            && self.frontier.is_free()
            && self.appends.len() < self.portion().appends_max
            && self.sent.len() < SENT_MAX
    }

    /// Everything that was decided is acknowledged and read back.
    pub(crate) fn is_settled(&self) -> bool {
        self.appends.is_empty() && self.sent.is_empty()
    }

    async fn decide_next(&mut self) -> Result<bool, Setback> {
        if !self.wants_commands() {
            return Ok(false);
        }
        let from = self.frontier.decided_next;
        let WorkerParts { partition, commands, decisions, .. } = &self.parts;
        let room = SENT_MAX - self.sent.len();
        let limits =
            ReadLimits { records_max: self.portion().records_max.min(room), ..self.options.batch };
        let batch = commands.read(*partition, from, limits).await.map_err(commands_fault)?;
        self.commands_end = batch.end;
        let first = batch.records.first().map(|first| first.log_time);
        self.oldest_waiting = first;
        let Some(since) = first else { return Ok(false) };
        fail_point::reach(FailPoint::AfterRead);
        let now = now(&self.parts);
        let latest = if self.accept_log_time { Timestamp::MAX } else { latest_log_time(now) };
        let owner = self.reader.state();
        let commands = in_turn(batch.records, from);
        let decided = self.frontier.decide(&commands, owner, latest, &mut self.sent);
        self.park = decided.park;
        if decided.records.is_empty() {
            return Ok(true);
        }
        self.metrics.decisions.increment(decided.records.len() as u64);
        self.metrics.events.increment(decided.events as u64);
        let sizes = (from..).zip(decided.records.iter().map(|record| record.payload.len()));
        let largest = sizes.max_by_key(|(_, bytes)| *bytes).map_or(from, |(offset, _)| offset);
        let receipt = decisions.append(*partition, decided.records);
        let last = self.frontier.decided_next - 1;
        self.appends.push_back(PendingAppend { receipt, since, last, largest });
        Ok(true)
    }

    /// Appends a reminder if one is due, at most one on its way at a time.
    fn remind(&mut self) {
        let (next, log_time) = (self.frontier.decided_next, self.frontier.state.log_time());
        self.ticks.decided(next, log_time, self.due(), now(&self.parts));
        if self.tick.is_some() || self.draining || self.resting || self.park.is_some() {
            return;
        }
        let Some((kind, command)) = self.ticks.take(self.due(), now(&self.parts)) else { return };
        self.tick =
            Some(answers::append_tick(&self.parts.commands, self.parts.partition, kind, &command));
    }

    fn due(&self) -> Due {
        let state = &self.frontier.state;
        let retirement = state.next_retirement().map(|(closes_at, deal_id)| {
            (closes_at.plus(self.options.retire_after), deal_id, closes_at)
        });
        Due { expiry: state.next_expiry().map(|(at, _)| at), retirement }
    }

    /// How long to wait at most: to the next reminder or read-back deadline.
    fn until_next(&self) -> Duration {
        let idle = self.options.idle_pause;
        let reminder = self.ticks.next(self.due()).filter(|_| self.tick.is_none());
        let reminder = reminder.map_or(idle, |at| at.since(now(&self.parts)));
        let now_ms = self.parts.clock.elapsed_millis();
        let deadline = self.deadlines.front();
        let deadline =
            deadline.map_or(idle, |it| Duration::from_millis(it.at_ms.saturating_sub(now_ms)));
        reminder.min(deadline).min(idle).max(Duration::from_millis(1))
    }

    fn measure(&self) {
        // Whoever has the partition says how far behind it is.
        let end = if self.resting { 0 } else { self.commands_end };
        let waiting = end.saturating_sub(self.decided_next());
        let oldest = self.appends.front().map(|append| append.since).or(self.oldest_waiting);
        let age = oldest.filter(|_| waiting > 0);
        let age = age.map_or(Duration::ZERO, |since| now(&self.parts).since(since));
        self.metrics.set_lag(waiting, age);
    }
}

fn now(parts: &WorkerParts) -> Timestamp {
    Timestamp::from_millis(parts.clock.now_millis())
}

fn commands_fault(fault: ReadError) -> Setback {
    match fault {
        ReadError::OutOfRange { offset: decided_next, start, end, .. } => {
            Park::DecidedNextOutside { decided_next, start, end }.into()
        }
        ReadError::Unavailable { .. } => Setback::Read(fault),
    }
}
