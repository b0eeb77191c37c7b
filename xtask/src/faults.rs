//! Faults on real servers: two gateways, three workers and a projector sell to a crowd while
//! something is killed, stopped or slowed down. After each fault the crowd's history has to hold,
//! the lag has to return to 0, and the audit has to be clean.
//!
//! Knows the programs as any other user does.

mod fault;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::fault::Fault;
use crate::background::{Background, wait_for_growth};
use crate::cluster::{Cluster, Ground, on_own_servers};
use crate::programs::build_release;
use crate::servers::OwnServers;
use crate::tree::Tree;

/// The crowd goes on through every fault; on two busy cores that takes its time.
const CROWD_ENDS_WITHIN: Duration = Duration::from_secs(240);
/// A series: purchases that the log has taken.
const ADMITTED: &str = "timedeal_gateway_commands_appended_total";

/// Who is there to be killed.
const WORKERS: usize = 3;
const PARTITIONS: u16 = 6;

/// How the faults are made.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Longer faults, a larger crowd, every fault at three moments.
    #[arg(long)]
    pub(crate) full: bool,
    /// Only faults whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Size of the crowd for each fault.
    #[arg(long)]
    buyers: Option<u32>,
}

impl Options {
    /// What every run of the checks does, or the long form of it.
    pub(crate) fn of(full: bool) -> Self {
        Self { full, only: None, buyers: None }
    }

    fn buyers(&self) -> u32 {
        self.buyers.unwrap_or(if self.full { 12_000 } else { 3_000 })
    }
}

/// What one fault did.
#[derive(Debug)]
struct Cell {
    fault: String,
    admitted: f64,
    took: Duration,
    drained: Duration,
}

/// Builds the programs and runs the faults.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<()> {
    build_release(tree)?;
    run_built(tree, options)
}

/// Runs the faults with programs that stand already.
pub(crate) fn run_built(tree: &Tree, options: &Options) -> Result<()> {
    on_own_servers(tree, "faults", |ground, servers| run_matrix(ground, servers, options))
}

fn run_matrix(ground: Ground, servers: &OwnServers, options: &Options) -> Result<()> {
    let mut cluster = Cluster::start(ground, WORKERS, PARTITIONS)?;
    let moments: &[u32] = if options.full { &[20, 4, 2] } else { &[4] };
    let mut cells = Vec::new();
    for fault in Fault::all(options.full) {
        let name = fault.name();
        if options.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        for one_in in moments {
            let cell = try_fault(&mut cluster, servers, (fault, *one_in), options);
            let cell = cell.with_context(|| format!("the fault `{name}`"))?;
            println!("faults: {}", line(&cell));
            cells.push(cell);
        }
    }
    cluster.stop()?;
    println!("\n{}", table(&cells));
    ensure!(!cells.is_empty(), "no fault has such a name");
    Ok(())
}

/// A crowd, a fault in the middle of it, and everything that has to hold afterwards.
fn try_fault(
    cluster: &mut Cluster,
    servers: &OwnServers,
    (fault, one_in): (Fault, u32),
    options: &Options,
) -> Result<Cell> {
    let start = Instant::now();
    let mut crowd = start_crowd(cluster, options)?;
    let wanted = (options.buyers() / one_in / 4, CROWD_ENDS_WITHIN);
    let admitted = wait_for_growth(&mut crowd, wanted, || Ok(cluster.sum(ADMITTED)))?;
    fault.inject(cluster, servers)?;
    cluster.heal()?;
    let code = crowd.wait(CROWD_ENDS_WITHIN)?;
    ensure!(code == Some(0), "the crowd ended with {code:?}: its history does not hold");
    let drained = cluster.drain()?;
    cluster.audit()?;
    Ok(Cell { fault: fault.name(), admitted, took: start.elapsed(), drained })
}

fn start_crowd(cluster: &Cluster, options: &Options) -> Result<Background> {
    let buyers = options.buyers();
    let (size, stock) = (buyers.to_string(), (buyers / 2).to_string());
    // Over six seconds, so that there is a middle.
    let arrivals = format!("steady:{}", buyers / 6);
    cluster.start_crowd(&[
        "--buyers",
        &size,
        "--stock",
        &stock,
        "--arrivals",
        &arrivals,
        "--patience",
        "200s",
    ])
}

fn line(cell: &Cell) -> String {
    let Cell { fault, admitted, took, drained } = cell;
    format!(
        "{fault:<32} after {admitted:>6} appended; \
         lag 0 after {:>5.1} s; audit clean; {:>5.1} s in all",
        drained.as_secs_f64(),
        took.as_secs_f64()
    )
}

fn table(cells: &[Cell]) -> String {
    cells.iter().map(line).collect::<Vec<_>>().join("\n")
}
