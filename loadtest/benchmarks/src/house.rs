//! The product, running: its programs on one log, and a shop's first steps with it. Knows the
//! programs by their command lines, their HTTP interface and their exit codes only.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use event_log::partition_of;
use schemas::http::DealRequest;
use schemas::limits::{LIMIT_PER_CUSTOMER_MAX, STOCK_MAX};
use schemas::log::Product;
use schemas::{Money, Timestamp};

use crate::call::{Call, call, json, metric, wait_until};
use crate::front::mariadb::with_database;
use crate::prefill::wall_clock;
use crate::process::{Process, free_address};
use crate::ring::Ring;

/// Partitions of every log here: more than a gateway's queue of one can fill in a run.
pub(crate) const PARTITIONS: u16 = 8;
/// Nobody is to hear "sold-out".
pub(crate) const STOCK: u64 = STOCK_MAX;
/// How often topics are tried to be made on a broker that has just started.
const TOPICS_TRIES: u32 = 5;
const TOPICS_AGAIN: Duration = Duration::from_millis(500);
const BACKLOG: &str = "timedeal_gateway_backlog";

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// One process with everything.
    Embedded,
    /// A process for each role, on a broker.
    Kafka,
}

/// Which cores the parts get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// The gateway alone on one, all else on the others.
    Apart,
    /// All on all.
    Together,
}

/// A running service.
pub(crate) struct House {
    /// The gateway, or the process that is everything.
    pub(crate) gateway: Process,
    pub(crate) address: SocketAddr,
    pub(crate) ops: SocketAddr,
    worker: Option<Process>,
    /// Where it lives, to start it again.
    shop: Shop,
}

/// What all processes of a service are told.
struct Shop {
    variables: Vec<(&'static str, String)>,
    name: String,
    worker_cores: String,
}

impl House {
    /// A new service with an empty log; a broker and a database are taken from the ring.
    pub(crate) async fn open(ring: &Ring, backend: Backend, sharing: Sharing) -> Result<Self> {
        let (gateway_cores, worker_cores) = match sharing {
            Sharing::Apart => (&ring.cores.measured, ring.cores.others.clone()),
            Sharing::Together => (&ring.cores.all, ring.cores.all.clone()),
        };
        let name = ring.fresh_name("house");
        let variables = match backend {
            Backend::Embedded => embedded(ring, &name)?,
            Backend::Kafka => kafka(ring, &name).await?,
        };
        let shop = Shop { variables, name, worker_cores };
        let (address, ops) = (free_address()?, free_address()?);
        let mut command = shop.command(ring, backend.program(), ops);
        command.env("TIMEDEAL_LISTEN", address.to_string());
        if backend == Backend::Embedded {
            command.args(["serve", "--partitions", &PARTITIONS.to_string()]);
        }
        let mut house = Self {
            gateway: Process::start(
                &format!("{}-gateway", shop.name),
                &command,
                gateway_cores,
                &ring.folder,
            )?,
            address,
            ops,
            worker: None,
            shop,
        };
        if backend == Backend::Kafka {
            house.start_worker(ring).await?;
        }
        wait_until_ready(&mut house.gateway, ops).await?;
        Ok(house)
    }

    /// Starts the worker, and waits until it owns its partitions.
    pub(crate) async fn start_worker(&mut self, ring: &Ring) -> Result<()> {
        let ops = free_address()?;
        let name = format!("{}-worker", self.shop.name);
        let snapshots = ring.folder.join(&name);
        fs::create_dir_all(&snapshots)?;
        let mut command = self.shop.command(ring, "order-worker", ops);
        command.env("TIMEDEAL_SNAPSHOTS_URL", format!("file://{}", snapshots.display()));
        command.env("TIMEDEAL_WORKER_NAME", &name);
        let mut worker = Process::start(&name, &command, &self.shop.worker_cores, &ring.folder)?;
        wait_until_ready(&mut worker, ops).await?;
        self.worker = Some(worker);
        Ok(())
    }

    /// Stops the worker: what is bought from now on waits.
    pub(crate) async fn stop_worker(&mut self) -> Result<()> {
        self.worker.take().context("this service has no worker of its own")?.stop().await
    }

    /// Sends the worker a signal by name.
    pub(crate) fn signal_worker(&self, name: &str) -> Result<()> {
        self.worker.as_ref().context("this service has no worker of its own")?.signal(name)
    }

    /// A projector beside it, on the same cores as the worker.
    pub(crate) async fn start_projector(&self, ring: &Ring) -> Result<Process> {
        let ops = free_address()?;
        let command = self.shop.command(ring, "projector", ops);
        let name = format!("{}-projector", self.shop.name);
        let mut process = Process::start(&name, &command, &self.shop.worker_cores, &ring.folder)?;
        wait_until_ready(&mut process, ops).await?;
        Ok(process)
    }

    /// Announces a deal of this product, open at once; its id.
    pub(crate) async fn announce(&self, ring: &Ring, product: &str, stock: u64) -> Result<String> {
        let token = ring.admin_token()?;
        let line = format!("PUT /v1/admin/products/{product}/deals/bench?wait=10");
        let body = serde_json::to_string(&offer(stock)).expect("an offer is plain data");
        let announced = Call { line: &line, token: Some(&token), body: &body };
        let (status, body) = call(self.address, announced).await?;
        ensure!(status == 201, "{line}: {status} {body}");
        let deal: serde_json::Value = serde_json::from_str(&body)?;
        Ok(deal["deal_id"].as_str().context("no deal_id")?.to_owned())
    }

