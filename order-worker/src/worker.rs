//! One partition's worker: take over, own, step down, park; a loop around a public step.

mod orders;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use decision_log::Park;
use event_log::{Log, ReadLimits};
use futures_util::FutureExt;
use platform::clock::Clock;
use platform::jitter::{Backoff, SplitMix64};
use platform::shutdown::ShutdownToken;
use schemas::{Digest, Offset, Partition};
use tokio::sync::watch;

use crate::board::{PartitionBoard, Phase, Resume};
use crate::metric::PartitionMetrics;
use crate::owner::Owner;
use crate::setback::Setback;
use crate::share::{Seat, Share};
use crate::snapshot::Snapshots;
use crate::takeover::{Attempt, OpenClaim, hear_out};
pub use orders::Order;

/// What a worker stands on. Everything that is not a pure function is handed in.
#[derive(Clone)]
pub struct WorkerParts {
    /// Which partition.
    pub partition: Partition,
    /// Name of this worker, for people.
    pub worker: Arc<str>,
    /// The commands log.
    pub commands: Arc<dyn Log>,
    /// The decisions log.
    pub decisions: Arc<dyn Log>,
    /// Where snapshots go.
    pub snapshots: Snapshots,
    /// Wall time, monotonic time and waiting.
    pub clock: Arc<dyn Clock>,
    /// What operators see.
    pub board: Arc<PartitionBoard>,
}

/// How a worker behaves.
#[derive(Clone, Copy, Debug)]
pub struct WorkerOptions {
    /// Size of one batch of commands.
    pub batch: ReadLimits,
    /// So many batches of decisions may be unacknowledged at a time, or fewer and smaller ones if
    /// partitions share what the log lets wait.
    pub appends_max: usize,
    /// A snapshot is taken after so many decisions …
    pub snapshot_decisions: u64,
    /// … but not sooner than this after the last one.
    pub snapshot_pause: Duration,
    /// A deal is retired so long after it closed.
    pub retire_after: Duration,
    /// How long a claim may stay unanswered before the next attempt.
    pub claim_patience: Duration,
    /// A parked partition looks again for its cause after this.
    pub park_pause: Duration,
    /// A fenced owner claims again after this, if the partition still is its own.
    pub session_timeout: Duration,
    /// A step is taken at least so often, to measure.
    pub idle_pause: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            batch: ReadLimits { records_max: 1_024, bytes_max: 1 << 20 },
            appends_max: 8,
            snapshot_decisions: 50_000,
            snapshot_pause: Duration::from_secs(30),
            retire_after: Duration::from_secs(30 * 24 * 60 * 60),
            claim_patience: Duration::from_secs(5),
            park_pause: Duration::from_secs(10),
            session_timeout: Duration::from_secs(6),
            idle_pause: Duration::from_secs(1),
        }
    }
}

/// How much of the decisions log is read at once: a takeover reads all of it.
const READ_UP: ReadLimits = ReadLimits { records_max: 8_192, bytes_max: 4 << 20 };
/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something; there may be more to do at once.
    Busy,
    /// Nothing: wait before the next step.
    Idle,
    /// All that was decided is read back and stored; only after [`PartitionWorker::drain`].
    Drained,
}

enum State {
    /// Try to take over once the pause is over.
    Standby(Duration),
    Owning(Box<Owner>),
    Drained,
}

/// One partition's worker.
pub struct PartitionWorker {
    parts: WorkerParts,
    options: WorkerOptions,
    metrics: PartitionMetrics,
    state: State,
    open: Option<OpenClaim>,
    accepted: Resume,
    backoff: Backoff,
    /// `decided_next` at the last takeover: an owner that has not got beyond it has proved nothing.
    taken_at: Offset,
    random: SplitMix64,
    /// How often in a row the partition parked because of a record's size.
    too_large: u32,
    draining: bool,
    share: Arc<Share>,
    /// Taken while the partition is this worker's.
    seat: Option<Seat>,
    /// Since when the partition is not this worker's, in monotonic milliseconds.
    resting_since_ms: Option<u64>,
}

