//! Taking a partition over: fold the decisions log to its end, claim, and read on until the claim
//! is answered. The state at that point is the fold up to the own owner record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use decider::State;
use decision_log::{Claim, ClaimOutcome, Entry, Park, Reader, Verdict, owner_record};
use event_log::{AppendError, Appended, ReadLimits, Receipt, Stored};
use platform::fail_point::{self, FailPoint};
use sabotage::Bug;
use schemas::log::{CommandsRecord, Decision, FilterState, Owner, RULES, decode_command};
use schemas::{Digest, Offset, Timestamp};

use crate::board::Resume;
use crate::deciding::{check_log_time, check_version, latest_log_time};
use crate::metric::PartitionMetrics;
use crate::setback::Setback;
use crate::snapshot::{Patience, Snapshot, SnapshotError};
use crate::worker::WorkerParts;

/// A claim that was handed to the log. Kept over attempts, so that at most one is unanswered: if
/// it appears late, it is ours all the same.
#[derive(Debug)]
pub(crate) struct OpenClaim {
    claim: Claim,
    /// None once the log has acknowledged it.
    receipt: Option<Receipt>,
}

impl OpenClaim {
    /// Whether the log has said what became of it.
    pub(crate) fn is_answered(&self) -> bool {
        self.receipt.is_none()
    }
}

/// A partition folded from the log.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) reader: Reader,
    pub(crate) state: State,
}

/// What one attempt to take a partition over needs beside the worker's parts.
pub(crate) struct Attempt<'a> {
    pub(crate) parts: &'a WorkerParts,
    pub(crate) limits: ReadLimits,
    /// What an operator has accepted.
    pub(crate) accepted: Resume,
    /// How long to wait for a claim to be answered.
    pub(crate) patience: Duration,
    /// Fresh for every attempt.
    pub(crate) random: Digest,
    /// Where it is said what waits meanwhile.
    pub(crate) metrics: &'a PartitionMetrics,
}

