//! The programs that are one role each: what each waits for before it starts, and the order in
//! which it stops. They start in any order; a broker and, but for workers, a database are theirs to
//! share.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use event_log::kafka::{Connection, KafkaOptions};
use gateway::{Gateway, Ready};
use order_worker::{PartitionBoard, Phase};
use platform::clock::{Clock, SystemClock};
use projector::{ProjectorBoard, ProjectorStatus};

use crate::broker::Broker;
use crate::cli::{GatewayFlags, LogFlags, OrderWorkerFlags, ProjectorFlags};
use crate::database::Database;
use crate::gateway_keys::{self, Keys};
use crate::logs::Logs;
use crate::process::{self, Process, Stages, bind};
use crate::role::order_worker::{Workers, join_group};
use crate::role::{self, Base, StoreBase};
use crate::standing::Readiness;
use crate::{genesis, snapshots};

/// How long each stage gets to stop.
const INTAKE_DEADLINE: Duration = Duration::from_secs(6);
const DRAIN_DEADLINE: Duration = Duration::from_secs(8);
const LEAVE_DEADLINE: Duration = Duration::from_secs(4);
const PROJECT_DEADLINE: Duration = Duration::from_secs(9);
const FOLLOW_DEADLINE: Duration = Duration::from_secs(1);
/// A partition is waited for so long if others are there; whole takeovers are quicker.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// A projector whose oldest row has waited for so long does not do its work.
const STALE_AFTER: Duration = Duration::from_secs(60);

const _: () = {
    assert!(process::is_in_time(&[INTAKE_DEADLINE, FOLLOW_DEADLINE]));
    assert!(process::is_in_time(&[DRAIN_DEADLINE, LEAVE_DEADLINE]));
    assert!(process::is_in_time(&[PROJECT_DEADLINE]));
};

/// The program `gateway`.
pub(crate) fn run_gateway(flags: &GatewayFlags) -> anyhow::Result<ExitCode> {
    process::run(&flags.process, async |process| start_gateway(flags, process).await)
}

/// The program `order-worker`.
pub(crate) fn run_order_worker(flags: &OrderWorkerFlags) -> anyhow::Result<ExitCode> {
    process::run(&flags.process, async |process| start_order_worker(flags, process).await)
}

/// The program `projector`.
pub(crate) fn run_projector(flags: &ProjectorFlags) -> anyhow::Result<ExitCode> {
    process::run(&flags.process, async |process| start_projector(flags, process).await)
}

async fn start_gateway(flags: &GatewayFlags, process: &Process) -> anyhow::Result<Stages> {
    let mut stages = process.stages();
    stages.give_notice(flags.http.stop_notice);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let sources = gateway_keys::sources(&flags.keys, None)?;
    let keys = Keys::open(&flags.keys, &sources, &flags.oidc, &clock).await?;
    let database = Database::of(&flags.database, None).await?;
    let (_, base) = begin(&flags.log, "gateway", process).await?;
    let store = database.open(&process.patience()).await?;
    let on = StoreBase { base, store };
    let name = role::name_of_process(None)?;
    let status = role::gateway::view(&on, &name, &process.patience()).await?;
    let config = role::gateway::config(&flags.http, &flags.log.log_url, &name);
    let gateway = Gateway::new(keys.parts(&on, status.clone(), config))?;
    let readiness = gateway.readiness();
    let listener = bind(flags.http.listen).await?;
    let listen = listener.local_addr()?;

    let intake = stages.add("intake", INTAKE_DEADLINE);
    let stop = intake.token().clone();
    intake.spawn_fallible("gateway", gateway.serve(listener, stop));
    let followers = stages.add("followers", FOLLOW_DEADLINE);
    role::gateway::follow(&status, followers)?;
    keys.keep_fresh(&clock, followers);
    process.standing.started(readiness);
    tracing::info!(%listen, log_id = on.base.log_id, "serving");
    Ok(stages)
}