impl PartitionWorker {
    /// A worker that will take the partition over with its first step. `seed` must differ between
    /// workers and runs: claims and jitter are drawn from it.
    #[must_use]
    pub fn new(parts: WorkerParts, options: WorkerOptions, seed: u64) -> Self {
        Self {
            metrics: PartitionMetrics::new(parts.partition),
            parts,
            options,
            state: State::Standby(Duration::ZERO),
            open: None,
            accepted: Resume::default(),
            backoff: Backoff::new(),
            taken_at: 0,
            random: SplitMix64::new(seed),
            too_large: 0,
            draining: false,
            share: Share::new(usize::MAX),
            seat: None,
            resting_since_ms: None,
        }
    }

    /// The same, beside other partitions that share what the log lets wait.
    #[must_use]
    pub fn sharing(self, share: &Arc<Share>) -> Self {
        Self { share: Arc::clone(share), seat: Some(Seat::take(share)), ..self }
    }

    /// Steps and waits until `shutdown` is asked for, then drains. The caller bounds the time.
    /// `orders` may change at any time; `rested` is told when nothing of this worker is on its
    /// way any more.
    pub async fn run(
        mut self,
        mut orders: watch::Receiver<Order>,
        rested: watch::Sender<bool>,
        shutdown: ShutdownToken,
    ) {
        loop {
            {
                // Nobody changes the order while it is looked at: who has changed it then sees no
                // rest from before.
                let order = orders.borrow_and_update();
                self.follow(*order);
                self.tell(&rested);
            }
            let step = match &self.state {
                // Reading up and claiming may take long, and nothing is lost if it is cut short.
                State::Standby(_) if !self.draining => tokio::select! {
                    biased;
                    () = shutdown.cancelled() => Step::Busy,
                    // Without anybody to change it, an order stays.
                    Ok(()) = orders.changed() => Step::Busy,
                    step = self.step() => step,
                },
                State::Standby(_) | State::Owning(_) | State::Drained => self.step().await,
            };
            self.tell(&rested);
            match step {
                Step::Busy => tokio::task::yield_now().await,
                Step::Drained => return,
                Step::Idle if self.draining => self.wait().await,
                Step::Idle => tokio::select! {
                    biased;
                    () = shutdown.cancelled() => {}
                    Ok(()) = orders.changed() => {}
                    () = self.wait() => {}
                },
            }
            if shutdown.is_cancelled() && !self.draining {
                self.drain();
            }
        }
    }

    /// Decide nothing more; steps go on until all that was decided is read back and stored.
    pub fn drain(&mut self) {
        self.draining = true;
        match &mut self.state {
            State::Owning(owner) if self.resting_since_ms.is_none() => owner.drain(),
            // What rests is settled, or was told to be; the partition is not ours to finish.
            State::Owning(_) | State::Standby(_) => self.state = State::Drained,
            State::Drained => {}
        }
    }

    /// One step. Awaits nothing but the logs and the snapshots.
    pub async fn step(&mut self) -> Step {
        let outcome = match &mut self.state {
            State::Drained => {
                self.show(|status| status.phase = Phase::Stopped);
                return Step::Drained;
            }
            // A partition is claimed only while it is this worker's; an older claim is heard out.
            State::Standby(_) if self.resting_since_ms.is_some() => {
                let _heard: Option<()> = hear_out(&mut self.open).now_or_never();
                return Step::Idle;
            }
            State::Standby(pause) if *pause > Duration::ZERO => return Step::Idle,
            State::Standby(_) => self.take_over().await,
            State::Owning(owner) => owner.step().await,
        };
        if self.has_rested_long() {
            self.state = State::Standby(Duration::ZERO);
            return Step::Busy;
        }
        match outcome {
            Ok(busy) => {
                self.show_progress();
                let reached = self.owned_up_to();
                if reached.is_some_and(|decided_next| decided_next > self.taken_at) {
                    self.backoff.reset();
                    self.too_large = 0;
                }
                match &self.state {
                    State::Owning(owner) if self.draining && owner.is_drained() => {
                        self.state = State::Drained;
                        Step::Busy
                    }
                    State::Owning(_) | State::Standby(_) | State::Drained => {
                        if busy {
                            Step::Busy
                        } else {
                            Step::Idle
                        }
                    }
                }
            }
            Err(setback) => {
                self.step_down(&setback);
                Step::Busy
            }
        }
    }

