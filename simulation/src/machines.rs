//! The machines that processes run on: which is up, which stands still, what each is told of its
//! partitions, and what becomes of it in a fault. Must not know when faults happen.

use order_worker::Order;
use schemas::Partition;

use crate::clock::MachineClock;
use crate::dice::Dice;
use crate::faults::{Fault, Site};
use crate::ground::Ground;
use crate::plan::{GATEWAYS, PROJECTORS, WORKERS};
use crate::roles::workers::Worker;
use crate::roles::{Life, gateways, projectors};
use crate::scheduler::Scheduler;

/// What runs on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Worker,
    Gateway,
    Projector,
}

/// Since when others may be given what a worker has that is not heard of.
const SESSION_MS: u64 = 6_000;
/// Fastest and slowest clock, in millionths.
const DRIFT_MAX: u64 = 20_000;

/// One machine.
pub(crate) struct Machine {
    pub(crate) site: Site,
    pub(crate) role: Role,
    pub(crate) clock: MachineClock,
    lives: u64,
    connection: u64,
    worker: Option<Worker>,
    /// Until then the process stands still.
    pub(crate) stands_until_ms: u64,
    /// When the process starts, if it is down.
    pub(crate) starts_at_ms: Option<u64>,
}

/// All machines.
pub(crate) struct Machines {
    ground: Ground,
    all: Vec<Machine>,
    /// Whose each partition is.
    owners: Vec<Site>,
    /// Partitions that will be given to somebody else.
    moves: Vec<(u64, Partition)>,
}

impl Machines {
    pub(crate) fn new(ground: &Ground) -> Self {
        let plan = &ground.plan;
        let (workers, gateways) =
            (WORKERS..WORKERS + plan.workers, GATEWAYS..GATEWAYS + plan.gateways);
        let projectors = PROJECTORS..PROJECTORS + plan.projectors;
        let machine = |site, role| {
            let drift = ground.universe.fires(Fault::ClockDrift, site).map_or(0, |mut dice| {
                dice.between(0, 2 * DRIFT_MAX).cast_signed() - DRIFT_MAX.cast_signed()
            });
            let clock = MachineClock::new(&ground.universe.clock, drift);
            let (stands_until_ms, starts_at_ms) = (0, Some(0));
            Machine {
                site,
                role,
                clock,
                lives: 0,
                connection: 0,
                worker: None,
                stands_until_ms,
                starts_at_ms,
            }
        };
        let workers = workers.map(|site| machine(site, Role::Worker));
        let gateways = gateways.map(|site| machine(site, Role::Gateway));
        let projectors = projectors.map(|site| machine(site, Role::Projector));
        let all = workers.chain(gateways).chain(projectors).collect();
        let owners = (0..plan.partitions).map(|it| WORKERS + it % plan.workers).collect();
        Self { ground: ground.clone(), all, owners, moves: Vec::new() }
    }

    pub(crate) fn get(&mut self, site: Site) -> Option<&mut Machine> {
        self.all.iter_mut().find(|machine| machine.site == site)
    }

    /// Whether tasks of a machine may go on.
    pub(crate) fn may_go_on(&self, site: Site) -> bool {
        let now_ms = self.ground.universe.now_ms();
        let machine = self.all.iter().find(|machine| machine.site == site);
        machine.is_none_or(|machine| machine.stands_until_ms <= now_ms)
    }

