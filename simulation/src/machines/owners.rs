//! Whose each partition is, who is told of it and when, and who says that it decides. Must not know
//! why a partition goes to somebody else.

use std::collections::BTreeMap;

use order_worker::Order;
use schemas::Partition;

use super::Machines;
use crate::faults::Site;
use crate::plan::{Plan, WORKERS};

/// Since when others may be given what a worker has that is not heard of.
const SESSION_MS: u64 = 6_000;

/// Whose each partition is.
pub(super) struct Owners {
    by_partition: Vec<Site>,
    /// Every worker takes every partition for its own.
    everybody: bool,
    workers: Site,
    due: Vec<Due>,
    /// The highest epoch of each partition.
    pub(super) epochs: BTreeMap<Partition, u64>,
}

/// Something about a partition that is due at some time.
struct Due {
    at_ms: u64,
    partition: Partition,
    change: Change,
}

#[derive(Clone, Copy)]
enum Change {
    /// It goes to the next worker. Who had it is told, or not.
    Next { is_heard: bool },
    /// A worker is told that it is somebody else's, if it is.
    Told(Site),
}

impl Owners {
    pub(super) fn new(plan: &Plan) -> Self {
        let by_partition = (0..plan.partitions).map(|it| WORKERS + it % plan.workers).collect();
        let (everybody, workers) = (plan.everybody_owns, plan.workers);
        Self { by_partition, everybody, workers, due: Vec::new(), epochs: BTreeMap::new() }
    }

    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.due.iter().map(|due| due.at_ms).min()
    }

    /// What a worker is told of each partition when it starts.
    pub(super) fn orders(&self, site: Site) -> Vec<Order> {
        let order = |owner: &Site| match self.everybody || *owner == site {
            true => Order::Own,
            false => Order::Rest,
        };
        self.by_partition.iter().map(order).collect()
    }

    /// What a worker has goes to others once its session is over.
    pub(super) fn move_away_from(&mut self, site: Site, now_ms: u64, is_heard: bool) {
        let at_ms = now_ms + SESSION_MS;
        let own = (0..).zip(&self.by_partition).filter(|(_, owner)| **owner == site);
        let change = Change::Next { is_heard };
        let due: Vec<_> = own.map(|(partition, _)| Due { at_ms, partition, change }).collect();
        self.due.extend(due);
    }
}

impl Machines {
    /// Moves what is due to move.
    pub(super) fn reassign(&mut self, now_ms: u64) {
        let due = self.owners.due.extract_if(.., |due| due.at_ms <= now_ms);
        let due: Vec<_> = due.collect();
        for Due { partition, change, .. } in due {
            let owner = self.owners.by_partition[usize::from(partition)];
            match change {
                Change::Next { is_heard } => {
                    let next = WORKERS + (owner - WORKERS + 1) % self.owners.workers;
                    self.give(partition, next, is_heard);
                }
                Change::Told(site) if owner != site => self.tell(site, partition, Order::Rest),
                Change::Told(_) => {}
            }
        }
    }

    /// What a worker has goes to others without its knowledge; it is told at `told_ms`.
    pub(super) fn give_up_on(&mut self, site: Site, told_ms: u64) {
        let now_ms = self.ground.universe.now_ms();
        self.owners.move_away_from(site, now_ms, false);
        let partitions = 0..self.ground.plan.partitions;
        let told = |partition| Due { at_ms: told_ms, partition, change: Change::Told(site) };
        self.owners.due.extend(partitions.map(told));
    }

    /// A partition goes to another worker. Who had it hears of it, or not.
    pub(crate) fn give(&mut self, partition: Partition, to: Site, is_heard: bool) {
        let index = usize::from(partition);
        let from = std::mem::replace(&mut self.owners.by_partition[index], to);
        if self.owners.everybody || from == to {
            return;
        }
        self.ground.universe.trace(&[6, partition.into(), to.into()], || {
            format!("partition {partition} goes from {from} to {to}")
        });
        if is_heard {
            self.tell(from, partition, Order::Rest);
        }
        self.tell(to, partition, Order::Own);
    }

    fn tell(&mut self, site: Site, partition: Partition, order: Order) {
        if self.owners.everybody && order == Order::Rest {
            return;
        }
        if let Some(worker) = self.get(site).and_then(|machine| machine.worker.as_ref()) {
            worker.tell(partition, order);
        }
    }

    /// Takes note of the newest epoch of a partition, as its log has it.
    pub(crate) fn note_epoch(&mut self, partition: Partition, epoch: u64) {
        self.owners.epochs.insert(partition, epoch);
    }

    /// From now on each partition has one owner, and everybody knows whose it is.
    pub(super) fn settle_owners(&mut self) {
        self.owners.everybody = false;
        self.owners.due.clear();
        for machine in &self.all {
            let Some(worker) = &machine.worker else { continue };
            for (partition, order) in (0..).zip(self.owners.orders(machine.site)) {
                worker.tell(partition, order);
            }
        }
    }

    /// The epochs under which workers say that they decide about a partition.
    pub(crate) fn owning(&self, partition: Partition) -> Vec<u64> {
        let workers = self.all.iter().filter_map(|machine| machine.worker.as_ref());
        let owned = workers.flat_map(|worker| worker.owned());
        owned.filter(|(it, _)| *it == partition).map(|(_, epoch)| epoch).collect()
    }
}