impl Attempt<'_> {
    /// Folds the log from the newest snapshot to its end, claims the partition, and reads on until
    /// the claim is answered.
    pub(crate) async fn run(&self, open: &mut Option<OpenClaim>) -> Result<Taken, Setback> {
        // A read that finds nothing only says that nothing has arrived here, and a claim of an
        // epoch that is taken would be lost. Asked first: while the log does not answer, a
        // snapshot is of no use.
        let WorkerParts { partition, decisions, .. } = self.parts;
        let end = decisions.end(*partition).await.map_err(Setback::Read)?;
        let (mut taken, other_log) = self.load().await;
        let won = match &other_log {
            Ok(Some(park)) => Err(park.clone().into()),
            Ok(None) | Err(_) => self.win(&mut taken, (end, other_log.is_ok()), open).await,
        };
        match won {
            Ok(()) => Ok(taken),
            Err(setback) => {
                match setback {
                    Setback::Parked(_) | Setback::Lost(_) => {
                        self.measure(taken.reader.state()).await;
                    }
                    // Its owner says how far behind it is; or a log is away, and nobody can say.
                    Setback::Fenced { .. } | Setback::Read(_) | Setback::Append(_) => {}
                }
                Err(setback)
            }
        }
    }

    async fn win(
        &self,
        taken: &mut Taken,
        (end, is_our_log): (Offset, bool),
        open: &mut Option<OpenClaim>,
    ) -> Result<(), Setback> {
        let outcome = self.read_up(taken, end, open.as_ref().map(|open| &open.claim)).await?;
        if !is_our_log && taken.reader.state().epoch == 0 {
            // Snapshots of the log that this one replaced would be in the way, if they were seen.
            return Err(Setback::Lost("a new log, and nobody knows of which snapshots".into()));
        }
        self.check(taken).await?;
        if let Some(outcome) = outcome {
            return taken.settle(outcome, open.take());
        }
        // A claim that was outbid, or that stands before the snapshot, or that was written and is
        // gone, can never be won any more.
        let epoch = taken.reader.state().epoch;
        open.take_if(|open| open.claim.owner().epoch <= epoch || open.is_answered());
        if open.is_none() {
            *open = Some(self.claim(taken));
            fail_point::reach(FailPoint::DuringTakeover);
        }
        if let Some(open) = open
            && sabotage::is_planted(Bug::ClaimIgnored)
        {
            self.take_for_won(taken, open);
            return Ok(());
        }
        let patience = self.parts.clock.sleep(self.patience);
        tokio::select! {
            biased;
            outcome = await_answer(taken, open) => {
                let outcome = outcome?;
                if let Some(open) = open
                    && sabotage::is_planted(Bug::ClaimUncompared)
                    && open.claim.owner().epoch == taken.reader.state().epoch
                {
                    self.take_for_won(taken, open);
                    return Ok(());
                }
                taken.settle(outcome, open.take())
            }
            () = patience => Err(Setback::Lost("the claim is unanswered".into())),
        }
    }

    /// A mistake that somebody could make: the state is the fold, whoever has the partition.
    fn take_for_won(&self, taken: &mut Taken, open: &OpenClaim) {
        let Owner { epoch, claim, rules, .. } = *open.claim.owner();
        let filter = FilterState { epoch, claim, rules, ..taken.reader.state().clone() };
        taken.reader = self.reader(filter);
    }

    /// What waits while nobody decides.
    async fn measure(&self, filter: &FilterState) {
        let WorkerParts { partition, commands, clock, board, .. } = self.parts;
        let Ok(end) = commands.end(*partition).await else { return };
        let waiting = end.saturating_sub(filter.decided_next);
        let oldest = self.peek(filter.decided_next).await.ok().flatten();
        let now = Timestamp::from_millis(clock.now_millis());
        let age = oldest.map_or(Duration::ZERO, |oldest| now.since(oldest.log_time));
        self.metrics.set_lag(waiting, age);
        board.update(*partition, |status| {
            status.epoch = filter.epoch;
            status.decided_next = filter.decided_next;
            status.read_offset = filter.read_offset;
            status.commands_end = end;
        });
    }

    /// Folds to the end of the log, which is known to go to `end` at least.
    async fn read_up(
        &self,
        taken: &mut Taken,
        end: Offset,
        claim: Option<&Claim>,
    ) -> Result<Option<ClaimOutcome>, Setback> {
        let mut last = None;
        loop {
            let (read, outcome) = taken.fold_next(claim).await?;
            last = outcome.or(last);
            if read {
                continue;
            }
            if taken.reader.state().read_offset >= end {
                return Ok(last);
            }
            // It may be on its way, or gone: a broker may lose what it had.
            tokio::select! {
                biased;
                () = taken.reader.wait() => {}
                () = self.parts.clock.sleep(self.patience) => {
                    return Err(Setback::Lost("the log ends before it was said to".into()));
                }
            }
        }
    }

    /// The newest snapshot or nothing, and whether another log's is in the way, if the store says
    /// so in time. What it does not tell is found by reading the whole log.
    async fn load(&self) -> (Taken, Result<Option<Park>, SnapshotError>) {
        let partition = self.parts.partition;
        let (snapshot, other_log) = match self.find_snapshot().await {
            Ok((snapshot, park)) => (snapshot, Ok(park)),
            Err(fault) => {
                tracing::warn!(partition, %fault, "going on without a snapshot");
                (None, Err(fault))
            }
        };
        let (filter, state) = snapshot.map_or_else(
            || (FilterState::default(), State::default()),
            |snapshot| (snapshot.filter, snapshot.state),
        );
        (Taken { reader: self.reader(filter), state }, other_log)
    }

    fn reader(&self, filter: FilterState) -> Reader {
        let WorkerParts { partition, decisions, .. } = self.parts;
        Reader::new(Arc::clone(decisions), *partition, filter, self.limits)
    }

    async fn find_snapshot(&self) -> Result<(Option<Snapshot>, Option<Park>), SnapshotError> {
        let WorkerParts { partition, snapshots, clock, .. } = self.parts;
        let patience = Patience::By(&**clock);
        let snapshot = snapshots.load_within(*partition, patience).await?;
        if snapshot.is_some() || self.accepted.new_log {
            return Ok((snapshot, None));
        }
        let other_log = snapshots.other_log_within(*partition, patience).await?;
        let found = snapshots.log_id();
        Ok((None, other_log.map(|expected| Park::OtherLog { found, expected })))
    }

    fn claim(&self, taken: &Taken) -> OpenClaim {
        let WorkerParts { partition, decisions, worker, .. } = self.parts;
        let claim = Claim::new(taken.reader.state(), self.random, worker, RULES);
        let receipt = decisions.append(*partition, vec![owner_record(claim.owner())]);
        OpenClaim { claim, receipt: Some(receipt) }
    }

    /// Nearly everything that would park the partition at once is found before it is claimed, so
    /// that looking again every few seconds leaves no trace in the log. What only the log can find
    /// too large is tried again, more and more seldom.
    async fn check(&self, taken: &Taken) -> Result<(), Setback> {
        let WorkerParts { partition, commands, clock, .. } = self.parts;
        let filter = taken.reader.state();
        if filter.log_id.is_none() {
            return Err(Park::NoGenesis.into());
        }
        let start = commands.start(*partition).await.map_err(Setback::Read)?;
        let end = commands.end(*partition).await.map_err(Setback::Read)?;
        let decided_next = filter.decided_next;
        if !(start..=end).contains(&decided_next) {
            return Err(Park::DecidedNextOutside { decided_next, start, end }.into());
        }
        if start == 0 {
            self.check_genesis(filter).await?;
        }
        let next = self.peek(decided_next).await?;
        if !self.accepted.accept_log_time {
            let now = Timestamp::from_millis(clock.now_millis());
            let append_time = next.as_ref().map_or(Timestamp::EPOCH, |next| next.log_time);
            check_log_time(filter.log_time.max(append_time), latest_log_time(now))?;
        }
        match next {
            Some(next) => Ok(check_version(&next)?),
            None => Ok(()),
        }
    }

    /// Both logs must be of the same kind: commands of one are not for decisions of another.
    async fn check_genesis(&self, filter: &FilterState) -> Result<(), Setback> {
        let first = self.peek(0).await?.ok_or(Park::NoGenesis)?;
        let Ok(CommandsRecord::Genesis(genesis)) = decode_command(&first.payload) else {
            return Err(Park::NoGenesis.into());
        };
        let expected = self.parts.commands.partitions();
        if genesis.partitions != expected {
            return Err(Park::OtherPartitionCount { found: genesis.partitions, expected }.into());
        }
        match filter.log_id {
            Some(expected) if expected != genesis.log_id => {
                Err(Park::OtherLog { found: genesis.log_id, expected }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn peek(&self, offset: Offset) -> Result<Option<Stored>, Setback> {
        let one = ReadLimits { records_max: 1, bytes_max: 1 };
        let batch = self.parts.commands.read(self.parts.partition, offset, one).await;
        Ok(batch.map_err(Setback::Read)?.records.into_iter().next())
    }
}

/// Reads on until the open claim's record appears.
async fn await_answer(
    taken: &mut Taken,
    open: &mut Option<OpenClaim>,
) -> Result<ClaimOutcome, Setback> {
    loop {
        let OpenClaim { claim, receipt } = open.as_mut().expect("open until it is answered");
        let (_, outcome) = taken.fold_next(Some(claim)).await?;
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
        let Some(pending) = receipt else {
            taken.reader.wait().await;
            continue;
        };
        let answer = tokio::select! {
            biased;
            answer = pending => answer,
            () = taken.reader.wait() => continue,
        };
        note(open, answer).map_err(Setback::Append)?;
    }
}

/// Resolves when the log has said what became of the open claim; never if it has, or if there is
/// none.
pub(crate) async fn hear_out(open: &mut Option<OpenClaim>) {
    let receipt = open.as_mut().and_then(|open| open.receipt.as_mut());
    let Some(receipt) = receipt else { return std::future::pending().await };
    let answer = receipt.await;
    if let Err(fault) = note(open, answer) {
        tracing::debug!(%fault, "a claim came to nothing");
    }
}

fn note(
    open: &mut Option<OpenClaim>,
    answer: Result<Vec<Appended>, AppendError>,
) -> Result<(), AppendError> {
    match answer {
        Ok(_) => {
            if let Some(open) = open {
                open.receipt = None;
            }
            Ok(())
        }
        Err(fault) => {
            // Not written, or nobody knows. The next attempt reads up to the end first, so an
            // epoch that landed after all is seen before the next claim is made.
            *open = None;
            Err(fault)
        }
    }
}

impl Taken {
    /// Ours only if the claim was won and nobody has come after it up to where the log was read.
    fn settle(&self, outcome: ClaimOutcome, open: Option<OpenClaim>) -> Result<(), Setback> {
        let filter = self.reader.state();
        let (epoch, claim) = (filter.epoch, filter.claim);
        let current = open.is_some_and(|open| {
            let owner = open.claim.owner();
            (owner.epoch, owner.claim) == (epoch, claim)
        });
        match outcome {
            ClaimOutcome::Won if current => Ok(()),
            ClaimOutcome::Won => Err(Setback::Fenced { epoch }),
            ClaimOutcome::Lost => {
                Err(Setback::Lost(format!("epoch {epoch} was claimed first").into()))
            }
        }
    }

    /// Reads and folds what there is; tells whether there was anything, and what became of
    /// `claim`. After the own owner record nothing can count but the own decisions, and none was
    /// sent yet: so the state is the fold up to that record even if the batch goes on behind it.
    async fn fold_next(
        &mut self,
        claim: Option<&Claim>,
    ) -> Result<(bool, Option<ClaimOutcome>), Setback> {
        let entries = self.reader.next().await?;
        let read = !entries.is_empty();
        let mut outcome = None;
        for entry in entries {
            match entry {
                Entry::Owner(owner, verdict) => {
                    let answer = claim.and_then(|claim| claim.outcome(&owner, verdict));
                    outcome = answer.or(outcome);
                }
                Entry::Decision { decision, verdict: Verdict::Effective, .. } => {
                    fold(&mut self.state, &decision)?;
                }
                Entry::Decision { .. } | Entry::Genesis => {}
            }
        }
        Ok((read, outcome))
    }
}

/// Folds a decision that stands in the log. If it cannot have been made in this state, the log is
/// not what a decider wrote: this partition stops, and the others go on.
fn fold(state: &mut State, decision: &Decision) -> Result<(), Park> {
    // The state is dropped with the park, so nobody sees what a broken fold left behind.
    let folded = catch_unwind(AssertUnwindSafe(|| state.fold(decision)));
    folded.map_err(|_| Park::Impossible { offset: decision.offset })
}