    /// When something of all this is due next.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        let now_ms = self.ground.universe.now_ms();
        let stands = self.all.iter().map(|it| it.stands_until_ms).filter(|it| *it > now_ms);
        let starts = self.all.iter().filter_map(|it| it.starts_at_ms);
        stands.chain(starts).chain(self.moves.iter().map(|(at_ms, _)| *at_ms)).min()
    }

    /// Starts what is due to start, and moves what is due to move.
    pub(crate) fn settle(&mut self) {
        let now_ms = self.ground.universe.now_ms();
        for index in 0..self.all.len() {
            if self.all[index].starts_at_ms.is_some_and(|at_ms| at_ms <= now_ms) {
                self.start(index);
            }
        }
        let due = self.moves.extract_if(.., |(at_ms, _)| *at_ms <= now_ms);
        let due: Vec<_> = due.map(|(_, partition)| partition).collect();
        for partition in due {
            let next = 1 + (self.owners[usize::from(partition)] - WORKERS + 1) % self.workers();
            self.give(partition, WORKERS + next - 1, true);
        }
    }

    fn workers(&self) -> Site {
        self.ground.plan.workers
    }

    fn start(&mut self, index: usize) {
        let site = self.all[index].site;
        let orders = self.orders(site);
        let machine = &mut self.all[index];
        machine.starts_at_ms = None;
        machine.lives += 1;
        machine.connection = self.ground.universe.connect();
        let seed = self.ground.plan.seed_of(site, machine.lives);
        let (ground, clock) = (self.ground.clone(), machine.clock.clone());
        let life = Life { ground, site, clock, connection: machine.connection, seed };
        self.ground.universe.trace(&[4, site.into()], || format!("process {site} starts"));
        match machine.role {
            Role::Worker => machine.worker = Some(Worker::start(&life, &orders)),
            Role::Gateway => self.ground.universe.spawn(site, gateways::live(life)),
            Role::Projector => projectors::start(&life),
        }
    }

    fn orders(&self, site: Site) -> Vec<Order> {
        let everybody = self.ground.plan.everybody_owns;
        let order = |owner: &Site| match everybody || *owner == site {
            true => Order::Own,
            false => Order::Rest,
        };
        self.owners.iter().map(order).collect()
    }

    /// A process ends as if the power went; what it had on its way may still arrive.
    pub(crate) fn crash(&mut self, site: Site, scheduler: &mut Scheduler, dice: &mut Dice) {
        scheduler.end(site);
        let universe = std::sync::Arc::clone(&self.ground.universe);
        self.ground.close_door(site);
        let now_ms = universe.now_ms();
        let back_ms = now_ms + dice.scattered(1, 15_000);
        let Some(machine) = self.get(site) else { return };
        machine.worker = None;
        machine.stands_until_ms = 0;
        machine.starts_at_ms = Some(back_ms);
        let (connection, role) = (machine.connection, machine.role);
        let mut lost = Vec::new();
        // Asked for one by one, in the order in which they were sent.
        let chances = universe.wire(|wire| wire.of(connection));
        for _ in 0..chances {
            lost.push(universe.fires(Fault::LostInCrash, site).is_some());
        }
        let mut lost = lost.into_iter();
        universe.wire(|wire| wire.cut(connection, || lost.next().unwrap_or(false)));
        universe.trace(&[5, site.into()], || format!("process {site} ends"));
        if role == Role::Worker && dice.one_in(2) {
            let own = (0..).zip(&self.owners).filter(|(_, owner)| **owner == site);
            let moves: Vec<_> = own.map(|(it, _)| (now_ms + SESSION_MS, it)).collect();
            self.moves.extend(moves);
        }
    }

    /// A worker is asked to stop; when it has, it starts again.
    pub(crate) fn stop(&mut self, site: Site) {
        if let Some(worker) = self.get(site).and_then(|machine| machine.worker.as_ref()) {
            worker.stop();
        }
    }

    /// A process that has nothing to run any more starts again.
    pub(crate) fn restart_ended(&mut self, scheduler: &Scheduler) {
        let now_ms = self.ground.universe.now_ms();
        for machine in &mut self.all {
            let is_up = machine.role == Role::Worker && machine.worker.is_some();
            if is_up && scheduler.count(|site| site == machine.site) == 0 {
                machine.worker = None;
                machine.starts_at_ms = Some(now_ms);
            }
        }
    }

    /// A partition goes to another worker. Who had it hears of it, or not.
    pub(crate) fn give(&mut self, partition: Partition, to: Site, is_heard: bool) {
        let index = usize::from(partition);
        let from = std::mem::replace(&mut self.owners[index], to);
        if self.ground.plan.everybody_owns || from == to {
            return;
        }
        self.ground.universe.trace(&[6, partition.into(), to.into()], || {
            format!("partition {partition} goes from {from} to {to}")
        });
        for (site, order) in [(from, Order::Rest), (to, Order::Own)] {
            let is_told = is_heard || site == to;
            if let Some(worker) =
                self.get(site).and_then(|it| it.worker.as_ref()).filter(|_| is_told)
            {
                worker.tell(partition, order);
            }
        }
    }

    /// How many partitions are parked; those that wait for a clock go on, if an operator says so.
    pub(crate) fn look_for_parks(&self, resume: bool) -> u64 {
        let workers = self.all.iter().filter_map(|machine| machine.worker.as_ref());
        workers.map(|it| if resume { it.resume_parked() } else { it.parked() }).sum()
    }

    /// Everything is up, right and told: of those that are up, each partition has one owner.
    pub(crate) fn heal(&mut self) {
        for machine in &mut self.all {
            machine.clock.heal();
            machine.stands_until_ms = 0;
            machine.starts_at_ms = machine.starts_at_ms.map(|_| 0);
        }
        self.moves.clear();
        for partition in 0..self.ground.plan.partitions {
            let owner = self.owners[usize::from(partition)];
            for machine in &self.all {
                if let Some(worker) = &machine.worker {
                    let is_own = machine.site == owner;
                    worker.tell(partition, if is_own { Order::Own } else { Order::Rest });
                }
            }
        }
    }
}
