//! What goes wrong between two steps: with the process that has just gone on, and with the world.
//! Must not know what a process does.

use std::sync::Arc;
use std::time::Duration;

use schemas::Partition;

use super::World;
use crate::clock::MachineClock;
use crate::dice::Dice;
use crate::faults::{Fault, Site};
use crate::machines::Role;
use crate::universe::{Universe, WORLD};
use crate::wire::Parcel;

/// How often somebody looks for parked partitions, in steps.
const LOOK_EVERY: u64 = 500;

impl World {
    /// Faults of the process that has just gone on.
    pub(super) fn disturb(&mut self, site: Site) {
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
        if let Some(mut dice) = self.universe.fires(Fault::Zombie, site) {
            self.put_to_sleep(site, &mut dice);
        }
    }

    /// Others take over from a worker that stands still, and go on. Perhaps hours go by: some
    /// minutes, then some seconds in which others work, then minutes again.
    fn put_to_sleep(&mut self, site: Site, dice: &mut Dice) {
        let alone_ms = dice.scattered(7_000, 60_000);
        let leaps = if dice.one_in(3) { 0 } else { dice.between(2, 5) };
        let leaps: Vec<_> = (0..leaps).map(|_| dice.between(20, 90) * 60_000).collect();
        let works_ms = dice.between(500, 6_000);
        let sleeps_ms = alone_ms + leaps.iter().map(|leap_ms| leap_ms + works_ms).sum::<u64>();
        self.machines.put_to_sleep(site, sleeps_ms, dice);
        leap_on(&self.universe, (alone_ms, works_ms), leaps);
    }

    fn disturb_clock(&mut self, site: Site) {
        let Some(machine) = self.machines.get(site) else { return };
        let clock = machine.clock.clone();
        if let Some(mut dice) = self.universe.fires(Fault::ClockJump, site) {
            clock.jump(jump_ms(&mut dice));
        }
        if let Some(mut dice) = self.universe.fires(Fault::ClockStands, site) {
            stand(&self.universe, &clock, &mut dice);
        }
    }

    pub(super) fn disturb_world(&mut self) {
        let universe = Arc::clone(&self.universe);
        if let Some(mut dice) = universe.fires(Fault::LogClockJump, WORLD) {
            self.ground.log_clock.jump(jump_ms(&mut dice));
        }
        if let Some(mut dice) = universe.fires(Fault::LogClockStands, WORLD) {
            stand(&universe, &self.ground.log_clock, &mut dice);
        }
        if let Some(mut dice) = universe.fires(Fault::TimeLeap, WORLD) {
            universe.clock.advance(Duration::from_millis(dice.scattered(10_000, 600_000)));
        }
        self.disturb_snapshots(&universe);
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
        self.look_after();
    }

    fn disturb_snapshots(&self, universe: &Universe) {
        if let Some(mut dice) = universe.fires(Fault::SnapshotLost, WORLD) {
            self.ground.lose_snapshot(&mut dice, false);
        }
        if let Some(mut dice) = universe.fires(Fault::SnapshotOld, WORLD) {
            self.ground.lose_snapshot(&mut dice, true);
        }
        if let Some(mut dice) = universe.fires(Fault::SnapshotCorrupt, WORLD) {
            self.ground.damage_snapshot(&mut dice);
        }
    }

    /// Now and then somebody looks: starts what has ended, and lets go on what waits for a clock.
    fn look_after(&mut self) {
        if !self.steps.is_multiple_of(LOOK_EVERY) {
            return;
        }
        self.machines.restart_ended(&self.scheduler);
        let parked = self.machines.look_for_parks(true);
        self.universe.count_more("partitions found parked", parked);
    }
}

fn small(number: u64) -> Partition {
    Partition::try_from(number).expect("partitions and workers are few")
}

/// A clock stands for a while. Then it catches up, or stays behind.
fn stand(universe: &Universe, clock: &MachineClock, dice: &mut Dice) {
    clock.stand();
    let (clock, catches_up) = (clock.clone(), dice.one_in(2));
    let goes_on = move || clock.go_on(catches_up);
    universe.post(dice.scattered(500, 90_000), Parcel::Work(Box::new(goes_on)));
}

/// Lets minutes pass again and again, while all goes on in between for so long.
fn leap_on(universe: &Arc<Universe>, (after_ms, works_ms): (u64, u64), mut leaps: Vec<u64>) {
    let Some(leap_ms) = leaps.pop() else { return };
    let again = Arc::clone(universe);
    let leap = move || {
        if again.oracle(|oracle| oracle.is_healed()) {
            return;
        }
        again.clock.advance(Duration::from_millis(leap_ms));
        leap_on(&again, (works_ms, works_ms), leaps);
    };
    universe.post(after_ms, Parcel::Work(Box::new(leap)));
}

/// By seconds as a rule; sometimes by more than a minute.
fn jump_ms(dice: &mut Dice) -> i64 {
    let far = *dice.pick(&[3_000, 3_000, 3_000, 20_000, 90_000]);
    dice.between(0, 2 * far).cast_signed() - far.cast_signed()
}
