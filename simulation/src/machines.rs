//! The machines that processes run on: which is up, which stands still, and what becomes of it in a
//! fault. Must not know when faults happen.

mod owners;

use schemas::Partition;

use crate::clock::{MachineClock, drift};
use crate::dice::Dice;
use crate::faults::{Fault, Site};
use crate::ground::Ground;
use crate::plan::{GATEWAYS, PROJECTORS, WORKERS};
use crate::roles::workers::Worker;
use crate::roles::{Life, gateways, projectors};
use crate::scheduler::Scheduler;
use owners::Owners;

/// What runs on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Worker,
    Gateway,
    Projector,
}

/// A worker that has slept for so long has slept for hours.
const HOUR_MS: u64 = 3_600_000;

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
    /// Since when it stands still while others go on, and the epochs under which it owned what.
    asleep: Option<(u64, Vec<(Partition, u64)>)>,
}

/// All machines.
pub(crate) struct Machines {
    ground: Ground,
    all: Vec<Machine>,
    owners: Owners,
}

impl Machines {
    pub(crate) fn new(ground: &Ground) -> Self {
        let plan = &ground.plan;
        let (workers, gateways) =
            (WORKERS..WORKERS + plan.workers, GATEWAYS..GATEWAYS + plan.gateways);
        let projectors = PROJECTORS..PROJECTORS + plan.projectors;
        let machine = |site, role| {
            let dice = ground.universe.fires(Fault::ClockDrift, site);
            let drift = dice.map_or(0, |mut dice| drift(&mut dice));
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
                asleep: None,
            }
        };
        let workers = workers.map(|site| machine(site, Role::Worker));
        let gateways = gateways.map(|site| machine(site, Role::Gateway));
        let projectors = projectors.map(|site| machine(site, Role::Projector));
        let all = workers.chain(gateways).chain(projectors).collect();
        Self { ground: ground.clone(), all, owners: Owners::new(plan) }
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
        stands.chain(starts).chain(self.owners.next_due_ms()).min()
    }

    /// Starts what is due to start, and moves what is due to move.
    pub(crate) fn settle(&mut self) {
        let now_ms = self.ground.universe.now_ms();
        for index in 0..self.all.len() {
            if self.all[index].starts_at_ms.is_some_and(|at_ms| at_ms <= now_ms) {
                self.start(index);
            }
        }
        self.wake(now_ms);
        self.reassign(now_ms);
    }

    /// Counts those who have slept for hours, and find that somebody else has taken over.
    fn wake(&mut self, now_ms: u64) {
        for machine in &mut self.all {
            let is_over = machine.stands_until_ms <= now_ms;
            let Some((since_ms, owned)) = machine.asleep.take_if(|_| is_over) else { continue };
            let universe = &self.ground.universe;
            if now_ms - since_ms < HOUR_MS {
                universe.count("workers that slept for minutes");
                continue;
            }
            universe.count("workers that slept for hours");
            let is_newer = |(partition, epoch): &(Partition, u64)| {
                self.owners.epochs.get(partition).is_some_and(|newest| newest > epoch)
            };
            if owned.iter().any(is_newer) {
                universe.count("owners that slept for hours and were replaced");
            }
        }
    }

    /// A worker stands still for so long. Whoever watches over it takes it for dead.
    pub(crate) fn put_to_sleep(&mut self, site: Site, sleeps_ms: u64, dice: &mut Dice) {
        let now_ms = self.ground.universe.now_ms();
        let Some(machine) = self.get(site) else { return };
        machine.stands_until_ms = now_ms + sleeps_ms;
        let owned = machine.worker.as_ref().map(|worker| worker.owned()).unwrap_or_default();
        machine.asleep = Some((now_ms, owned));
        // It hears of that once it is awake, sooner or later.
        self.give_up_on(site, now_ms + sleeps_ms + dice.scattered(1, 10_000));
    }

    fn start(&mut self, index: usize) {
        let site = self.all[index].site;
        let orders = self.owners.orders(site);
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
        machine.asleep = None;
        machine.starts_at_ms = Some(back_ms);
        let (connection, role) = (machine.connection, machine.role);
        let mut lost = Vec::new();
        // Asked for one by one, in the order in which they were sent.
        let chances = universe.wire(|wire| wire.of(connection));
        for _ in 0..chances {
            lost.push(universe.fires(Fault::LostInCrash, site).is_some());
        }
        // As if it had ended between two calls: what it sent first lands, the rest does not.
        if lost.iter().is_sorted() && lost.first() != lost.last() {
            universe.count("processes that ended between two appends");
        }
        let mut lost = lost.into_iter();
        universe.wire(|wire| wire.cut(connection, || lost.next().unwrap_or(false)));
        universe.trace(&[5, site.into()], || format!("process {site} ends"));
        if role == Role::Worker && dice.one_in(2) {
            self.owners.move_away_from(site, now_ms, true);
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
        self.settle_owners();
    }
}
