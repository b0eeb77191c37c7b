//! The order-worker's tasks: one for each partition, and one that follows what this process is
//! given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use event_log::Options;
use event_log::kafka::membership::{Membership, MembershipFault, MembershipOptions};
use event_log::kafka::{Connection, KafkaOptions};
use object_store::ObjectStore;
use order_worker::{
    Given, PartitionBoard, PartitionWorker, Phase, Pool, PoolParts, Share, Snapshots,
    WorkerOptions, WorkerParts,
};
use platform::clock::Clock;
use platform::jitter::SplitMix64;
use platform::shutdown::TaskGroup;

use super::Base;
use crate::broker::in_full;
use crate::cli::WorkerFlags;
use crate::logs::wall_clock;
use crate::patience::{Obstacle, Patience};

/// How often it is looked how far partitions are decided.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whose partitions they are, and what is kept of them.
pub(crate) struct Workers<'a> {
    pub(crate) flags: &'a WorkerFlags,
    pub(crate) name: Arc<str>,
    pub(crate) snapshots: Arc<dyn ObjectStore>,
    pub(crate) board: Arc<PartitionBoard>,
}

/// Starts a worker for each partition, and follows the assignments.
pub(crate) fn start(
    on: &Base,
    workers: &Workers<'_>,
    given: impl Into<Given>,
    group: &mut TaskGroup,
) -> anyhow::Result<()> {
    order_worker::describe_metrics();
    let snapshots = Snapshots::new(Arc::clone(&workers.snapshots), on.log_id)
        .offloaded_to(|work| drop(tokio::task::spawn_blocking(work)));
    let given = given.into();
    let share = Share::new(waiting_decisions_max(&given));
    let options = WorkerOptions { retire_after: workers.flags.retire_after, ..Default::default() };
    let mut pool = Vec::new();
    for partition in 0..on.logs.commands.partitions() {
        let parts = WorkerParts {
            partition,
            worker: Arc::clone(&workers.name),
            commands: Arc::clone(&on.logs.commands),
            decisions: Arc::clone(&on.logs.decisions),
            snapshots: snapshots.clone(),
            clock: Arc::clone(&on.clock),
            board: Arc::clone(&workers.board),
        };
        let seed = SplitMix64::from_system().context("draw a seed")?.draw();
        pool.push((partition, PartitionWorker::new(parts, options, seed).sharing(&share)));
    }
    let parts = PoolParts { workers: pool, clock: Arc::clone(&on.clock) };
    let pool = Pool::start(parts, group);
    group.spawn_fallible("assignments", pool.run(given, group.token().clone()));
    Ok(())
}

/// Unacknowledged decisions of all partitions together: half of what the log lets wait. The other
/// half is for the crowd where all logs have one queue, and else for what is still on its way when
/// partitions come and go.
fn waiting_decisions_max(given: &Given) -> usize {
    let waiting_max = match given {
        Given::ForEver(_) => Options::new(1, wall_clock()).queue_records_max,
        Given::WhileMember(_) => KafkaOptions::default().waiting_records_max,
    };
    waiting_max / 2
}

/// This worker's place in the group of workers of a broker.
pub(crate) struct Place(Membership);

/// Joins the group of workers; waits until the broker lets it.
pub(crate) async fn join_group(
    connection: &Connection,
    workers: &Workers<'_>,
    patience: &Patience,
) -> anyhow::Result<(Place, Given)> {
    let group = format!("{}.order-worker", connection.url.prefix);
    let join = async || {
        let options = MembershipOptions::new(group.clone(), Some(workers.name.to_string()));
        let joined = Membership::join(connection, options).await;
        joined.map_err(|fault| Obstacle::ForNow(format!("the group: {}", in_full(&fault))))
    };
    let (membership, assignments) = patience.wait_for(join).await?;
    Ok((Place(membership), Given::WhileMember(assignments)))
}

impl Place {
    /// Tells the broker how far partitions are decided, for dashboards alone, and leaves when it is
    /// time. That it is thrown out is a fault of the process.
    pub(crate) fn attend(
        self,
        board: &Arc<PartitionBoard>,
        clock: &Arc<dyn Clock>,
        taken: &Arc<AtomicBool>,
        group: &mut TaskGroup,
    ) {
        let taken = Arc::clone(taken);
        let (board, clock, stop) = (Arc::clone(board), Arc::clone(clock), group.token().clone());
        group.spawn_fallible("group", async move {
            let ended = loop {
                if let Some(fault) = self.0.fault() {
                    break Err(fault);
                }
                for row in board.list().iter().filter(|row| row.phase == Phase::Owning) {
                    self.0.commit(row.partition, row.decided_next);
                }
                tokio::select! {
                    // Who follows the assignments may have seen them end before we have.
                    () = stop.cancelled() => break self.0.leave().await,
                    () = clock.sleep(LOOK_EVERY) => {}
                }
            };
            ended.map_err(|fault| {
                let is_taken = matches!(fault, MembershipFault::Fenced { .. });
                taken.store(is_taken, Ordering::Relaxed);
                in_full(&fault)
            })
        });
    }
}