async fn start_order_worker(flags: &OrderWorkerFlags, process: &Process) -> anyhow::Result<Stages> {
    let mut stages = process.stages();
    let name = role::name_of_process(flags.worker.worker_name.as_deref())?;
    let url = flags.worker.snapshots_url.as_deref();
    let snapshots =
        snapshots::at(url.ok_or_else(|| anyhow::anyhow!("--snapshots-url is missing"))?)?;
    let (connection, base) = begin(&flags.log, &name, process).await?;
    let partitions = base.logs.commands.partitions();
    let board = Arc::new(PartitionBoard::new(partitions));
    let workers = Workers { flags: &flags.worker, name, snapshots, board: Arc::clone(&board) };
    let (place, assignments) = join_group(&connection, &workers, &process.patience()).await?;
    role::order_worker::start(
        &base,
        &workers,
        assignments,
        stages.add("order-worker", DRAIN_DEADLINE),
    )?;
    place.attend(&board, &base.clock, &process.taken, stages.add("group", LEAVE_DEADLINE));
    process.control.show_workers(Arc::clone(&board));
    process.standing.started(workers_readiness(board));
    tracing::info!(worker = &*workers.name, log_id = base.log_id, "working");
    Ok(stages)
}

async fn start_projector(flags: &ProjectorFlags, process: &Process) -> anyhow::Result<Stages> {
    let mut stages = process.stages();
    let database = Database::of(&flags.database, None).await?;
    let (_, base) = begin(&flags.log, "projector", process).await?;
    let store = database.open(&process.patience()).await?;
    let on = StoreBase { base, store };
    let board = Arc::new(ProjectorBoard::new(on.base.logs.decisions.partitions()));
    let decisions = &on.base.logs.decisions;
    let ends = genesis::ends_of(decisions, &process.patience()).await?;
    role::projector::start(&on, &board, stages.add("projector", PROJECT_DEADLINE))?;
    process.control.show_projectors(Arc::clone(&board));
    process.standing.started(projectors_readiness(board, ends));
    tracing::info!(log_id = on.base.log_id, "projecting");
    Ok(stages)
}

/// Logs that have begun, and how they were reached; both for as long as the process lives.
async fn begin(
    flags: &LogFlags,
    name: &str,
    process: &Process,
) -> anyhow::Result<(Connection, Base)> {
    let patience = process.patience();
    let broker = Broker::of(flags, name).await?;
    let kafka = broker.logs(KafkaOptions::default(), &patience).await?;
    let logs = Logs::kafka(&kafka);
    let connection = broker.connection.clone();
    process.close_at_last(move || {
        kafka.close();
        drop(broker);
    });
    let log_id = genesis::wait_for(&logs, &patience).await?;
    Ok((connection, Base { logs, log_id, clock: Arc::new(SystemClock::new()) }))
}

/// A worker is ready once everything that it was given is taken over, or parked with an alarm of
/// its own. What cannot be taken over while others can is not waited for.
fn workers_readiness(board: Arc<PartitionBoard>) -> Readiness {
    let waits = Waits::default();
    Arc::new(move || {
        let rows = board.list();
        let taking = rows.iter().filter(|row| row.phase == Phase::TakingOver).count();
        let is_over = waits.is_over(taking > 0);
        let works = rows.iter().any(|row| row.phase == Phase::Owning);
        match taking == 0 || (is_over && works) {
            true => Ready::Yes,
            false => Ready::No(format!("taking {taking} partitions over").into()),
        }
    })
}

/// A projector is ready once it has come to where the log ended when it started, and while the
/// tables take what is decided. A parked partition has an alarm of its own, and one that cannot be
/// read while others can is not waited for.
fn projectors_readiness(board: Arc<ProjectorBoard>, ends: Vec<Option<u64>>) -> Readiness {
    let waits = Waits::default();
    Arc::new(move || {
        let rows = board.list();
        let going = || rows.iter().zip(&ends).filter(|(row, _)| row.park.is_none());
        let is_there =
            |row: &ProjectorStatus, end: &Option<u64>| end.is_none_or(|end| row.read_offset >= end);
        let behind = going().filter(|(row, end)| !is_there(row, end)).count();
        let has_come = going().count() > behind;
        if behind > 0 && !(waits.is_over(true) && has_come) {
            return Ready::No(format!("catching up with {behind} partitions").into());
        }
        waits.is_over(false);
        let youngest =
            going().filter(|(row, _)| row.lag_records > 0).map(|(row, _)| row.lag_ms).min();
        match youngest.map(Duration::from_millis) {
            Some(age) if age > STALE_AFTER => {
                Ready::No(format!("rows are {} s behind", age.as_secs()).into())
            }
            Some(_) | None => Ready::Yes,
        }
    })
}

/// Since when something has been waited for.
#[derive(Default)]
struct Waits(Mutex<Option<Instant>>);

impl Waits {
    /// Whether it has been waited for long enough.
    fn is_over(&self, waits: bool) -> bool {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = waits.then(|| since.unwrap_or_else(Instant::now));
        since.is_some_and(|since| since.elapsed() > WAIT_MAX)
    }
}
