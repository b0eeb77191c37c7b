//! The order-worker and the projector as programs of their own, on a broker whose commands log is
//! full, beside bare loops over the same records.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use event_log::kafka::{Connection, KafkaLogs, KafkaOptions, Sasl};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::call::{json, wait_until};
use crate::decided::{self, Span};
use crate::house::{create_database, create_topics, wait_until_ready};
use crate::kafka_loop::span_of;
use crate::prefill::{Filled, fill};
use crate::process::{ASK_EVERY, Process, cpu_seconds, free_address, pin, pin_ourselves};
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

/// Products of the contest in which nobody is hot, and partitions for them.
const PRODUCTS: u64 = 64;
const PARTITIONS: u16 = 8;
/// Purchases of one transaction of the peer.
const TRANSACTION: u64 = 5_000;
const LOOP_ENDS_WITHIN: Duration = Duration::from_secs(300);

/// A broker's logs with nothing decided yet.
struct Line {
    prefix: String,
    log_url: String,
    logs: KafkaLogs,
    filled: Filled,
}

/// One hot product: the bare loop, the loop with transactions, the worker, then the projector.
pub(crate) async fn hot(ring: &Ring) -> Result<Vec<Measured>> {
    let line = prepare(ring, 1, 1).await?;
    let mut measured = vec![
        ("loop-bare", bare_loop(ring, &line, &[]).await?),
        ("loop-transactions", bare_loop(ring, &line, &transactions(&line.filled)).await?),
        ("worker-kafka-hot", decide(ring, &line).await?),
    ];
    measured.push(("projector-mariadb", project(ring, &line).await?));
    line.logs.close();
    Ok(measured)
}

/// Many products in several partitions.
pub(crate) async fn spread(ring: &Ring) -> Result<Vec<Measured>> {
    let line = prepare(ring, PARTITIONS, PRODUCTS).await?;
    let sample = decide(ring, &line).await?;
    line.logs.close();
    Ok(vec![("worker-kafka-64", sample)])
}

async fn prepare(ring: &Ring, partitions: u16, products: u64) -> Result<Line> {
    pin_ourselves(&ring.cores.all)?;
    pin(ring.kafka()?.pid, &ring.cores.others)?;
    let prefix = ring.fresh_name("line");
    let log_url = create_topics(ring, &prefix, partitions)?;
    let logs = open(&log_url)?;
    let filled = fill(&*logs.commands(), products, ring.records()).await?;
    pin_ourselves(&ring.cores.others)?;
    Ok(Line { prefix, log_url, logs, filled })
}

fn open(log_url: &str) -> Result<KafkaLogs> {
    let (url, client_id) = (log_url.parse()?, "benchmarks".to_owned());
    let connection = Connection { url, sasl: Sasl::None, ca_file: None, client_id };
    Ok(KafkaLogs::open(&connection, KafkaOptions::default())?)
}

fn transactions(filled: &Filled) -> [String; 4] {
    let stock = filled.stock.to_string();
    ["--stock".to_owned(), stock, "--batch".to_owned(), TRANSACTION.to_string()]
}

/// A loop of our own program, into a log of its own.
async fn bare_loop(ring: &Ring, line: &Line, extra: &[String]) -> Result<Sample> {
    let target = ring.fresh_name("loop");
    let topic = format!("{target}.decisions");
    create_topics(ring, &target, 1)?;
    let purchases = line.filled.purchases;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["loop", "--brokers", &ring.kafka()?.address]);
    command.args(["--from", &format!("{}.commands", line.prefix)]);
    command.args(["--to", &topic]);
    command.args(["--records", &purchases.to_string()]).args(extra);
    let process = Process::start(&target, &command, &ring.cores.measured, &ring.folder)?;
    process.finish(LOOP_ENDS_WITHIN).await?;
    let span = span_of(&ring.kafka()?.address, &topic, purchases)?;
    Ok(Sample::of(span.rate()?))
}

/// The order-worker, from its first decision to its last, by the broker's times.
async fn decide(ring: &Ring, line: &Line) -> Result<Sample> {
    let (ops, name) = (free_address()?, format!("{}-worker", line.prefix));
    let mut command = ring.command("order-worker");
    command.env("TIMEDEAL_LOG_URL", &line.log_url).env("TIMEDEAL_OPS_LISTEN", ops.to_string());
    let snapshots = ring.fresh_folder(&name)?;
    command.env("TIMEDEAL_SNAPSHOTS_URL", format!("file://{}", snapshots.display()));
    command.env("TIMEDEAL_WORKER_NAME", &name);
    let mut worker = Process::start(&name, &command, &ring.cores.measured, &ring.folder)?;
    wait_until_ready(&mut worker, ops).await?;
    let all: u64 = line.filled.ends.iter().sum();
    wait_until("all commands are decided", async || {
        worker.ensure_runs()?;
        Ok(sum_of_partitions(ops, "decided_next").await? == all)
    })
    .await?;
    let cpu = cpu_seconds(worker.pid())?;
    worker.stop().await?;
    let span: Span = decided::check(&*line.logs.decisions(), &line.filled).await?;
    Ok(Sample::of(span.rate()?).with_cpu(cpu, span.records))
}

async fn sum_of_partitions(ops: SocketAddr, field: &str) -> Result<u64> {
    let rows = json(ops, "/partitions").await?;
    let rows = rows.as_array().context("no list of partitions")?;
    Ok(rows.iter().filter_map(|row| row[field].as_u64()).sum())
}

/// The projector, from its first commit to its last, by what is committed.
async fn project(ring: &Ring, line: &Line) -> Result<Sample> {
    pin(ring.mariadb()?.pid, &ring.cores.others)?;
    let url = create_database(ring, &line.prefix).await?;
    let options = url.parse::<MySqlConnectOptions>()?.disable_statement_logging();
    let mut connection = options.connect().await?;
    let (ops, name) = (free_address()?, format!("{}-projector", line.prefix));
    let mut command = ring.command("projector");
    command.env("TIMEDEAL_LOG_URL", &line.log_url).env("TIMEDEAL_OPS_LISTEN", ops.to_string());
    command.env("TIMEDEAL_DATABASE_URL", &url);
    let end = line.logs.decisions().end(0).await?;
    let mut projector = Process::start(&name, &command, &ring.cores.measured, &ring.folder)?;
    let mut first = None;
    let (last_at, (first_at, first_offset)) = loop {
        projector.ensure_runs()?;
        let committed = committed(&mut connection).await?;
        if first.is_none() && committed > 0 {
            first = Some((Instant::now(), committed));
        }
        if committed == end {
            break (Instant::now(), first.context("something is committed")?);
        }
        tokio::time::sleep(ASK_EVERY).await;
    };
    let cpu = cpu_seconds(projector.pid())?;
    projector.stop().await?;
    let count = "SELECT COUNT(*) FROM orders WHERE status = 'confirmed'";
    let confirmed: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await?;
    connection.close().await?;
    let stock = line.filled.stock;
    ensure!(u64::try_from(confirmed)? == stock, "{confirmed} orders are confirmed of {stock}");
    let rate = rate(end - first_offset, last_at - first_at);
    ensure!(end > first_offset, "all was committed at once: too few to tell a rate");
    Ok(Sample::of(rate).with_cpu(cpu, end))
}

#[allow(clippy::cast_precision_loss, reason = "a few millions")]
fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

async fn committed(connection: &mut MySqlConnection) -> Result<u64> {
    let sql = "SELECT CAST(COALESCE(SUM(read_offset), 0) AS SIGNED) FROM projections";
    let offset: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(u64::try_from(offset)?)
}
