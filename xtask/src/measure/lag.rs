//! What waits while a crowd buys: commands for their decision, decisions for their rows.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;

use crate::cluster::{Cluster, Ground, Role};

const WORKERS: usize = 3;
const PARTITIONS: u16 = 6;
const CROWD_ENDS_WITHIN: Duration = Duration::from_secs(240);
const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// How it is measured.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Size of the crowd.
    #[arg(long, default_value_t = 20_000)]
    buyers: u32,
    /// Units of the deal.
    #[arg(long, default_value_t = 12_000)]
    stock: u32,
    /// As `timedeal rush` takes it.
    #[arg(long, default_value = "burst")]
    arrivals: String,
}

/// One look at everybody's metrics.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    /// Purchases that a gateway has appended.
    appended: f64,
    /// Commands without a decision, as the workers see it.
    commands: f64,
    /// Age of the oldest of them, in seconds.
    age: f64,
    /// Decisions without rows.
    rows: f64,
}

/// Prints the crowd's report, a table of samples, a chart of it, and what the audit says.
pub(super) fn run(ground: Ground, options: &Options) -> Result<()> {
    let mut cluster = Cluster::start(ground, WORKERS, PARTITIONS)?;
    let (buyers, stock) = (options.buyers.to_string(), options.stock.to_string());
    let arguments = ["--buyers", &buyers, "--stock", &stock, "--arrivals", &options.arrivals];
    let mut crowd = cluster.start_crowd(&arguments)?;
    let (start, mut samples) = (Instant::now(), Vec::new());
    let code = loop {
        let due = SAMPLE_EVERY * u32::try_from(samples.len())?;
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        samples.push(look(&cluster, start));
        if let Some(code) = crowd.exit_code()? {
            break code;
        }
        ensure!(start.elapsed() < CROWD_ENDS_WITHIN, "the crowd does not end");
    };
    println!("{}", fs::read_to_string(cluster.ground.output("crowd"))?);
    ensure!(code == 0, "the crowd ended with {code}: its history does not hold");
    let drained = cluster.drain()?;
    cluster.audit()?;
    print_samples(&samples);
    println!("\nlag 0 after {:.1} s; all nine promises hold", drained.as_secs_f64());
    cluster.stop()
}

fn look(cluster: &Cluster, start: Instant) -> Sample {
    let workers = cluster.members.iter().filter(|member| member.role == Role::OrderWorker);
    let ages = workers.filter_map(|member| member.metric("timedeal_worker_lag_seconds"));
    Sample {
        at: start.elapsed(),
        appended: cluster.sum("timedeal_gateway_commands_appended_total"),
        commands: cluster.sum("timedeal_worker_lag_records"),
        age: ages.fold(0.0, f64::max),
        rows: cluster.sum("timedeal_projector_lag_records"),
    }
}

/// From the first purchase on: a table, and a chart as Markdown shows it.
fn print_samples(samples: &[Sample]) {
    let first = samples.iter().position(|sample| sample.appended > 1.0).unwrap_or(0);
    let samples = &samples[first.saturating_sub(1)..];
    let Some(opened) = samples.first().map(|sample| sample.at) else { return };
    println!("| s | appended | wait for a decision | oldest, s | wait for rows |");
    println!("| --- | --- | --- | --- | --- |");
    for Sample { at, appended, commands, age, rows } in samples {
        let at = (*at - opened).as_secs_f64();
        println!("| {at:.2} | {appended} | {commands} | {age:.3} | {rows} |");
    }
    let last = samples.last().map_or(opened, |sample| sample.at) - opened;
    let line = |of: fn(&Sample) -> f64| {
        samples.iter().map(|sample| of(sample).to_string()).collect::<Vec<_>>().join(", ")
    };
    println!("\n```mermaid\nxychart-beta");
    println!("  x-axis \"s\" 0 --> {:.1}", last.as_secs_f64());
    println!("  y-axis \"records\"");
    println!("  line [{}]", line(|sample| sample.commands));
    println!("  line [{}]", line(|sample| sample.rows));
    println!("```");
}
