//! How cost grows: one process with everything on logs that hold more and more purchases, of more
//! and more deals, in more and more partitions. Each log is full before the process starts, which
//! then decides, projects, stops and starts again. Must not know how a program does that.

mod table;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use event_log::{EmbeddedLogs, Options};

use crate::call::{json, metric, wait_within};
use crate::house::is_ready;
use crate::prefill::{Filled, fill, first_deal, wall_clock};
use crate::process::{Process, cpu_seconds, free_address, memory_kib};
use crate::report::put_figures;
use crate::ring::{Ring, Servers};

/// Ten million orders take some minutes.
const WORKED_WITHIN: Duration = Duration::from_secs(40 * 60);

/// What is let grow.
#[derive(Args, Debug)]
pub(crate) struct GrowthFlags {
    /// Purchases of one deal.
    #[arg(long, num_args = 1.., default_values_t = [10_000, 100_000, 1_000_000, 10_000_000])]
    orders: Vec<u64>,
    /// Deals, in 4 partitions.
    #[arg(long, num_args = 1.., default_values_t = [1, 100, 10_000])]
    deals: Vec<u64>,
    /// Partitions, with 64 deals.
    #[arg(long, num_args = 1.., default_values_t = [1, 4, 16, 64])]
    partitions: Vec<u16>,
    /// Purchases where deals or partitions grow.
    #[arg(long, default_value_t = 1_000_000)]
    purchases: u64,
    /// Where the finished programs are.
    #[arg(long)]
    programs: PathBuf,
    /// A page that takes the tables.
    #[arg(long)]
    page: Option<PathBuf>,
}

/// One log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) purchases: u64,
    pub(crate) deals: u64,
    pub(crate) partitions: u16,
}

/// What it cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// From the start of the process to the last decision, and to the last row.
    decided: Duration,
    projected: Duration,
    cpu_seconds: f64,
    /// Of the empty service, and when all was done.
    memory_empty_kib: f64,
    memory_kib: f64,
    log_bytes: u64,
    rows_bytes: u64,
    snapshot_bytes: u64,
    /// From the start of the process until it is ready; of that, taking partitions over.
    start: Start,
    start_without_snapshot: Start,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    ready: Duration,
    /// The mean of all partitions.
    takeover_seconds: f64,
}

/// Lets everything grow, and prints and writes what came out.
pub(crate) fn run(flags: &GrowthFlags) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut families = families(flags);
    for family in &mut families {
        for (size, cost) in &mut family.costs {
            println!("{size:?}");
            let worked = runtime.block_on(cost_of(&flags.programs, *size));
            *cost = worked.with_context(|| format!("{size:?}"))?;
            println!("  {cost:?}");
        }
    }
    let tables = table::tables(&families);
    println!("{tables}");
    flags.page.as_deref().map_or(Ok(()), |page| put_figures(page, &tables))
}

/// Sizes that differ in one thing, and what each costs, once it is known.
pub(crate) struct Family {
    title: &'static str,
    /// What they differ in.
    grows: fn(&Size) -> u64,
    costs: Vec<(Size, Cost)>,
}

fn families(flags: &GrowthFlags) -> [Family; 3] {
    let GrowthFlags { orders, deals, partitions, purchases, .. } = flags;
    let orders = orders.iter().map(|&it| Size { purchases: it, deals: 1, partitions: 1 });
    let deals = deals.iter().map(|&it| Size { purchases: *purchases, deals: it, partitions: 4 });
    let partitions =
        partitions.iter().map(|&it| Size { purchases: *purchases, deals: 64, partitions: it });
    let unknown = |size| (size, Cost::default());
    [
        Family {
            title: "Orders of one deal",
            grows: |size| size.purchases,
            costs: orders.map(unknown).collect(),
        },
        Family { title: "Deals", grows: |size| size.deals, costs: deals.map(unknown).collect() },
        Family {
            title: "Partitions",
            grows: |size| size.partitions.into(),
            costs: partitions.map(unknown).collect(),
        },
    ]
}

