//! How long nobody decides after an owner's death: two workers, one partition, more and more orders
//! of one product, with a fresh snapshot and with none.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::cluster::{Cluster, Ground, Member, Role};
use crate::shopper::{Shopper, open_deal};

/// Buyers of one crowd; their number bounds what the crowd has to remember.
const CROWD: u32 = 100_000;
/// Purchases per second, a rate that two cores sustain with everything else on them.
const RATE: u32 = 3_000;
/// Units that are left for those who buy while it is measured.
const SPARE: u32 = 1_000;
const CROWD_ENDS_WITHIN: Duration = Duration::from_secs(600);
/// Time spent taking over, summed up over all partitions.
const TAKEOVER_SECONDS: &str = "timedeal_worker_takeover_seconds_sum";
const ASSIGNED: &str = "timedeal_worker_assigned";

/// How it is measured.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Orders of the product, rising.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    orders: Vec<u32>,
    /// How often each case is measured.
    #[arg(long, default_value_t = 3)]
    repeats: u32,
}

/// Who goes on after a SIGKILL.
#[derive(Clone, Copy, Debug)]
enum Heir {
    /// The one that is left; the group has to miss the dead one first.
    Other,
    /// The dead one, started again at once under its name.
    Itself,
}

/// Prints a row for each case.
pub(super) fn run(ground: Ground, options: &Options) -> Result<()> {
    let mut cluster = Cluster::start(ground, 2, 1)?;
    println!("| orders | snapshot | who goes on | taking over, s | SIGKILL to outcome, s |");
    println!("| --- | --- | --- | --- | --- |");
    let mut filled = 0;
    for &orders in &options.orders {
        fill(&cluster, orders.checked_sub(filled).context("orders have to rise")?)?;
        filled = orders;
        for snapshot in [true, false] {
            for heir in [Heir::Other, Heir::Itself] {
                measure(&mut cluster, (orders, snapshot, heir), options.repeats)?;
            }
        }
    }
    cluster.drain()?;
    cluster.audit()?;
    cluster.stop()
}

/// Crowds until so many more orders are decided and have their rows.
fn fill(cluster: &Cluster, orders: u32) -> Result<()> {
    let mut left = orders;
    while left > 0 {
        let buyers = left.min(CROWD);
        // Every buyer takes two units at most.
        let (size, stock) = (buyers.to_string(), (buyers * 2 + SPARE).to_string());
        let arrivals = format!("steady:{RATE}");
        // The same seed: the same product.
        let mut crowd = cluster.start_crowd(&[
            "--buyers",
            &size,
            "--stock",
            &stock,
            "--arrivals",
            &arrivals,
            "--duplicates",
            "0",
            "--seed",
            "1",
        ])?;
        let code = crowd.wait(CROWD_ENDS_WITHIN)?;
        ensure!(code == Some(0), "the crowd ended with {code:?}");
        cluster.drain()?;
        left -= buyers;
    }
    Ok(())
}

fn measure(
    cluster: &mut Cluster,
    (orders, snapshot, heir): (u32, bool, Heir),
    repeats: u32,
) -> Result<()> {
    if snapshot {
        // A worker that stops in order leaves one behind that is up to date.
        owner(cluster)?.stop()?;
        cluster.heal()?;
    }
    let mut taking_over = Vec::new();
    let mut outcomes = Vec::new();
    for _ in 0..repeats {
        if !snapshot {
            remove_snapshots(&cluster.ground)?;
        }
        let (took, outcome) = kill_and_buy(cluster, heir)?;
        taking_over.push(format!("{took:.3}"));
        outcomes.push(format!("{:.2}", outcome.as_secs_f64()));
    }
    let snapshot = if snapshot { "fresh" } else { "none" };
    let heir = match heir {
        Heir::Other => "the other worker",
        Heir::Itself => "the same, restarted",
    };
    println!(
        "| {orders} | {snapshot} | {heir} | {} | {} |",
        taking_over.join(" · "),
        outcomes.join(" · ")
    );
    Ok(())
}

/// Time that the next owner spent taking over, and from the SIGKILL to the outcome of a purchase
/// that was made just after it.
fn kill_and_buy(cluster: &mut Cluster, heir: Heir) -> Result<(f64, Duration)> {
    let shopper = Shopper::new(cluster.of(Role::Gateway)[0].public, &cluster.ground.token()?);
    let deal_id = open_deal(cluster.of(Role::Gateway)[0].public, None)?;
    owner(cluster)?.kill()?;
    let killed = Instant::now();
    let before = cluster.sum(TAKEOVER_SECONDS);
    if matches!(heir, Heir::Itself) {
        let Cluster { ground, members, .. } = cluster;
        members.iter_mut().try_for_each(|member| member.start(ground, None))?;
    }
    shopper.buy(&deal_id, "after-the-kill")?;
    let outcome = killed.elapsed();
    let took = cluster.sum(TAKEOVER_SECONDS) - before;
    cluster.heal()?;
    Ok((took, outcome))
}

/// The worker that has the partition.
fn owner(cluster: &mut Cluster) -> Result<&mut Member> {
    let start = Instant::now();
    let is_owner = |member: &Member| {
        member.role == Role::OrderWorker && member.metric(ASSIGNED).is_some_and(|it| it > 0.0)
    };
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(index) = cluster.members.iter().position(is_owner) {
            return Ok(&mut cluster.members[index]);
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("no worker owns the partition")
}

fn remove_snapshots(ground: &Ground) -> Result<()> {
    match fs::remove_dir_all(ground.snapshots()) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault.into()),
        Ok(()) | Err(_) => Ok(fs::create_dir_all(ground.snapshots())?),
    }
}
