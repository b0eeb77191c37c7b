//! The embedded log without any HTTP: its worker and its projector in this process, where in
//! production they share one with the gateway, on a commands log that is full.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use decision_log::genesis_record;
use event_log::{EmbeddedLogs, Options};
use object_store::memory::InMemory;
use order_worker::{PartitionBoard, PartitionWorker, Snapshots, WorkerOptions, WorkerParts};
use platform::clock::SystemClock;
use projector::{Projector, ProjectorBoard, ProjectorParts};
use read_model::{SqliteOptions, SqliteStore};
use schemas::log::Genesis;

use crate::decided;
use crate::prefill::{Filled, fill, wall_clock};
use crate::process::pin_ourselves;
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

const LOG_ID: u8 = 1;

/// One hot product: decided, taken over again without a snapshot, projected.
pub(crate) async fn run(ring: &Ring) -> Result<Vec<Measured>> {
    pin_ourselves(&ring.cores.all)?;
    let folder = ring.fresh_folder("embedded")?;
    let (logs, filled) = begin(&folder, ring.records()).await?;
    own(&logs, filled.ends[0]).await?;
    let span = decided::check(&*logs.decisions(), &filled).await?;
    let takeover = own(&logs, filled.ends[0]).await?;
    let decided = Sample::of(span.rate()?).with("takeover_ms", takeover.as_secs_f64() * 1_000.0);
    let path = folder.join("read-model.sqlite");
    let store = SqliteStore::open(&path, SqliteOptions::default()).await?;
    let projected = project(&logs, &store, &filled).await?;
    logs.close();
    Ok(vec![("worker-embedded-hot", decided), ("projector-sqlite", projected)])
}

/// A log of one partition with so many purchases.
async fn begin(folder: &Path, purchases: u64) -> Result<(EmbeddedLogs, Filled)> {
    let logs = EmbeddedLogs::open(folder, Options::new(1, Arc::new(wall_clock)))?;
    let genesis = genesis_record(&Genesis { log_id: LOG_ID, partitions: 1 });
    for log in [logs.commands(), logs.decisions(), logs.dead_letters()] {
        log.append(0, vec![genesis.clone()]).await?;
    }
    let filled = fill(&*logs.commands(), 1, purchases).await?;
    Ok((logs, filled))
}

/// A worker without a snapshot takes the partition over and decides until this is the next command.
async fn own(logs: &EmbeddedLogs, decided_next: u64) -> Result<Duration> {
    let board = Arc::new(PartitionBoard::new(1));
    let parts = WorkerParts {
        partition: 0,
        worker: "measured".into(),
        commands: logs.commands(),
        decisions: logs.decisions(),
        snapshots: Snapshots::new(Arc::new(InMemory::new()), LOG_ID),
        clock: Arc::new(SystemClock::new()),
        board: Arc::clone(&board),
    };
    let mut worker = PartitionWorker::new(parts, WorkerOptions::default(), 1);
    let start = Instant::now();
    loop {
        if worker.step().await == order_worker::Step::Idle {
            if board.list()[0].decided_next == decided_next {
                return Ok(start.elapsed());
            }
            worker.wait().await;
        }
    }
}

async fn project(logs: &EmbeddedLogs, store: &SqliteStore, filled: &Filled) -> Result<Sample> {
    let board = Arc::new(ProjectorBoard::new(1));
    let parts = ProjectorParts {
        decisions: logs.decisions(),
        commands: logs.commands(),
        dead_letters: logs.dead_letters(),
        store: Arc::new(store.clone()),
        clock: Arc::new(SystemClock::new()),
        board: Arc::clone(&board),
        log_id: LOG_ID,
        // Nobody else projects, so nothing is ever tried again.
        random: Box::new(|| 0),
    };
    let mut projector = Projector::new(0, parts);
    let start = Instant::now();
    while let projector::Step::Committed { .. } = projector.step().await {}
    let took = start.elapsed();
    let status = board.list().into_iter().next().context("one partition")?;
    let all = filled.ends[0];
    ensure!(
        status.decided_next == all,
        "projected to {} of {all}: {status:?}",
        status.decided_next
    );
    #[allow(clippy::cast_precision_loss, reason = "a few millions")]
    Ok(Sample::of(status.read_offset as f64 / took.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_figure_counts_only_if_what_was_decided_is_what_was_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (logs, filled) = begin(folder.path(), 3_000).await.unwrap();
        let decisions = logs.decisions();
        let undecided = decided::check(&*decisions, &filled).await;
        assert!(undecided.is_err(), "{undecided:?}");

        own(&logs, filled.ends[0]).await.unwrap();
        let span = decided::check(&*decisions, &filled).await.unwrap();
        assert_eq!(span.records, 3_001);
        let oversold = Filled { stock: filled.stock - 1, ..filled.clone() };
        assert!(decided::check(&*decisions, &oversold).await.is_err());
        let lost = Filled { purchases: filled.purchases + 1, ..filled.clone() };
        assert!(decided::check(&*decisions, &lost).await.is_err());

        let path = folder.path().join("read-model.sqlite");
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        project(&logs, &store, &filled).await.unwrap();
        logs.close();
    }
}
