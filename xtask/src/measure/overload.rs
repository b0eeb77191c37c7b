//! What becomes of purchases when more come than the machine takes: on one process with the
//! embedded log, before, in and after each flood.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::background::Background;
use crate::e2e::service::{Place, Service};
use crate::programs::finish;
use crate::tree::Tree;

const CROWD_ENDS_WITHIN: Duration = Duration::from_secs(300);
const STOP_ENDS_WITHIN: Duration = Duration::from_secs(15);
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// Nobody is to hear "sold-out".
const STOCK: u32 = 100_000_000;
/// Share of what the machine takes at which a service is usually run, in percent.
const USUAL_PERCENT: u32 = 80;

/// Each has its own: what the service cannot do is not to be taken from the crowd.
const SERVICE_CORE: &str = "0";
const CROWD_CORE: &str = "1";

/// How it is measured.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Arrivals as multiples of what the machine takes, in percent.
    #[arg(long, default_values_t = [200, 500])]
    floods: Vec<u32>,
    /// How long each part lasts.
    #[arg(long, default_value_t = 15)]
    seconds: u32,
    /// Purchases a second that the machine takes; found by a burst if it is not given.
    #[arg(long)]
    capacity: Option<u32>,
    /// Connections of the crowd.
    #[arg(long, default_value_t = 2_000)]
    connections: u32,
}

/// A part of the report of `timedeal rush --json`.
#[derive(Debug, Deserialize)]
struct Crowd {
    admitted: Flow,
    turned_away: Flow,
    to_admission: Latency,
    to_refusal: Latency,
    seconds: Vec<Second>,
    unknown: u64,
    violations: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Flow {
    count: u64,
    per_second: f64,
}

#[derive(Debug, Deserialize)]
struct Latency {
    p50_us: u64,
    p99_us: u64,
}

#[derive(Debug, Deserialize)]
struct Second {
    to_admission: Latency,
    to_refusal: Latency,
}

/// A part of the run.
struct Part {
    name: String,
    rate: u32,
    crowd: Crowd,
    /// Most memory of the service meanwhile, in KiB.
    memory_kib: u64,
}

/// Prints a table of all parts, a chart of their seconds, and what the audit says.
pub(super) fn run(tree: &Tree, options: &Options) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("timedeal-overload-").tempdir()?;
    let place = Place::new(tree.target.join("release").join("timedeal"), folder.path())?;
    let service = Service::start_on(SERVICE_CORE, &place, "before")?;
    let capacity = match options.capacity {
        Some(capacity) => capacity,
        None => find_capacity(&place)?,
    };
    println!("the machine takes {capacity} purchases a second");
    let usual = capacity * USUAL_PERCENT / 100;
    let mut parts = vec![part(&place, &service, "usual", usual, options)?];
    for percent in &options.floods {
        let flood = capacity * percent / 100;
        let name = format!("flood of {percent} %");
        parts.push(part(&place, &service, &name, flood, options)?);
        parts.push(part(&place, &service, "usual", usual, options)?);
    }
    print_parts(&parts, options.seconds);
    print_chart(&parts);
    service.wait_until_ready()?;
    finish(place.command().arg("audit").arg("--data-dir").arg(place.data()))?;
    service.stop(STOP_ENDS_WITHIN)?;
    for Part { name, crowd, .. } in &parts {
        ensure!(crowd.violations.is_empty(), "{name}: {:?}", crowd.violations);
        ensure!(crowd.unknown == 0, "{name}: {} purchases stayed unknown", crowd.unknown);
    }
    Ok(())
}

/// What is taken of arrivals that are too many for sure, when nothing was measured yet.
fn find_capacity(place: &Place) -> Result<u32> {
    let arguments = ["--once", "--buyers", "60000", "--arrivals", "burst", "--connections", "128"];
    let mut crowd = start_crowd(place, &arguments)?;
    crowd.wait(CROWD_ENDS_WITHIN)?;
    let crowd = read_crowd(&place.output("rush"))?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    Ok(crowd.admitted.per_second as u32)
}

fn part(
    place: &Place,
    service: &Service<'_>,
    name: &str,
    rate: u32,
    options: &Options,
) -> Result<Part> {
    let (buyers, arrivals) = ((rate * options.seconds).to_string(), format!("steady:{rate}"));
    let connections = options.connections.to_string();
    let arguments =
        ["--once", "--buyers", &buyers, "--arrivals", &arrivals, "--connections", &connections];
    let mut crowd = start_crowd(place, &arguments)?;
    let (start, mut memory_kib) = (Instant::now(), 0);
    while crowd.exit_code()?.is_none() {
        ensure!(start.elapsed() < CROWD_ENDS_WITHIN, "the crowd does not end");
        memory_kib = memory_kib.max(memory_of(service.pid())?);
        std::thread::sleep(SAMPLE_EVERY);
    }
    let crowd = read_crowd(&place.output("rush"))?;
    println!(
        "{name}: {rate} a second, {} admitted, {} turned away",
        crowd.admitted.count, crowd.turned_away.count
    );
    Ok(Part { name: name.to_owned(), rate, crowd, memory_kib })
}

fn start_crowd(place: &Place, arguments: &[&str]) -> Result<Background> {
    let mut command = place.command_on(CROWD_CORE);
    command.args(["rush", "--json", "--duplicates", "0", "--url", &place.url()]);
    command.arg("--data-dir").arg(place.data()).args(["--stock", &STOCK.to_string()]);
    command.args(arguments);
    Background::start(command, &place.output("rush"))
}

/// The document stands in the output behind the lines of a progress bar.
fn read_crowd(output: &Path) -> Result<Crowd> {
    let text = fs::read_to_string(output)?;
    let start = text.find('{').with_context(|| format!("no report: {text}"))?;
    Ok(serde_json::from_str(&text[start..])?)
}

fn memory_of(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.context("no VmRSS")?.trim().parse().context("VmRSS")
}

fn print_parts(parts: &[Part], seconds: u32) {
    println!(
        "\n| part | arrivals/s | 202s/s | turned away/s | 202 p50/p99, ms | \
              turned away p50/p99, ms | memory, MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let pair = |latency: &Latency| format!("{:.1} / {:.1}", ms(latency.p50_us), ms(latency.p99_us));
    for Part { name, rate, crowd, memory_kib } in parts {
        println!(
            "| {name} | {rate} | {} | {} | {} | {} | {} |",
            crowd.admitted.count / u64::from(seconds),
            crowd.turned_away.count / u64::from(seconds),
            pair(&crowd.to_admission),
            pair(&crowd.to_refusal),
            memory_kib / 1_024
        );
    }
}

/// p99 of each second, all parts one after the other.
fn print_chart(parts: &[Part]) {
    let seconds = || parts.iter().flat_map(|part| &part.crowd.seconds);
    let line = |of: fn(&Second) -> &Latency| {
        seconds().map(|it| format!("{:.1}", ms(of(it).p99_us))).collect::<Vec<_>>().join(", ")
    };
    println!("\n```mermaid\nxychart-beta");
    println!("  x-axis \"s\" 0 --> {}", seconds().count());
    println!("  y-axis \"p99, ms\"");
    println!("  line [{}]", line(|second| &second.to_admission));
    println!("  line [{}]", line(|second| &second.to_refusal));
    println!("```");
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}
