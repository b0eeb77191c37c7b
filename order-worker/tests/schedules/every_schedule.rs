//! Every schedule of two processes with the real loop and few faults, each from the beginning:
//! who steps next, what becomes of each append, who is killed, when time passes. Schedules that
//! differ in nothing that anybody has seen are gone on with once.

mod port;
mod stage;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use decision_log::{Entry, Reader, Verdict};
use event_log::{Log, ReadLimits};
use futures_executor::block_on;
use order_worker::WorkerOptions;
use schemas::log::{Decision, FilterState};

use crate::world::eager;
use port::Fate;
use stage::{Action, Stage};

const FAULTS: [Fate; 6] =
    [Fate::LandsUnknown, Fate::Lost, Fate::LostSilently, Fate::Held, Fate::Late, Fate::Torn];

/// How much may happen.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    purchases: usize,
    /// Commands that are decided together.
    batch: usize,
    snapshots: bool,
    faults: usize,
    waits: usize,
    steps: usize,
}

impl Bounds {
    fn options(self) -> WorkerOptions {
        let hour = Duration::from_secs(3_600);
        let batch = ReadLimits { records_max: self.batch, ..eager().batch };
        let (snapshot_decisions, snapshot_pause) =
            if self.snapshots { (1, Duration::ZERO) } else { (u64::MAX, hour) };
        WorkerOptions { batch, snapshot_decisions, snapshot_pause, idle_pause: hour, ..eager() }
    }

    fn stage(self, path: &[Action]) -> Stage {
        let mut stage = Stage::new(self.purchases, self.options());
        path.iter().for_each(|action| stage.act(*action));
        stage
    }

    fn allow(self, path: &[Action], action: Action) -> bool {
        let count = |is: fn(&&Action) -> bool| path.iter().filter(is).count();
        let faults = count(|it| it.is_fault()) + usize::from(action.is_fault());
        let waits = count(|it| **it == Action::Wait) + usize::from(action == Action::Wait);
        faults <= self.faults && waits <= self.waits && path.len() < self.steps
    }
}

/// What every schedule comes to, as long as nothing fails.
fn expected(bounds: Bounds) -> Vec<Decision> {
    let mut stage = bounds.stage(&[]);
    stage.heal(0, true, false);
    stage.world.assert_all_decided();
    stage.world.effective()
}

struct Explorer {
    bounds: Bounds,
    expected: Vec<Decision>,
    seen: HashSet<u64>,
    logs: HashSet<u64>,
    healed: usize,
}

impl Explorer {
    fn explore(bounds: Bounds) {
        let (seen, logs) = (HashSet::new(), HashSet::new());
        let mut it = Self { bounds, expected: expected(bounds), seen, logs, healed: 0 };
        let mut waiting = VecDeque::from([Vec::new()]);
        while let Some(path) = waiting.pop_front() {
            it.visit(&path, &mut waiting);
        }
        let Self { seen, logs, healed, .. } = it;
        println!("{bounds:?}: {} stages, {} logs, {healed} healed", seen.len(), logs.len());
    }

    fn visit(&mut self, path: &[Action], waiting: &mut VecDeque<Vec<Action>>) {
        let stage = self.bounds.stage(path);
        let mut go_on = |before: &[Action], action: Action| {
            if self.bounds.allow(before, action) {
                waiting.push_back([before, &[action]].concat());
            }
        };
        if let Some((Action::Step(number, Fate::Lands), before)) = path.split_last()
            && stage.has_appended(*number)
        {
            FAULTS.into_iter().for_each(|fate| go_on(before, Action::Step(*number, fate)));
        }
        let spent = path.iter().filter(|it| it.is_fault()).count();
        if !self.seen.insert(stage.key() ^ spent as u64) {
            return;
        }
        stage.actions().into_iter().for_each(|action| go_on(path, action));
        if self.logs.insert(stage.log_hash() ^ stage.store_hash()) {
            self.check(&stage, path);
        }
        self.heal(path);
    }

