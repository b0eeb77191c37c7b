//! A run: the contests in turn, as often as asked, then everything that is written down of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::contest::{Contest, Need, chosen};
use crate::front::{mariadb, redis};
use crate::machine::Machine;
use crate::prefill::wall_clock;
use crate::record::Record;
use crate::report::{comparison, tables, write_page};
use crate::ring::{Ring, Server, Servers};
use crate::row::find;

/// What a run is.
#[derive(Args, Debug)]
pub(crate) struct RunFlags {
    /// Contests; all if none is named.
    #[arg(long, num_args = 1..)]
    only: Vec<String>,
    /// How often each is held.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// For how long a load is counted.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=20))]
    seconds: u64,
    /// A result of an earlier run to compare with.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Where the finished programs are.
    #[arg(long)]
    programs: PathBuf,
    /// The file that takes the result; charts go beside it.
    #[arg(long)]
    out: PathBuf,
    /// A page that takes tables and charts.
    #[arg(long)]
    page: Option<PathBuf>,
    /// NAME=VERSION of what is not asked for its version here.
    #[arg(long, value_parser = version)]
    version: Vec<(String, String)>,
    /// ADDRESS#PID
    #[arg(long)]
    kafka: Option<Server>,
    /// ADDRESS#PID
    #[arg(long)]
    mariadb: Option<Server>,
    /// ADDRESS#PID
    #[arg(long)]
    redis: Option<Server>,
}

fn version(text: &str) -> Result<(String, String)> {
    let (name, version) = text.split_once('=').context("not NAME=VERSION")?;
    Ok((name.to_owned(), version.to_owned()))
}

/// Holds the contests, prints and writes what came out.
pub(crate) fn run(flags: &RunFlags) -> Result<()> {
    let contests = chosen(&flags.only)?;
    let earlier = flags.against.as_deref().map(Record::read).transpose()?;
    fs::create_dir_all(results(flags)?)?;
    let folder = tempfile::Builder::new().prefix("timedeal-bench-").tempdir()?;
    let servers = Servers {
        kafka: flags.kafka.clone(),
        mariadb: flags.mariadb.clone(),
        redis: flags.redis.clone(),
    };
    let missing = missing(&contests, &servers);
    ensure!(missing.is_empty(), "these contests need {}, and it is not there", missing.join(", "));
    let (machine, counted) = (Machine::look()?, Duration::from_secs(flags.seconds));
    let ring = Ring::new(flags.programs.clone(), folder.path().to_owned(), servers, counted)?;
    // One thread: it is the load, and has to be cheap.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut record = runtime.block_on(begin(&ring, flags, machine))?;
    if let Err(fault) = runtime.block_on(hold(&ring, &contests, flags.repeats, &mut record)) {
        println!("outputs of all programs are kept in {}", folder.keep().display());
        // No result, and yet some minutes of figures.
        record.write(&flags.out.with_extension("unfinished.json"))?;
        return Err(fault);
    }
    show(flags, &record, earlier.as_ref())
}

async fn begin(ring: &Ring, flags: &RunFlags, machine: Machine) -> Result<Record> {
    Ok(Record {
        machine,
        versions: versions(ring, flags).await?,
        began_at: wall_clock().as_millis() / 1_000,
        seconds: flags.seconds,
        repeats: flags.repeats,
        rows: BTreeMap::new(),
    })
}

async fn hold(ring: &Ring, contests: &[Contest], repeats: u32, record: &mut Record) -> Result<()> {
    for repetition in 1..=repeats {
        for contest in contests {
            let (name, start) = (contest.name(), Instant::now());
            println!("{repetition}/{repeats} {name}");
            for (row, sample) in contest.hold(ring).await.context(name)? {
                let unit = find(row).with_context(|| format!("no row {row}"))?.unit;
                println!("  {row}: {:.1} {unit} {:?}", sample.value, sample.details);
                record.rows.entry(row.to_owned()).or_default().push(sample);
            }
            println!("  ({:.1} s)", start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

fn missing(contests: &[Contest], servers: &Servers) -> Vec<&'static str> {
    let is_missing = |need: &Need| match need {
        Need::Kafka => servers.kafka.is_none(),
        Need::Mariadb => servers.mariadb.is_none(),
        Need::Redis => servers.redis.is_none(),
    };
    let needs = contests.iter().flat_map(|contest| contest.needs());
    let mut names: Vec<&str> = needs.filter(|need| is_missing(need)).map(|it| it.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

async fn versions(ring: &Ring, flags: &RunFlags) -> Result<BTreeMap<String, String>> {
    let mut versions: BTreeMap<String, String> = flags.version.iter().cloned().collect();
    let said = ring.timedeal(&["--version"])?;
    versions.insert("timedeal".to_owned(), said.trim().trim_start_matches("timedeal ").to_owned());
    if let Some(server) = &ring.servers.mariadb {
        versions.insert("mariadb".to_owned(), mariadb::version(&server.address).await?);
    }
    if let Some(server) = &ring.servers.redis {
        versions.insert("redis".to_owned(), redis::version(&server.address).await?);
    }
    Ok(versions)
}

fn show(flags: &RunFlags, record: &Record, earlier: Option<&Record>) -> Result<()> {
    println!("{}", tables(record));
    if let Some(earlier) = earlier {
        println!("{}", comparison(record, earlier));
    }
    record.write(&flags.out)?;
    println!("all figures stand in {}", flags.out.display());
    match &flags.page {
        Some(page) => write_page(record, page, results(flags)?),
        None => Ok(()),
    }
}

/// The folder of what is written down.
fn results(flags: &RunFlags) -> Result<&Path> {
    flags.out.parent().context("the result needs a folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_a_contest_needs_and_does_not_have_is_named() {
        let kafka = Some("127.0.0.1:9#7".parse().unwrap());
        let servers = Servers { kafka, ..Servers::default() };
        assert_eq!(missing(&Contest::ALL, &servers), ["mariadb", "redis"]);
        assert!(missing(&[Contest::FrontBare, Contest::WorkerKafkaSpread], &servers).is_empty());
    }
}
