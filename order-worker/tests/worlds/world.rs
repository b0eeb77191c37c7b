//! A small world: some workers, their log, their snapshots, and everything that may happen next.

use decision_log::payload_hash;

use crate::kept::{Kept, Size};
use crate::log::{Logs, Record};
use crate::worker::{Phase, Snapshot, Worker};

/// Something that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A worker loads that snapshot, or none, and reads to the end of the log.
    Load { worker: u8, snapshot: Option<u8> },
    /// It claims.
    Claim { worker: u8 },
    /// It reads what there is.
    Read { worker: u8 },
    /// It waits no longer for its claim, which may still be answered.
    LosePatience { worker: u8 },
    /// It is told that nobody knows of an append; or is killed, and starts again.
    Restart { worker: u8 },
    /// It decides one more command.
    Decide { worker: u8 },
    /// It stores what it has read back.
    Store { worker: u8 },
    /// A record arrives. One that never does is lost.
    Land { flying: u8 },
    /// A record arrives, and will arrive once more.
    LandTwice { flying: u8 },
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) log: usize,
    /// What was handed to the log and may arrive at any time, in any order.
    pub(crate) flying: Vec<Record>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) workers: Vec<Worker>,
    snapshots_left: u8,
    repeats_left: u8,
}

/// What stays as it is while a world goes on.
#[derive(Debug)]
pub(crate) struct Laws {
    pub(crate) kept: Kept,
    pub(crate) size: Size,
    /// Whether a snapshot that is not the fold breaks a promise itself, or only what comes of it.
    pub(crate) checks_snapshots: bool,
    /// Whether every world has to heal.
    pub(crate) checks_healing: bool,
    pub(crate) logs: Logs,
}

impl Laws {
    pub(crate) fn new(kept: Kept, size: Size) -> Self {
        let logs = Logs::new(kept);
        Self { kept, size, checks_snapshots: true, checks_healing: true, logs }
    }
}

impl World {
    pub(crate) fn new(size: Size) -> Self {
        Self {
            log: 0,
            flying: Vec::new(),
            snapshots: Vec::new(),
            workers: size.workers.iter().map(|(_, claims)| Worker::new(*claims)).collect(),
            snapshots_left: size.snapshots,
            repeats_left: size.repeats,
        }
    }

    pub(crate) fn actions(&self, laws: &Laws, out: &mut Vec<Action>) {
        for (number, worker) in (0..).zip(&self.workers) {
            self.actions_of(number, worker, laws, out);
        }
        for (flying, record) in (0..).zip(&self.flying) {
            if usize::from(flying) > 0 && self.flying[usize::from(flying) - 1] == *record {
                continue;
            }
            out.push(Action::Land { flying });
            if self.repeats_left > 0 {
                out.push(Action::LandTwice { flying });
            }
        }
    }

    fn actions_of(&self, number: u8, it: &Worker, laws: &Laws, out: &mut Vec<Action>) {
        let worker = number;
        let Laws { size, kept, .. } = laws;
        let may_claim = it.claims_left > 0;
        let is_behind = it.filter.read_offset < laws.logs.end(self.log);
        match it.phase {
            Phase::Standby => {
                if may_claim || it.open.is_some() {
                    out.push(Action::Load { worker, snapshot: None });
                    let stored = 0..self.snapshots.len() as u8;
                    out.extend(stored.map(|it| Action::Load { worker, snapshot: Some(it) }));
                }
                if it.open.is_some() {
                    out.push(Action::Restart { worker });
                }
            }
            Phase::Ready => {
                if may_claim || it.open.is_some() {
                    out.push(Action::Claim { worker });
                }
            }
            Phase::Waiting => {
                out.extend([Action::LosePatience { worker }, Action::Restart { worker }]);
                if is_behind {
                    out.push(Action::Read { worker });
                }
            }
            Phase::Owning => {
                let settled = it.sent.is_empty() || !kept.snapshot_read;
                if is_behind {
                    out.push(Action::Read { worker });
                }
                if may_claim {
                    out.push(Action::Restart { worker });
                }
                if it.next <= size.commands && it.sent.len() < size.ahead {
                    out.push(Action::Decide { worker });
                }
                if self.snapshots_left > 0 && settled && it.next > it.stored {
                    out.push(Action::Store { worker });
                }
            }
        }
    }

