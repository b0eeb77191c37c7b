//! Order-workers: one process has a worker for each partition, told whose it is.

use std::sync::Arc;

use order_worker::{
    Order, PartitionBoard, PartitionWorker, Phase, Resume, Share, Snapshots, Work, WorkerParts,
};
use platform::shutdown::ShutdownToken;
use schemas::Partition;
use tokio::sync::watch;

use super::Life;
use crate::faults::Fault;
use crate::ground::LOG_ID;
use crate::log::Link;
use crate::wire::Parcel;

/// Decisions that a process may have unacknowledged.
const WAITING_RECORDS_MAX: usize = 64;

/// A process while it runs.
pub(crate) struct Worker {
    orders: Vec<watch::Sender<Order>>,
    stop: ShutdownToken,
    board: Arc<PartitionBoard>,
}

impl Worker {
    /// Starts a worker for each partition, with these orders.
    pub(crate) fn start(life: &Life, orders: &[Order]) -> Self {
        let Life { ground, site, connection, .. } = life;
        let (universe, plan) = (&ground.universe, &ground.plan);
        let commands = Link::open(universe, &ground.commands, *site, *connection);
        let decisions = Link::open(universe, &ground.decisions, *site, *connection);
        let name = if plan.equal_names { "worker".into() } else { format!("worker-{site}") };
        let board = Arc::new(PartitionBoard::new(plan.partitions));
        let (stop, share) = (ShutdownToken::new(), Share::new(WAITING_RECORDS_MAX));
        let mut told = Vec::new();
        for (partition, &order) in (0..plan.partitions).zip(orders) {
            let parts = WorkerParts {
                partition,
                worker: name.as_str().into(),
                commands: Arc::clone(&commands),
                decisions: Arc::clone(&decisions),
                snapshots: snapshots(life),
                clock: life.clock(),
                board: Arc::clone(&board),
            };
            let seed = crate::dice::mix(&[life.seed, partition.into()]);
            let worker = PartitionWorker::new(parts, plan.worker, seed).sharing(&share);
            let (sender, receiver) = watch::channel(order);
            let (rested, _) = watch::channel(false);
            universe.spawn(*site, worker.run(receiver, rested, stop.clone()));
            told.push(sender);
        }
        Self { orders: told, stop, board }
    }

    pub(crate) fn tell(&self, partition: Partition, order: Order) {
        self.orders[usize::from(partition)].send_replace(order);
    }

    /// Asks it to drain and to end.
    pub(crate) fn stop(&self) {
        self.stop.trigger();
    }

    /// How many partitions are parked; an operator lets those go on that wait for a clock.
    pub(crate) fn resume_parked(&self) -> u64 {
        let mut parked = 0;
        for status in self.board.list() {
            let Some(park) = status.park else { continue };
            parked += 1;
            if park.contains("ahead of this worker's clock") {
                let resume = Resume { accept_log_time: true, new_log: false };
                assert!(self.board.resume(status.partition, resume), "it was listed");
            }
        }
        parked
    }

    /// What it says that it decides about, and under which epoch.
    pub(crate) fn owned(&self) -> Vec<(Partition, u64)> {
        let status = self.board.list().into_iter();
        let owned = status.filter(|status| status.phase == Phase::Owning);
        owned.map(|status| (status.partition, status.epoch)).collect()
    }

    /// How many partitions are parked.
    pub(crate) fn parked(&self) -> u64 {
        self.board.list().iter().filter(|status| status.park.is_some()).count() as u64
    }
}

/// Snapshots whose making and reading may take a while.
fn snapshots(life: &Life) -> Snapshots {
    let (universe, site) = (Arc::clone(&life.ground.universe), life.site);
    let store = Arc::clone(&life.ground.snapshots);
    Snapshots::new(store, LOG_ID).offloaded_to(move |work: Work| {
        match universe.fires(Fault::SnapshotSlow, site) {
            Some(mut dice) => universe.post(dice.scattered(5, 4_000), Parcel::Work(work)),
            None => work(),
        }
    })
}
