//! All roles in one process: how they are put together, and the order in which they stop. Intake
//! first, then the worker drains, then the projector writes the last decisions, then the logs
//! close.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use event_log::EmbeddedLogs;
use gateway::auth::TokenIssuer;
use gateway::status::{StatusLimits, StatusOptions, StatusView};
use gateway::ticket::Tickets;
use gateway::{Gateway, GatewayConfig, GatewayParts};
use order_worker::{PartitionBoard, PartitionWorker, Snapshots, WorkerOptions, WorkerParts};
use platform::clock::{Clock, SystemClock};
use platform::jitter::SplitMix64;
use platform::secrets::{DataDirKeys, SigningKeyMaterial};
use platform::shutdown::{ShutdownToken, TaskGroup};
use platform::telemetry::{Metrics, install_metrics};
use projector::{Projector, ProjectorBoard, ProjectorParts};
use read_model::{SqliteOptions, SqliteStore, Store};
use tokio::net::TcpListener;

use crate::cli::ServeFlags;
use crate::control::Control;
use crate::data_dir::{DataDir, Logs};
use crate::genesis;

/// How long each stage gets to stop; together they stay below the 15 s of the whole process.
const INTAKE_DEADLINE: Duration = Duration::from_secs(6);
const DRAIN_DEADLINE: Duration = Duration::from_secs(4);
const PROJECT_DEADLINE: Duration = Duration::from_secs(3);
const FOLLOW_DEADLINE: Duration = Duration::from_secs(1);

/// Unacknowledged decisions of all partitions together: half of what the embedded log lets wait.
const WAITING_DECISIONS_MAX: usize = 32_768;

/// One process with everything in it.
pub(crate) struct Node {
    pub(crate) log_id: u8,
    pub(crate) logs: Logs,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Number of the ticket key that issues.
    pub(crate) ticket_key: u16,
    pub(crate) listen: SocketAddr,
    pub(crate) ops_listen: SocketAddr,
    stages: Mutex<Option<Stages>>,
}

/// Tasks by the order in which they stop.
struct Stages {
    intake: TaskGroup,
    workers: TaskGroup,
    projectors: TaskGroup,
    followers: TaskGroup,
}

/// What several stages are made of.
struct Base<'a> {
    flags: &'a ServeFlags,
    logs: Logs,
    log_id: u8,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    board: Arc<PartitionBoard>,
    projections: Arc<ProjectorBoard>,
}

impl Node {
    /// Starts everything. `process` is thrown by a signal, or by a task that ends unasked.
    pub(crate) async fn start(
        flags: &ServeFlags,
        data_dir: &DataDir,
        embedded: &EmbeddedLogs,
        process: ShutdownToken,
    ) -> anyhow::Result<Arc<Self>> {
        let logs = Logs::of(embedded);
        let keys = data_dir.keys(genesis::has_begun(&logs).await?)?;
        let listener = bind(flags.listen).await?;
        let operations = bind(flags.ops_listen).await?;
        let (listen, ops_listen) = (listener.local_addr()?, operations.local_addr()?);
        let rows = data_dir.read_model();
        let store =
            SqliteStore::open(&rows, SqliteOptions::default()).await.with_context(|| {
                format!(
                    "open {}, which is rebuilt from the log if it is moved away",
                    rows.display()
                )
            })?;
        let store: Arc<dyn Store> = Arc::new(store);
        let known = store.log_ids().await?;
        let log_id = genesis::begin(&logs, &known).await?;
        if !known.is_empty() && !known.contains(&log_id) {
            let what = "the log is new, but the read model knows others: their orders are shown";
            tracing::warn!(log_id, ?known, "{what}, and nothing happens to them any more");
        }
        let partitions = logs.commands.partitions();
        let base = Base {
            flags,
            logs: logs.clone(),
            log_id,
            store: Arc::clone(&store),
            clock: Arc::new(SystemClock::new()),
            metrics: install_metrics()?,
            board: Arc::new(PartitionBoard::new(partitions)),
            projections: Arc::new(ProjectorBoard::new(partitions)),
        };
        let stage = || TaskGroup::staged(process.clone(), ShutdownToken::new());
        let mut stages =
            Stages { intake: stage(), workers: stage(), projectors: stage(), followers: stage() };
        let (ticket_key, _) = keys.ticket.issuing();
        base.start_workers(&mut stages.workers, data_dir)?;
        base.start_projectors(&mut stages.projectors)?;
        let status = base.start_followers(&mut stages.followers).await?;
        let gateway = base.gateway(status, &keys)?;
        let stop = stages.intake.token().clone();
        stages.intake.spawn_fallible("gateway", gateway.serve(listener, operations, stop));
        let clock = base.clock;
        let stages = Mutex::new(Some(stages));
        Ok(Arc::new(Self { log_id, logs, store, clock, ticket_key, listen, ops_listen, stages }))
    }

