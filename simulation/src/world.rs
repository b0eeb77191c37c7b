//! The world: one step after the other, faults between them, and every promise checked after each.
//! First with faults (safety), then without (liveness). Must not know what a seed has drawn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use schemas::Partition;

use crate::checks::Auditor;
use crate::clients::{Client, operators, shoppers};
use crate::dice::{Dice, mix};
use crate::faults::{Fault, Site};
use crate::ground::Ground;
use crate::history::History;
use crate::machines::{Machines, Role};
use crate::plan::{OPERATORS, Plan, SHOPPERS};
use crate::report::{Failure, Judges, last_panic};
use crate::scheduler::Scheduler;
use crate::universe::{Universe, WORLD};
use crate::wire::Parcel;

/// How often somebody looks for parked partitions, in steps.
const LOOK_EVERY: u64 = 500;

/// The world of one seed.
pub(crate) struct World {
    pub(crate) universe: Arc<Universe>,
    pub(crate) ground: Ground,
    pub(crate) history: History,
    pub(crate) auditor: Auditor,
    pub(crate) machines: Machines,
    pub(crate) scheduler: Scheduler,
    dice: Dice,
    judges: Judges,
    /// Whose task is going on right now.
    polled: Option<Site>,
    pub(crate) steps: u64,
}

impl World {
    pub(crate) fn new(universe: &Arc<Universe>, plan: &Arc<Plan>, judges: Judges) -> Self {
        let ground = Ground::new(universe, plan);
        let history = History::default();
        let auditor = Auditor::new(&ground, &history);
        let machines = Machines::new(&ground);
        let mut world = Self {
            universe: Arc::clone(universe),
            ground,
            history,
            auditor,
            machines,
            scheduler: Scheduler::default(),
            dice: Dice::new(mix(&[plan.seed, 8])),
            judges,
            polled: None,
            steps: 0,
        };
        world.invite(plan);
        world
    }

    fn invite(&mut self, plan: &Plan) {
        for number in 0..plan.deals {
            let client = self.client(OPERATORS + number, "admin");
            self.universe.spawn(client.site, operators::operate(client, number));
        }
        for number in 0..plan.shoppers {
            let site = SHOPPERS + number;
            if self.universe.fires(Fault::Session, site).is_some() {
                let client = self.client(site, "shop");
                self.universe.spawn(site, shoppers::shop(client));
            }
        }
    }

    pub(crate) fn client(&self, site: Site, scope: &'static str) -> Client {
        Client::new(&self.ground, &self.history, site, scope)
    }

    /// One step: a task goes on, something arrives, or time passes. False if nothing is left.
    pub(crate) fn step(&mut self) -> Result<bool, Failure> {
        let going = catch_unwind(AssertUnwindSafe(|| self.go_on()));
        let going = match going {
            Ok(going) => going,
            Err(_) if self.judges == Judges::Audit => self.restart_broken()?,
            Err(_) => return Err(Failure::Panic(last_panic())),
        };
        if self.judges != Judges::Audit {
            self.auditor.check().map_err(|breach| Failure::Breach(breach.to_string()))?;
        }
        self.steps += 1;
        Ok(going)
    }

    /// A process that panicked has ended, and starts again. Clients are no service.
    fn restart_broken(&mut self) -> Result<bool, Failure> {
        let broken = self.polled.take().filter(|site| self.machines.get(*site).is_some());
        let site = broken.ok_or_else(|| Failure::Panic(last_panic()))?;
        self.universe.count("processes that panicked");
        let mut dice = Dice::new(mix(&[self.steps, site.into()]));
        self.machines.crash(site, &mut self.scheduler, &mut dice);
        Ok(true)
    }

    fn go_on(&mut self) -> bool {
        self.machines.settle();
        for (site, task) in self.universe.take_spawned() {
            self.scheduler.start(site, task);
        }
        let now_ms = self.universe.now_ms();
        let ready = self.scheduler.ready(|site| self.machines.may_go_on(site));
        let is_due = self.universe.wire(|wire| wire.next_due_ms()).is_some_and(|it| it <= now_ms);
        let choices = ready.len() as u64 + u64::from(is_due);
        if choices == 0 {
            return self.let_time_pass();
        }
        // A machine that is busy takes its time.
        if self.dice.one_in(16) {
            self.universe.clock.advance(Duration::from_millis(self.dice.scattered(1, 8)));
        }
        let choice = usize::try_from(self.dice.below(choices)).expect("an index");
        match ready.get(choice) {
            Some(&index) => {
                self.polled = Some(self.scheduler.site(index));
                let (site, number) = self.scheduler.poll(index);
                self.polled = None;
                self.universe.trace(&[7, site.into(), number], || format!("{site}#{number}"));
                self.disturb(site);
            }
            None => self.deliver(),
        }
        self.disturb_world();
        true
    }

