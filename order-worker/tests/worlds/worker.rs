//! A worker of a small world: what it knows, and what it does with what it reads. Follows
//! `takeover.rs` and `owner.rs` line by line; what they ask of filter and claim, it asks too.

use decision_log::{Claim, ClaimOutcome, Filter, Verdict};
use schemas::log::FilterState;
use schemas::{Digest, Offset};

use crate::kept::Kept;
use crate::log::{Body, Logs, Record, begun, decide, fold, judge};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Knows nothing of the log.
    Standby,
    /// Has read the log to its end, and will claim.
    Ready,
    /// Has claimed.
    Waiting,
    Owning,
}

#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) phase: Phase,
    pub(crate) filter: FilterState,
    /// Fold of all that it has read or, once it owns, decided.
    pub(crate) state: u64,
    /// The command to decide next.
    pub(crate) next: Offset,
    /// What it has decided and not read back.
    pub(crate) sent: Vec<(Offset, u64)>,
    /// A claim that may be won yet.
    pub(crate) open: Option<Claim>,
    pub(crate) claims_left: u8,
    /// Where its last snapshot ends.
    pub(crate) stored: Offset,
}

/// The fold of a log up to `filter.read_offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) filter: FilterState,
    pub(crate) state: u64,
}

impl Snapshot {
    /// Where one begins that has none.
    pub(crate) fn none() -> Self {
        Self { filter: begun(), state: 0 }
    }
}

impl Worker {
    pub(crate) fn new(claims_left: u8) -> Self {
        let Snapshot { filter, state } = Snapshot::none();
        let (phase, sent, open) = (Phase::Standby, Vec::new(), None);
        Self { phase, filter, state, next: 0, sent, open, claims_left, stored: 0 }
    }

    /// Drops everything but an open claim.
    pub(crate) fn stand_by(&mut self) {
        *self = Self { open: self.open.take(), ..Self::new(self.claims_left) };
    }

    /// Starts over from a snapshot and reads the log up.
    pub(crate) fn load(&mut self, from: &Snapshot, logs: &Logs, log: usize) -> Result<(), String> {
        (self.filter, self.state) = (from.filter.clone(), from.state);
        let outcome = if logs.kept().read_up { self.read_up(logs, log)? } else { None };
        if let Some(outcome) = outcome {
            self.settle(outcome);
            return Ok(());
        }
        let epoch = self.filter.epoch;
        self.open.take_if(|open| open.owner().epoch <= epoch);
        self.phase = Phase::Ready;
        Ok(())
    }

    /// Makes a claim, unless one is open.
    pub(crate) fn claim(&mut self, random: u128, rules: u32) -> Option<&Claim> {
        self.phase = Phase::Waiting;
        if self.open.is_some() {
            return None;
        }
        self.claims_left = self.claims_left.saturating_sub(1);
        self.open = Some(Claim::new(&self.filter, Digest(random), "", rules));
        self.open.as_ref()
    }

    /// Reads on while it waits for its claim.
    pub(crate) fn await_answer(&mut self, logs: &Logs, log: usize) -> Result<(), String> {
        if let Some(outcome) = self.read_up(logs, log)? {
            self.settle(outcome);
        }
        Ok(())
    }

    /// Owns because the claim was acknowledged, whatever stands before it: without `read_on`.
    pub(crate) fn believe(&mut self, logs: &Logs, log: usize) {
        let mut landed = logs.from(log, self.filter.read_offset).iter().filter_map(Record::owner);
        if let Some(owner) = self.open.as_ref().map(|claim| claim.owner().clone())
            && landed.any(|record| record == owner)
        {
            self.open = None;
            (self.filter.epoch, self.filter.claim) = (owner.epoch, owner.claim);
            self.filter.rules = owner.rules;
            self.own();
        }
    }

