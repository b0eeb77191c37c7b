//! Two processes with the real loop of a partition, run by hand: a poll of one, an answer, a while
//! of time at a time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use event_log::Log;
use futures_executor::block_on;
use futures_util::TryStreamExt;
use object_store::ObjectStore;
use order_worker::{Order, PartitionBoard, PartitionWorker, Phase, WorkerOptions, WorkerParts};
use platform::shutdown::ShutdownToken;
use tokio::sync::watch;

use super::port::{Fate, Port};
use crate::world::World;

/// Longer than anybody waits for anything.
const WHILE: Duration = Duration::from_secs(8);

/// Something that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A process goes on for a step; its next append has that fate.
    Step(usize, Fate),
    /// The oldest append that a port holds arrives.
    Land(usize),
    /// It is lost.
    Lose(usize),
    /// A process is killed and starts again.
    Restart(usize),
    /// Time passes.
    Wait,
}

impl Action {
    pub(crate) fn is_fault(self) -> bool {
        match self {
            Self::Step(_, fate) => fate != Fate::Lands,
            Self::Lose(_) | Self::Restart(_) => true,
            Self::Land(_) | Self::Wait => false,
        }
    }
}

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Process {
    port: usize,
    board: Arc<PartitionBoard>,
    orders: watch::Sender<Order>,
    run: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Flag>,
    /// All that it has seen: it knows nothing else.
    history: u64,
}

pub(crate) struct Stage {
    pub(crate) world: World,
    options: WorkerOptions,
    ports: Vec<Port>,
    processes: Vec<Process>,
}

impl Stage {
    pub(crate) fn new(purchases: usize, options: WorkerOptions) -> Self {
        let world = World::new();
        let deal_id = world.announce(1, 0);
        (0..purchases).for_each(|_| world.buy(deal_id));
        let mut stage = Self { world, options, ports: Vec::new(), processes: Vec::new() };
        for _ in 0..2 {
            let process = stage.start();
            stage.processes.push(process);
        }
        stage
    }

    fn start(&mut self) -> Process {
        let port = self.ports.len();
        self.ports.push(Port::new(&self.world.decisions));
        let board = Arc::new(PartitionBoard::new(1));
        let decisions = Arc::new(self.ports[port].clone());
        let parts = WorkerParts { decisions, board: Arc::clone(&board), ..self.world.parts() };
        let worker = PartitionWorker::new(parts, self.options, port as u64 + 1);
        let (orders, followed) = watch::channel(Order::Own);
        let (rested, _) = watch::channel(false);
        let run = Box::pin(worker.run(followed, rested, ShutdownToken::new()));
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        Process { port, board, orders, run, woken, history: port as u64 }
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Step(number, fate) => {
                let seen = (self.log_hash(), self.store_hash(), self.world.clock_millis(), fate);
                let process = &mut self.processes[number];
                self.ports[process.port].set_next(fate);
                process.woken.0.store(false, Ordering::Relaxed);
                let waker = Waker::from(Arc::clone(&process.woken));
                let ended = process.run.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
                assert!(!ended, "nobody has asked it to stop");
                process.history = hash((process.history, seen));
            }
            Action::Land(port) => self.let_go(port, true),
            Action::Lose(port) => self.let_go(port, false),
            Action::Restart(number) => self.processes[number] = self.start(),
            Action::Wait => self.world.clock.advance(WHILE),
        }
    }

    fn let_go(&mut self, port: usize, lands: bool) {
        self.ports[port].let_go(lands);
        if let Some(process) = self.processes.iter_mut().find(|process| process.port == port) {
            process.history = hash((process.history, lands));
        }
    }

    /// Whether the last step of that process has appended something.
    pub(crate) fn has_appended(&self, number: usize) -> bool {
        self.ports[self.processes[number].port].asked() > 0
    }

    /// Everything that may happen next, apart from fates.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let numbers = 0..self.processes.len();
        let woken = numbers.clone().filter(|it| self.is_woken(*it));
        let mut actions: Vec<_> = woken.map(|number| Action::Step(number, Fate::Lands)).collect();
        actions.push(Action::Wait);
        for (port, _) in self.ports.iter().enumerate().filter(|(_, port)| port.held() > 0) {
            actions.extend([Action::Land(port), Action::Lose(port)]);
        }
        actions.extend(numbers.map(Action::Restart));
        actions
    }

    fn is_woken(&self, number: usize) -> bool {
        self.processes[number].woken.0.load(Ordering::Relaxed)
    }

    /// Goes on without faults: the partition is `assigned`'s. What is held lands or is lost, at
    /// once or `late`.
    pub(crate) fn heal(&mut self, assigned: usize, lands: bool, late: bool) {
        for (number, process) in self.processes.iter().enumerate() {
            let order = if number == assigned { Order::Own } else { Order::Rest };
            process.orders.send_replace(order);
        }
        let latest = if late { 3 } else { 0 };
        for round in 0..12 {
            if round >= latest {
                self.ports.iter().for_each(Port::break_silence);
                for port in 0..self.ports.len() {
                    while self.ports[port].held() > 0 {
                        self.let_go(port, lands);
                    }
                }
            }
            self.settle();
            if round >= latest && self.is_healed(assigned) {
                return;
            }
            self.act(Action::Wait);
        }
        self.settle();
    }

    /// Whether one owner is left and nothing is left to do.
    pub(crate) fn is_healed(&self, assigned: usize) -> bool {
        let phase = |number: usize| self.processes[number].board.list().remove(0);
        let (own, other) = (phase(assigned), phase(1 - assigned));
        let end = block_on(self.world.commands.end(0)).unwrap();
        let idle = self.ports.iter().all(|port| port.held() == 0);
        let phases = (own.phase, other.phase);
        idle && own.decided_next == end && phases == (Phase::Owning, Phase::Unassigned)
    }

    fn settle(&mut self) {
        const STEPS_MAX: usize = 1_000;
        for _ in 0..STEPS_MAX {
            match (0..self.processes.len()).find(|number| self.is_woken(*number)) {
                Some(number) => self.act(Action::Step(number, Fate::Lands)),
                None => return,
            }
        }
        panic!("it does not come to rest in {STEPS_MAX} steps");
    }

    pub(crate) fn log_hash(&self) -> u64 {
        let limits = event_log::ReadLimits { records_max: 100, bytes_max: 1 << 20 };
        let batch = block_on(self.world.decisions.read(0, 0, limits)).unwrap();
        let mut hasher = DefaultHasher::new();
        for stored in &batch.records {
            (&stored.payload, &stored.headers).hash(&mut hasher);
        }
        hasher.finish()
    }

    pub(crate) fn store_hash(&self) -> u64 {
        let listed = self.world.store.list(None).map_ok(|object| object.location.to_string());
        let mut listed: Vec<String> = block_on(listed.try_collect()).unwrap();
        listed.sort_unstable();
        hash(listed)
    }

    /// What tells this from other stages.
    pub(crate) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.log_hash(), self.store_hash(), self.world.clock_millis()).hash(&mut hasher);
        for (number, process) in self.processes.iter().enumerate() {
            (process.port, process.history, self.is_woken(number)).hash(&mut hasher);
        }
        self.ports.iter().for_each(|port| port.hash(&mut hasher));
        hasher.finish()
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