    /// Every reader sees the decisions that there have to be, wherever it has begun again, and a
    /// snapshot is what they fold to.
    fn check(&self, stage: &Stage, path: &[Action]) {
        let effective = stage.world.effective();
        assert!(self.expected.starts_with(&effective), "{effective:#?} after {path:#?}");
        let (entries, states) = read(stage, FilterState::default());
        for (at, state) in states.iter().enumerate() {
            let (rest, _) = read(stage, state.clone());
            let verdicts = |entries: &[Entry]| entries.iter().map(verdict).collect::<Vec<_>>();
            assert_eq!(verdicts(&rest), verdicts(&entries[at..]), "after {path:#?}");
        }
        let Some(stored) = block_on(stage.world.snapshots().load(0)).unwrap() else { return };
        assert!(states.contains(&stored.filter), "{:#?} after {path:#?}", stored.filter);
        let mut folded = decider::State::default();
        let decided = effective.iter().filter(|it| it.offset < stored.filter.decided_next);
        decided.for_each(|decision| folded.fold(decision));
        assert_eq!(stored.state.encode(), folded.encode(), "after {path:#?}");
    }

    /// Once faults stop, one owner is left and everything is decided.
    fn heal(&mut self, path: &[Action]) {
        let ways = [(true, false), (false, false), (true, true)];
        let way = self.healed % (2 * ways.len());
        let (assigned, (lands, late)) = (way % 2, ways[way / 2]);
        let mut stage = self.bounds.stage(path);
        stage.heal(assigned, lands, late);
        stage.world.announce(1, 0);
        stage.heal(assigned, lands, false);
        let what = || format!("for {assigned}, lands: {lands}, late: {late}, after {path:#?}");
        let end = block_on(stage.world.commands.end(0)).unwrap();
        let effective = stage.world.effective();
        let decided: Vec<u64> = effective.iter().map(|it| it.offset).collect();
        assert_eq!(decided, (1..end).collect::<Vec<_>>(), "{}", what());
        assert!(effective.starts_with(&self.expected), "{}", what());
        assert!(stage.is_healed(assigned), "{}", what());
        self.healed += 1;
    }
}

/// Reads the log one by one; the state of the filter before each record and at the end.
fn read(stage: &Stage, from: FilterState) -> (Vec<Entry>, Vec<FilterState>) {
    let log: Arc<dyn Log> = Arc::new(stage.world.decisions.clone());
    let one = ReadLimits { records_max: 1, bytes_max: 1 };
    let mut reader = Reader::new(log, 0, from, one);
    let (mut entries, mut states) = (Vec::new(), Vec::new());
    loop {
        states.push(reader.state().clone());
        match block_on(reader.next()).unwrap().pop() {
            Some(entry) => entries.push(entry),
            None => return (entries, states),
        }
    }
}

/// Only a reader that has seen the first decision can compare a repeat with it.
fn verdict(entry: &Entry) -> Option<Verdict> {
    match entry {
        Entry::Genesis => None,
        Entry::Decision { verdict: Verdict::Repeat { .. }, .. } => {
            Some(Verdict::Repeat { differs: false })
        }
        Entry::Owner(_, verdict) | Entry::Decision { verdict, .. } => Some(*verdict),
    }
}

const FEW: Bounds =
    Bounds { purchases: 1, batch: 1, snapshots: false, faults: 1, waits: 1, steps: 5 };

#[test]
fn every_schedule_with_one_fault_keeps_the_promises() {
    Explorer::explore(FEW);
    Explorer::explore(Bounds { purchases: 2, batch: 2, snapshots: true, ..FEW });
}

#[test]
fn every_longer_schedule_keeps_the_promises() {
    let Ok(steps) = std::env::var("TIMEDEAL_SCHEDULES") else {
        println!("TIMEDEAL_SCHEDULES does not say how many steps to try");
        return;
    };
    let steps = steps.parse().expect("a number of steps");
    Explorer::explore(Bounds { steps, ..FEW });
    Explorer::explore(Bounds { purchases: 2, batch: 2, snapshots: true, steps, ..FEW });
    Explorer::explore(Bounds { faults: 2, waits: 2, steps: steps - 1, ..FEW });
}