    /// Lets it happen; says which promise is broken by it, if any.
    pub(crate) fn act(&mut self, action: Action, laws: &mut Laws) -> Result<(), String> {
        match action {
            Action::Load { worker, snapshot } => {
                let none = Snapshot::none();
                let from = snapshot.map_or(&none, |it| &self.snapshots[usize::from(it)]);
                self.workers[usize::from(worker)].load(from, &laws.logs, self.log)?;
            }
            Action::Claim { worker } => self.claim(worker, laws),
            Action::Read { worker } => {
                let reader = &mut self.workers[usize::from(worker)];
                match reader.phase {
                    Phase::Waiting if !laws.kept.read_on => {
                        reader.believe(&laws.logs, self.log);
                    }
                    Phase::Waiting => reader.await_answer(&laws.logs, self.log)?,
                    Phase::Owning => reader.read_back(&laws.logs, self.log)?,
                    Phase::Standby | Phase::Ready => {}
                }
            }
            Action::LosePatience { worker } => self.workers[usize::from(worker)].stand_by(),
            Action::Restart { worker } => {
                let worker = &mut self.workers[usize::from(worker)];
                worker.open = None;
                worker.stand_by();
            }
            Action::Decide { worker } => {
                let record = self.workers[usize::from(worker)].decide(worker);
                self.send(record);
            }
            Action::Store { worker } => self.store(worker, laws)?,
            Action::Land { flying } => {
                let record = self.flying.remove(usize::from(flying));
                self.log = laws.logs.append(self.log, record)?;
            }
            Action::LandTwice { flying } => {
                self.repeats_left -= 1;
                self.log = laws.logs.append(self.log, self.flying[usize::from(flying)])?;
            }
        }
        Ok(())
    }

    fn claim(&mut self, worker: u8, laws: &Laws) {
        // Fresh, and the same in worlds that are the same.
        let known = laws.logs.records(self.log).iter().chain(&self.flying);
        let open = self.workers.iter().filter_map(|it| it.open.as_ref());
        let open = open.map(|claim| claim.owner().claim.0);
        let fresh = known.map(|record| record.claim).chain(open).max().unwrap_or(0) + 1;
        let random = if laws.kept.claim { fresh } else { 1 };
        let (rules, _) = laws.size.workers[usize::from(worker)];
        let claim = self.workers[usize::from(worker)].claim(random, rules);
        if let Some(record) = claim.map(|claim| Record::of_owner(worker, claim.owner())) {
            self.send(record);
        }
    }

    fn send(&mut self, record: Record) {
        self.flying.push(record);
        self.flying.sort_unstable();
    }

    fn store(&mut self, worker: u8, laws: &Laws) -> Result<(), String> {
        self.snapshots_left -= 1;
        let snapshot = self.workers[usize::from(worker)].snapshot();
        let truth = laws.logs.truth(self.log, snapshot.filter.read_offset);
        if laws.checks_snapshots && (&snapshot.filter, snapshot.state) != (&truth.0, truth.1) {
            return Err("a snapshot is not the fold of its log".into());
        }
        self.snapshots.push(snapshot);
        Ok(())
    }

    /// What tells this world from others; two that differ only in what may still happen are the
    /// same `without_budget`.
    pub(crate) fn key(&self, without_budget: bool) -> u64 {
        let mut out = Vec::with_capacity(160);
        out.extend((self.log as u32).to_le_bytes());
        for record in &self.flying {
            record.encode(&mut out);
        }
        out.push(u8::MAX);
        for snapshot in &self.snapshots {
            out.extend([snapshot.filter.read_offset as u8, snapshot.filter.decided_next as u8]);
            out.extend(snapshot.state.to_le_bytes());
        }
        out.push(u8::MAX);
        for worker in &self.workers {
            worker.encode(!without_budget, &mut out);
        }
        if !without_budget {
            out.extend([self.snapshots_left, self.repeats_left]);
        }
        payload_hash(&out)
    }
}