    /// Resolves when another step may find something to do.
    pub async fn wait(&mut self) {
        match &mut self.state {
            State::Drained => {}
            State::Owning(owner) => owner.wait().await,
            State::Standby(_) if self.resting_since_ms.is_some() => hear_out(&mut self.open).await,
            State::Standby(pause) => {
                let WorkerParts { partition, clock, board, .. } = &self.parts;
                tokio::select! {
                    biased;
                    () = board.wished(*partition) => {}
                    () = clock.sleep(*pause) => {}
                }
                *pause = Duration::ZERO;
            }
        }
    }

    async fn take_over(&mut self) -> Result<bool, Setback> {
        if let Some(wish) = self.parts.board.take_wish(self.parts.partition) {
            self.accepted = wish;
        }
        let start_ms = self.parts.clock.elapsed_millis();
        let random = u128::from(self.random.draw()) << 64 | u128::from(self.random.draw());
        let attempt = Attempt {
            parts: &self.parts,
            limits: READ_UP,
            accepted: self.accepted,
            patience: self.options.claim_patience,
            random: Digest(random),
            metrics: &self.metrics,
        };
        let taken = attempt.run(&mut self.open).await?;
        // It was said of what was in the way this time.
        let accepted = std::mem::take(&mut self.accepted);
        let (parts, options) = (self.parts.clone(), self.options);
        let share = Arc::clone(&self.share);
        let mut owner = Owner::new(parts, options, share, self.metrics.clone(), taken);
        if accepted.accept_log_time {
            owner.accept_log_time();
        }
        if accepted.new_log {
            // What an operator has accepted must outlive this process.
            owner.snapshot_first();
        }
        self.taken_at = owner.decided_next();
        let took = Duration::from_millis(self.parts.clock.elapsed_millis() - start_ms);
        self.metrics.takeovers.increment(1);
        self.metrics.takeover_seconds.record(took.as_secs_f64());
        let (partition, epoch) = (self.parts.partition, owner.epoch());
        tracing::info!(
            partition,
            epoch,
            decided_next = owner.decided_next(),
            ?took,
            "partition owned"
        );
        self.state = State::Owning(Box::new(owner));
        Ok(true)
    }

    /// Drops all state and says when to try again.
    fn step_down(&mut self, setback: &Setback) {
        let partition = self.parts.partition;
        self.metrics.restarts.increment(1);
        let mut draw = || self.random.draw();
        let pause = match setback {
            Setback::Parked(Park::TooLarge { .. }) => {
                // Each look claims the partition and tries the log again.
                let pause = self.options.park_pause * 2_u32.pow(self.too_large.min(6));
                self.too_large += 1;
                pause
            }
            Setback::Parked(_) => self.options.park_pause,
            // Its owner may be alive; a late claim of a dead one must not orphan the partition.
            Setback::Fenced { .. } => {
                platform::jitter::spread(self.options.session_timeout, &mut draw)
            }
            Setback::Lost(_) | Setback::Read(_) | Setback::Append(_) => {
                self.backoff.next_delay(&mut draw)
            }
        };
        let park = match setback {
            Setback::Parked(park) => Some(park),
            Setback::Fenced { .. } | Setback::Lost(_) | Setback::Read(_) | Setback::Append(_) => {
                None
            }
        };
        self.show_setback(setback, park);
        self.state = if self.draining {
            State::Drained
        } else {
            State::Standby(pause.max(Duration::from_millis(1)))
        };
        self.measure_setback(setback);
        if park.is_none() {
            tracing::warn!(partition, %setback, ?pause, "partition given up, will try again");
        }
    }

    /// Next command to decide, as it was read back, if the partition is owned.
    fn owned_up_to(&self) -> Option<Offset> {
        match &self.state {
            State::Owning(owner) => Some(owner.decided_next()),
            State::Standby(_) | State::Drained => None,
        }
    }
}