    fn let_time_pass(&mut self) -> bool {
        let now_ms = self.universe.now_ms();
        let due = self.universe.wire(|wire| wire.next_due_ms());
        let due = due.into_iter().chain(self.machines.next_due_ms()).min();
        let due = due.map(|at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms)));
        let next = due.into_iter().chain(self.universe.clock.until_next()).min();
        let Some(next) = next else { return false };
        self.universe.clock.advance(next);
        true
    }

    fn deliver(&mut self) {
        let now_ms = self.universe.now_ms();
        match self.universe.wire(|wire| wire.take_due(now_ms)) {
            Some(Parcel::Land(landing)) => {
                let (partition, count) = (landing.partition, landing.records.len() as u64);
                self.universe.trace(&[8, landing.connection, partition.into(), count], || {
                    let payloads = landing.records.iter().map(|it| it.payload.escape_ascii());
                    let payloads: Vec<_> = payloads.map(|it| it.to_string()).collect();
                    format!(
                        "{landed}/{partition} from connection {from}: {payloads:?}",
                        landed = event_log::Log::name(&landing.log),
                        from = landing.connection
                    )
                });
                if event_log::Log::name(&landing.log) == "decisions" {
                    self.auditor.note_landing(landing.connection, &landing.records);
                }
                if let Some((after_ms, parcel)) = landing.land() {
                    self.universe.post(after_ms, parcel);
                }
            }
            // Who dropped the receipt does not want to know.
            Some(Parcel::Answer(sender, outcome)) => drop(sender.send(outcome)),
            Some(Parcel::Work(work)) => work(),
            None => {}
        }
    }

    /// Faults of the process that has just gone on.
    fn disturb(&mut self, site: Site) {
        let Some(role) = self.machines.get(site).map(|machine| machine.role) else { return };
        let crash = match role {
            Role::Worker => Fault::CrashWorker,
            Role::Gateway => Fault::CrashGateway,
            Role::Projector => Fault::CrashProjector,
        };
        if let Some(mut dice) = self.universe.fires(crash, site) {
            self.machines.crash(site, &mut self.scheduler, &mut dice);
            return;
        }
        let now_ms = self.universe.now_ms();
        if let Some(mut dice) = self.universe.fires(Fault::Stall, site)
            && let Some(machine) = self.machines.get(site)
        {
            machine.stands_until_ms = now_ms + dice.scattered(5, 9_000);
        }
        if role == Role::Worker {
            self.disturb_worker(site);
        }
        self.disturb_clock(site);
    }

    fn disturb_worker(&mut self, site: Site) {
        if self.universe.fires(Fault::StopWorker, site).is_some() {
            self.machines.stop(site);
        }
        if let Some(mut dice) = self.universe.fires(Fault::Zombie, site)
            && let Some(machine) = self.machines.get(site)
        {
            // Others take over first; then, perhaps, hours go by.
            let sleeps_ms = dice.scattered(7_000, 60_000);
            machine.stands_until_ms = self.universe.now_ms() + sleeps_ms;
            if dice.one_in(3) {
                let hours = dice.between(1, 5);
                let universe = Arc::clone(&self.universe);
                let leap = move || {
                    if !universe.oracle(|oracle| oracle.is_healed()) {
                        universe.clock.advance(Duration::from_secs(hours * 3_600));
                    }
                };
                self.universe.post(sleeps_ms, Parcel::Work(Box::new(leap)));
            }
        }
    }

    fn disturb_clock(&mut self, site: Site) {
        let Some(machine) = self.machines.get(site) else { return };
        let clock = machine.clock.clone();
        if let Some(mut dice) = self.universe.fires(Fault::ClockJump, site) {
            clock.jump(jump_ms(&mut dice));
        }
        if let Some(mut dice) = self.universe.fires(Fault::ClockStands, site) {
            clock.stand();
            let goes_on = move || clock.jump(0);
            self.universe.post(dice.scattered(500, 30_000), Parcel::Work(Box::new(goes_on)));
        }
    }

    fn disturb_world(&mut self) {
        let universe = Arc::clone(&self.universe);
        if let Some(mut dice) = universe.fires(Fault::LogClockJump, WORLD) {
            self.ground.log_clock.jump(jump_ms(&mut dice));
        }
        if let Some(mut dice) = universe.fires(Fault::TimeLeap, WORLD) {
            universe.clock.advance(Duration::from_millis(dice.scattered(10_000, 600_000)));
        }
        if let Some(mut dice) = universe.fires(Fault::SnapshotLost, WORLD) {
            self.ground.lose_snapshot(&mut dice, false);
        }
        if let Some(mut dice) = universe.fires(Fault::SnapshotOld, WORLD) {
            self.ground.lose_snapshot(&mut dice, true);
        }
        if let Some(mut dice) = universe.fires(Fault::SnapshotCorrupt, WORLD) {
            self.ground.damage_snapshot(&mut dice);
        }
        if let Some(mut dice) = universe.fires(Fault::Garbage, WORLD) {
            let partition = dice.below(self.ground.plan.partitions.into());
            let payload = bytes::Bytes::from(dice.draw().to_string());
            let record = event_log::Record { payload, ..Default::default() };
            self.ground.commands.append_raw(small(partition), record);
        }
        if let Some(mut dice) = universe.fires(Fault::Reassign, WORLD) {
            let partition = small(dice.below(self.ground.plan.partitions.into()));
            let to = 1 + small(dice.below(self.ground.plan.workers.into()));
            let is_heard = universe.fires(Fault::Unheard, WORLD).is_none();
            self.machines.give(partition, to, is_heard);
        }
        if self.steps.is_multiple_of(LOOK_EVERY) {
            self.machines.restart_ended(&self.scheduler);
            let parked = self.machines.look_for_parks(true);
            universe.count_more("partitions found parked", parked);
        }
    }
}

fn small(number: u64) -> Partition {
    Partition::try_from(number).expect("partitions and workers are few")
}

/// By seconds as a rule; sometimes by more than a minute.
fn jump_ms(dice: &mut Dice) -> i64 {
    let far = *dice.pick(&[3_000, 3_000, 3_000, 20_000, 90_000]);
    dice.between(0, 2 * far).cast_signed() - far.cast_signed()
}