    fn read_up(&mut self, logs: &Logs, log: usize) -> Result<Option<ClaimOutcome>, String> {
        let mut filter = Filter::new(self.filter.clone(), 1);
        let mut last = None;
        for record in logs.from(log, self.filter.read_offset) {
            let verdict = judged(&mut filter, record, logs.kept())?;
            let owner = record.owner();
            let claim = self.open.as_ref().zip(owner.as_ref());
            last = claim.and_then(|(claim, owner)| claim.outcome(owner, verdict)).or(last);
            if let (Body::Decision { payload, .. }, Verdict::Effective) = (record.body, verdict) {
                self.state = fold(self.state, payload);
            }
        }
        self.filter = filter.state().clone();
        Ok(last)
    }

    fn settle(&mut self, outcome: ClaimOutcome) {
        let open = self.open.take();
        let FilterState { epoch, claim, .. } = self.filter;
        let current = open.is_some_and(|open| {
            let owner = open.owner();
            (owner.epoch, owner.claim) == (epoch, claim)
        });
        match outcome {
            ClaimOutcome::Won if current => self.own(),
            ClaimOutcome::Won | ClaimOutcome::Lost => self.stand_by(),
        }
    }

    fn own(&mut self) {
        self.phase = Phase::Owning;
        (self.next, self.stored) = (self.filter.decided_next, self.filter.decided_next);
    }

    /// Decides the next command; the record to append.
    pub(crate) fn decide(&mut self, author: u8) -> Record {
        let (offset, &FilterState { epoch, claim, rules, .. }) = (self.next, &self.filter);
        let payload = decide(self.state, offset, rules);
        self.sent.push((offset, payload));
        self.state = fold(self.state, payload);
        self.next += 1;
        let body = Body::Decision { offset, after: offset, payload };
        Record { author, epoch, claim: claim.0, body }
    }

    /// Reads back; steps down if anything is not as it should be.
    pub(crate) fn read_back(&mut self, logs: &Logs, log: usize) -> Result<(), String> {
        let FilterState { epoch, claim, .. } = self.filter;
        let mut filter = Filter::new(self.filter.clone(), 1);
        let steps_down = logs.kept().step_down;
        for record in logs.from(log, self.filter.read_offset) {
            let verdict = judged(&mut filter, record, logs.kept())?;
            let is_own = (record.epoch, record.claim) == (epoch, claim.0);
            let goes_on = match record.body {
                Body::Owner { .. } => verdict != Verdict::Owner,
                Body::Decision { .. } if !is_own => true,
                Body::Decision { offset, payload, .. } => {
                    verdict == Verdict::Effective && self.takes_back((offset, payload))
                }
            };
            if !goes_on && steps_down {
                self.stand_by();
                return Ok(());
            }
        }
        self.filter = filter.state().clone();
        Ok(())
    }

    fn takes_back(&mut self, decision: (Offset, u64)) -> bool {
        let expected = !self.sent.is_empty() && self.sent[0] == decision;
        if expected {
            self.sent.remove(0);
        }
        expected
    }

    /// The fold of what was read back: nothing is ahead of it then.
    pub(crate) fn snapshot(&mut self) -> Snapshot {
        self.stored = self.next;
        let filter = FilterState { decided_next: self.next, ..self.filter.clone() };
        Snapshot { filter, state: self.state }
    }

    /// What tells it from another in the same place.
    pub(crate) fn encode(&self, with_budget: bool, out: &mut Vec<u8>) {
        let small = |value: u64| u8::try_from(value).expect("small worlds have small numbers");
        out.extend([self.phase as u8, small(self.filter.read_offset), small(self.filter.epoch)]);
        out.extend([small(self.filter.decided_next), small(self.next)]);
        out.extend([small(u64::from(self.filter.rules)), self.filter.claim.0 as u8]);
        out.extend([self.sent.len() as u8, if with_budget { self.claims_left } else { 0 }]);
        out.extend(self.state.to_le_bytes());
        out.push(small(self.stored));
        for (_, payload) in &self.sent {
            out.extend(payload.to_le_bytes());
        }
        match &self.open {
            Some(claim) => out.extend([1, small(claim.owner().epoch), claim.owner().claim.0 as u8]),
            None => out.push(0),
        }
    }
}

fn judged(filter: &mut Filter, record: &Record, kept: Kept) -> Result<Verdict, String> {
    judge(filter, record, kept).map_err(|park| format!("a worker parks: {park}"))
}