    /// Stops everything in order; tells whether all of it stopped in time and without a fault.
    pub(crate) async fn stop(self: Arc<Self>) -> bool {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(stages) = stages else { return true };
        let in_order = [
            ("intake", stages.intake, INTAKE_DEADLINE),
            ("order-worker", stages.workers, DRAIN_DEADLINE),
            ("projector", stages.projectors, PROJECT_DEADLINE),
            ("followers", stages.followers, FOLLOW_DEADLINE),
        ];
        let mut clean = true;
        for (name, group, deadline) in in_order {
            group.token().trigger();
            let report = group.join_all(deadline).await;
            if !report.is_clean() {
                tracing::error!(stage = name, ?report, "stage did not stop cleanly");
                clean = false;
            }
        }
        self.store.close().await;
        tracing::info!("stopped");
        clean
    }
}

impl Base<'_> {
    fn start_workers(&self, group: &mut TaskGroup, data_dir: &DataDir) -> anyhow::Result<()> {
        order_worker::describe_metrics();
        let snapshots = Snapshots::new(data_dir.snapshots()?, self.log_id);
        let options = self.worker_options();
        for partition in 0..self.logs.commands.partitions() {
            let parts = WorkerParts {
                partition,
                worker: format!("timedeal-{}", std::process::id()).into(),
                commands: Arc::clone(&self.logs.commands),
                decisions: Arc::clone(&self.logs.decisions),
                snapshots: snapshots.clone(),
                clock: Arc::clone(&self.clock),
                board: Arc::clone(&self.board),
            };
            let seed = SplitMix64::from_system().context("draw a seed")?.draw();
            let worker = PartitionWorker::new(parts, options, seed);
            group.spawn(format!("order-worker {partition}"), worker.run(group.token().clone()));
        }
        Ok(())
    }

    /// Half of what the log lets wait is for the workers, shared among the partitions; the other
    /// half is for the crowd.
    fn worker_options(&self) -> WorkerOptions {
        let mut options = WorkerOptions::default();
        let partitions = usize::from(self.logs.commands.partitions());
        let share = WAITING_DECISIONS_MAX / partitions;
        options.batch.records_max = options.batch.records_max.min(share);
        options.appends_max = options.appends_max.min(share / options.batch.records_max);
        options.retire_after = self.flags.retire_after;
        options
    }

    fn start_projectors(&self, group: &mut TaskGroup) -> anyhow::Result<()> {
        projector::describe_metrics();
        for partition in 0..self.logs.commands.partitions() {
            let mut random = SplitMix64::from_system().context("draw a seed")?;
            let parts = ProjectorParts {
                decisions: Arc::clone(&self.logs.decisions),
                commands: Arc::clone(&self.logs.commands),
                dead_letters: Arc::clone(&self.logs.dead_letters),
                store: Arc::clone(&self.store),
                clock: Arc::clone(&self.clock),
                board: Arc::clone(&self.projections),
                log_id: self.log_id,
                random: Box::new(move || random.draw()),
            };
            let projector = Projector::new(partition, parts);
            group.spawn(format!("projector {partition}"), projector.run(group.token().clone()));
        }
        Ok(())
    }

    async fn start_followers(&self, group: &mut TaskGroup) -> anyhow::Result<StatusView> {
        gateway::status::describe_metrics();
        let status = StatusView::start(StatusOptions {
            decisions: Arc::clone(&self.logs.decisions),
            commands: Arc::clone(&self.logs.commands),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            log_id: self.log_id,
            gateway: "timedeal".into(),
            limits: StatusLimits::default(),
        });
        let status = status.await?;
        let stop = group.token().clone();
        for partition in 0..self.logs.decisions.partitions() {
            let (status, stop) = (status.clone(), stop.clone());
            let follow = async move { status.follow(partition, stop).await };
            group.spawn(format!("status view {partition}"), follow);
        }
        let (view, until) = (status.clone(), stop.clone());
        group.spawn("ends", async move { view.ask_ends(until).await });
        let (metrics, clock) = (self.metrics.clone(), Arc::clone(&self.clock));
        group.spawn("metrics", async move { metrics.keep_up(&*clock, &stop).await });
        Ok(status)
    }

    fn gateway(&self, status: StatusView, keys: &DataDirKeys) -> anyhow::Result<Gateway> {
        let mut config = GatewayConfig::new("timedeal");
        config.connections_max = self.flags.max_connections;
        config.trusted_proxies.clone_from(&self.flags.trusted_proxies);
        config.cors_origins.clone_from(&self.flags.cors_origins);
        config.webhook_secrets.clone_from(&keys.webhook);
        config.demo = self.flags.demo;
        let issuer = TokenIssuer::new(&SigningKeyMaterial::Hs256(keys.signing.clone()))?;
        let ring = keys.ticket.newest_first();
        let tickets = Tickets::new(ring.map(|(number, key)| (number, key.expose().clone())));
        let metrics = self.metrics.clone();
        let control =
            Control { board: Arc::clone(&self.board), projections: Arc::clone(&self.projections) };
        let parts = GatewayParts {
            commands: Arc::clone(&self.logs.commands),
            status,
            store: Arc::clone(&self.store),
            tickets,
            verifier: Arc::new(issuer.verifier()),
            issuer,
            clock: Arc::clone(&self.clock),
            config,
            metrics_text: Arc::new(move || metrics.render()),
            partitions: Arc::new(control),
        };
        Ok(Gateway::new(parts)?)
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))
}
