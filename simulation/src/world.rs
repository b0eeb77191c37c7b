//! The world: one step after the other, faults between them, and every promise checked after each.
//! First with faults (safety), then without (liveness). Must not know what a seed has drawn.

mod trouble;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::checks::Auditor;
use crate::clients::{Client, operators, shoppers};
use crate::dice::{Dice, mix};
use crate::faults::{Fault, Site};
use crate::ground::Ground;
use crate::machines::Machines;
use crate::plan::{OPERATORS, Plan, SHOPPERS};
use crate::report::{Failure, Judges, last_panic};
use crate::scheduler::Scheduler;
use crate::universe::Universe;
use crate::wire::Parcel;

/// The world of one seed.
pub(crate) struct World {
    pub(crate) universe: Arc<Universe>,
    pub(crate) ground: Ground,
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
        let auditor = Auditor::new(&ground);
        let machines = Machines::new(&ground);
        let mut world = Self {
            universe: Arc::clone(universe),
            ground,
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
        Client::new(&self.ground, site, scope)
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
            for (partition, epoch) in self.auditor.epochs() {
                self.machines.note_epoch(partition, epoch);
            }
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
            Some(Parcel::Answer(sender, outcome)) => {
                // Who has taken over again since, or ended, does not want to know.
                let in_vain = u64::from(sender.send(outcome).is_err());
                let what = "answers of appends that nobody waited for any more";
                self.universe.count_more(what, in_vain);
            }
            Some(Parcel::Work(work)) => work(),
            None => {}
        }
    }
}