    /// A deal for each partition, none of which is ever sold out.
    pub(crate) async fn announce_everywhere(&self, ring: &Ring) -> Result<Vec<String>> {
        let mut deal_ids = Vec::new();
        for product in product_of_each_partition() {
            deal_ids.push(self.announce(ring, &product, STOCK).await?);
        }
        Ok(deal_ids)
    }

    /// How many units of these deals customers own, once nothing waits for its decision.
    pub(crate) async fn confirmed(&self, deal_ids: &[String], expected: u64) -> Result<()> {
        wait_until("all purchases are decided", async || {
            let mut confirmed = 0;
            for deal_id in deal_ids {
                let deal = json(self.address, &format!("/v1/deals/{deal_id}")).await?;
                confirmed += deal["confirmed"].as_u64().context("no `confirmed`")?;
            }
            let says = format!("{confirmed} units are sold, {expected} customers were told so");
            ensure!(confirmed <= expected, says);
            Ok(confirmed == expected && metric(self.ops, BACKLOG).await? < 1.0)
        })
        .await
    }

    /// Stops everything, each with exit code 0.
    pub(crate) async fn close(self) -> Result<()> {
        self.gateway.stop().await?;
        match self.worker {
            Some(worker) => worker.stop().await,
            None => Ok(()),
        }
    }
}

impl Shop {
    fn command(&self, ring: &Ring, program: &str, ops: SocketAddr) -> std::process::Command {
        let mut command = ring.command(program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("TIMEDEAL_OPS_LISTEN", ops.to_string());
        command
    }
}

impl Backend {
    fn program(self) -> &'static str {
        match self {
            Self::Embedded => "timedeal",
            Self::Kafka => "gateway",
        }
    }
}

fn embedded(ring: &Ring, name: &str) -> Result<Vec<(&'static str, String)>> {
    let folder = ring.fresh_folder(name)?;
    Ok(vec![("TIMEDEAL_DATA_DIR", folder.display().to_string())])
}

/// One deal of any product, open since an hour and for a day.
fn offer(stock: u64) -> DealRequest {
    let now = wall_clock();
    // The door opens a moment after the deal does.
    let opens_at = Timestamp::from_millis(now.as_millis() - 60 * 60 * 1_000);
    DealRequest {
        product: Product { name: "Bench".into(), description: "".into(), image_url: None },
        title: "Bench".into(),
        price: Money { amount: 1_990, currency: "EUR".parse().expect("three letters") },
        stock: i64::try_from(stock).expect("no larger than any deal's"),
        limit_per_customer: i64::from(LIMIT_PER_CUSTOMER_MAX),
        opens_at,
        closes_at: now.plus(Duration::from_secs(24 * 60 * 60)),
        hold_seconds: 0,
    }
}

/// Topics and tables of its own.
async fn kafka(ring: &Ring, name: &str) -> Result<Vec<(&'static str, String)>> {
    let log_url = create_topics(ring, name, PARTITIONS)?;
    let database_url = create_database(ring, name).await?;
    Ok(vec![("TIMEDEAL_LOG_URL", log_url), ("TIMEDEAL_DATABASE_URL", database_url)])
}

/// Topics with this prefix; the address of the log.
pub(crate) fn create_topics(ring: &Ring, prefix: &str, partitions: u16) -> Result<String> {
    let log_url = format!("kafka://{}/{prefix}", ring.kafka()?.address);
    let count = partitions.to_string();
    let arguments = ["topics", "create", "--dev", "--topic-partitions", &count];
    let arguments = [&arguments[..], &["--log-url", &log_url]].concat();
    // A leader of a topic that was made just now may not know it yet; what is there is left alone.
    let mut made = ring.timedeal(&arguments);
    for _ in 1..TOPICS_TRIES {
        if made.is_ok() {
            break;
        }
        std::thread::sleep(TOPICS_AGAIN);
        made = ring.timedeal(&arguments);
    }
    made?;
    Ok(log_url)
}

/// A database with the read model's tables; its address.
pub(crate) async fn create_database(ring: &Ring, name: &str) -> Result<String> {
    use sqlx::mysql::MySqlConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

    let server = &ring.mariadb()?.address;
    let mut root = server.parse::<MySqlConnectOptions>()?.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut root).await?;
    root.close().await?;
    let url = with_database(server, name);
    ring.timedeal(&["migrate", "--database-url", &url])?;
    Ok(url)
}

/// A product for each partition, in their order.
fn product_of_each_partition() -> Vec<String> {
    let name = |number: u32| format!("bench-{number}");
    (0..PARTITIONS)
        .map(|partition| {
            let is_there =
                |number: &u32| partition_of(name(*number).as_bytes(), PARTITIONS) == partition;
            name((0..).find(is_there).expect("names are spread over all partitions"))
        })
        .collect()
}

/// Waits until its operators' listener says so.
pub(crate) async fn wait_until_ready(process: &mut Process, ops: SocketAddr) -> Result<()> {
    wait_until("/readyz", async || {
        process.ensure_runs()?;
        Ok(is_ready(ops).await)
    })
    .await
}

/// Whether its operators' listener says so.
pub(crate) async fn is_ready(ops: SocketAddr) -> bool {
    let ready = Call { line: "GET /readyz", token: None, body: "" };
    call(ops, ready).await.is_ok_and(|(status, _)| status == 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_product() {
        let products = product_of_each_partition();
        let partitions = products.iter().map(|it| partition_of(it.as_bytes(), PARTITIONS));
        assert!(partitions.eq(0..PARTITIONS));
    }
}