async fn cost_of(programs: &Path, size: Size) -> Result<Cost> {
    let folder = tempfile::Builder::new().prefix("timedeal-growth-").tempdir()?;
    let (place, counted) = (folder.path().to_owned(), Duration::ZERO);
    let ring = Ring::new(programs.to_owned(), place, Servers::default(), counted)?;
    let service = Service { ring, partitions: size.partitions };
    let mut cost = Cost::default();

    let (begun, _) = service.start("begin").await?;
    cost.memory_empty_kib = memory_kib(begun.process.pid())?;
    begun.process.stop().await?;
    let filled = service.fill(size).await?;

    let start = Instant::now();
    let (mut working, _) = service.start("work").await?;
    let commands = filled.ends.iter().sum::<u64>() - u64::from(size.partitions);
    working.until("timedeal_worker_decisions_total", commands).await?;
    cost.decided = start.elapsed();
    working.until("timedeal_projector_rows_total", filled.purchases).await?;
    working.until_projected().await?;
    cost.projected = start.elapsed();
    cost.cpu_seconds = cpu_seconds(working.process.pid())?;
    cost.memory_kib = memory_kib(working.process.pid())?;
    working.check(&filled, size).await?;
    working.process.stop().await?;

    let data = service.data();
    let snapshots = data.join("snapshots");
    cost.snapshot_bytes = bytes_below(&snapshots)?;
    cost.rows_bytes = bytes_of(&data, "read-model")?;
    cost.log_bytes = bytes_below(&data)? - cost.rows_bytes - cost.snapshot_bytes;
    cost.start = service.start_once("again").await?;
    fs::remove_dir_all(&snapshots)?;
    cost.start_without_snapshot = service.start_once("without").await?;
    Ok(cost)
}

/// How the process is started.
struct Service {
    ring: Ring,
    partitions: u16,
}

struct Running {
    process: Process,
    address: SocketAddr,
    ops: SocketAddr,
}

impl Service {
    fn data(&self) -> PathBuf {
        self.ring.folder.join("data")
    }

    /// Returns when it is ready, with how long that took.
    async fn start(&self, name: &str) -> Result<(Running, Duration)> {
        let (address, ops) = (free_address()?, free_address()?);
        let mut command = self.ring.command("timedeal");
        command.arg("serve").arg("--data-dir").arg(self.data());
        command.args(["--partitions", &self.partitions.to_string()]);
        command.args(["--listen", &address.to_string(), "--ops-listen", &ops.to_string()]);
        let start = Instant::now();
        let process = Process::start(name, &command, &self.ring.cores.all, &self.ring.folder)?;
        let mut running = Running { process, address, ops };
        running.wait("/readyz", async || Ok(is_ready(ops).await)).await?;
        Ok((running, start.elapsed()))
    }

    async fn start_once(&self, name: &str) -> Result<Start> {
        let (mut running, ready) = self.start(name).await?;
        running.until("timedeal_worker_takeovers_total", self.partitions.into()).await?;
        let takeovers = metric(running.ops, "timedeal_worker_takeover_seconds_sum").await?;
        running.process.stop().await?;
        Ok(Start { ready, takeover_seconds: takeovers / f64::from(self.partitions) })
    }

    async fn fill(&self, size: Size) -> Result<Filled> {
        let options = Options::new(size.partitions, Arc::new(wall_clock));
        let logs = EmbeddedLogs::open(self.data(), options)?;
        let filled = fill(&*logs.commands(), size.deals, size.purchases).await;
        logs.close();
        filled
    }
}

impl Running {
    /// Until all series of a counter have come to so much.
    #[allow(clippy::cast_precision_loss, reason = "a few millions")]
    async fn until(&mut self, counter: &str, count: u64) -> Result<()> {
        let ops = self.ops;
        self.wait(counter, async || Ok(metric(ops, counter).await? >= count as f64)).await
    }

    async fn until_projected(&mut self) -> Result<()> {
        let (ops, lag) = (self.ops, "timedeal_projector_lag_records");
        self.wait(lag, async || Ok(metric(ops, lag).await? < 0.5)).await
    }

    async fn wait(&mut self, what: &str, is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
        wait_within(WORKED_WITHIN, what, async || {
            self.process.ensure_runs()?;
            is_so().await
        })
        .await
    }

    /// The first deal is sold out, to the last unit, once this gateway knows.
    async fn check(&mut self, filled: &Filled, size: Size) -> Result<()> {
        let (address, target) = (self.address, format!("/v1/deals/{}", first_deal()));
        self.wait(&target, async || Ok(json(address, &target).await?["stock_left"] == 0)).await?;
        let deal = json(address, &target).await?;
        let expected = filled.stock / size.deals;
        ensure!(deal["confirmed"].as_u64() == Some(expected), "not {expected} confirmed: {deal}");
        Ok(())
    }
}

fn bytes_below(folder: &Path) -> Result<u64> {
    bytes_of(folder, "")
}

/// Of all files below a folder whose names, or whose folders' names, begin so.
fn bytes_of(folder: &Path, prefix: &str) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { bytes_below(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_all_files_below_whose_names_begin_so() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("rows/deep")).unwrap();
        fs::write(folder.path().join("rows/deep/a"), [0; 5]).unwrap();
        fs::write(folder.path().join("rows-wal"), [0; 7]).unwrap();
        fs::write(folder.path().join("log"), [0; 11]).unwrap();
        assert_eq!(bytes_below(folder.path()).unwrap(), 23);
        assert_eq!(bytes_of(folder.path(), "rows").unwrap(), 12);
    }
}
