//! All roles in one process: what each of them is given, and the order in which they stop. Intake
//! first, then the worker drains, then the projector writes the last decisions, then the followers
//! and the logs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use event_log::kafka::KafkaOptions;
use event_log::{Assignments, EmbeddedLogs, Options};
use gateway::Gateway;
use order_worker::PartitionBoard;
use platform::clock::{Clock, SystemClock};
use projector::ProjectorBoard;
use read_model::Store;

use crate::broker::Broker;
use crate::cli::{LogUrl, ServeFlags};
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::gateway_keys::{self, Keys};
use crate::logs::{Logs, wall_clock};
use crate::process::{self, Process, Stages, bind};
use crate::role::order_worker::{Workers, join_group};
use crate::role::{Base, StoreBase};
use crate::{demo, genesis, role, snapshots};

/// How long each stage gets to stop.
const INTAKE_DEADLINE: Duration = Duration::from_secs(4);
const DRAIN_DEADLINE: Duration = Duration::from_secs(3);
const LEAVE_DEADLINE: Duration = Duration::from_secs(1);
const PROJECT_DEADLINE: Duration = Duration::from_secs(3);
const FOLLOW_DEADLINE: Duration = Duration::from_secs(1);

const _: () = assert!(process::is_in_time(&[
    INTAKE_DEADLINE,
    DRAIN_DEADLINE,
    LEAVE_DEADLINE,
    PROJECT_DEADLINE,
    FOLLOW_DEADLINE,
]));

/// Starts everything.
pub(crate) async fn start(flags: &ServeFlags, process: &Process) -> anyhow::Result<Stages> {
    let data_dir = DataDir::new(&flags.data.data_dir);
    let mut stages = process.stages();
    stages.give_notice(flags.http.stop_notice);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let name = match &flags.log.log_url {
        LogUrl::Embedded => format!("timedeal-{}", std::process::id()).into(),
        LogUrl::Kafka(_) => role::name_of_process(flags.worker.worker_name.as_deref())?,
    };
    let (logs, broker) = open_logs(flags, &data_dir, process).await?;
    let was_used = genesis::has_been_used(&logs, &process.patience()).await?;
    let sources = gateway_keys::sources(&flags.keys, Some((&data_dir, was_used)))?;
    let keys = Keys::open(&flags.keys, &sources, &flags.oidc, &clock).await?;
    let listener = bind(flags.http.listen).await?;
    let listen = listener.local_addr()?;
    let database = Database::of(&flags.database, Some(&data_dir)).await?;
    let store = database.open(&process.patience()).await?;
    let log_id = match &broker {
        None => begin(&logs, &*store).await?,
        Some(_) => genesis::wait_for(&logs, &process.patience()).await?,
    };
    let on = StoreBase { base: Base { logs, log_id, clock: Arc::clone(&clock) }, store };

    let status = role::gateway::view(&on, "timedeal", &process.patience()).await?;
    let mut config = role::gateway::config(&flags.http, &flags.log.log_url, "timedeal");
    config.demo = flags.demo;
    let gateway = Gateway::new(keys.parts(&on, status.clone(), config))?;
    let readiness = gateway.readiness();
    let intake = stages.add("intake", INTAKE_DEADLINE);
    let stop = intake.token().clone();
    intake.spawn_fallible("gateway", gateway.serve(listener, stop));
    start_workers(flags, &on.base, (&data_dir, name, broker), process, &mut stages).await?;
    let projections = Arc::new(ProjectorBoard::new(on.base.logs.decisions.partitions()));
    role::projector::start(&on, &projections, stages.add("projector", PROJECT_DEADLINE))?;
    process.control.show_projectors(projections);
    let followers = stages.add("followers", FOLLOW_DEADLINE);
    role::gateway::follow(&status, followers)?;
    let ticket_key = keys.issuing_ticket_number();
    keys.keep_fresh(&clock, followers);
    process.standing.started(readiness);
    if flags.demo {
        let announced = demo::announce(&on, ticket_key).await.context("announce the demo deal")?;
        demo::greet(listen, &data_dir, announced);
    }
    tracing::info!(%listen, log_id, "serving");
    Ok(stages)
}

/// The logs, and the broker that has them, if one does.
async fn open_logs(
    flags: &ServeFlags,
    data_dir: &DataDir,
    process: &Process,
) -> anyhow::Result<(Logs, Option<Broker>)> {
    match &flags.log.log_url {
        LogUrl::Embedded => {
            let options = Options::new(flags.partitions, wall_clock());
            let embedded = EmbeddedLogs::open(data_dir.path(), options)?;
            let logs = Logs::embedded(&embedded);
            process.close_at_last(move || embedded.close());
            Ok((logs, None))
        }
        LogUrl::Kafka(_) => {
            let broker = Broker::of(&flags.log, "timedeal").await?;
            let kafka = broker.logs(KafkaOptions::default(), &process.patience()).await?;
            let logs = Logs::kafka(&kafka);
            process.close_at_last(move || kafka.close());
            Ok((logs, Some(broker)))
        }
    }
}

/// An embedded log is this process's alone; a broker's workers share its partitions.
async fn start_workers(
    flags: &ServeFlags,
    base: &Base,
    (data_dir, name, broker): (&DataDir, Arc<str>, Option<Broker>),
    process: &Process,
    stages: &mut Stages,
) -> anyhow::Result<()> {
    let board = Arc::new(PartitionBoard::new(base.logs.commands.partitions()));
    let snapshots = match &flags.worker.snapshots_url {
        Some(url) => snapshots::at(url)?,
        None => data_dir.snapshots()?,
    };
    let workers = Workers { flags: &flags.worker, name, snapshots, board: Arc::clone(&board) };
    process.control.show_workers(Arc::clone(&board));
    let Some(broker) = broker else {
        let everything = Assignments::all(base.logs.commands.partitions());
        let group = stages.add("order-worker", DRAIN_DEADLINE);
        return role::order_worker::start(base, &workers, everything, group);
    };
    let (place, assignments) =
        join_group(&broker.connection, &workers, &process.patience()).await?;
    let group = stages.add("order-worker", DRAIN_DEADLINE);
    role::order_worker::start(base, &workers, assignments, group)?;
    place.attend(&board, &base.clock, &process.taken, stages.add("group", LEAVE_DEADLINE));
    process.close_at_last(move || drop(broker));
    Ok(())
}

async fn begin(logs: &Logs, store: &dyn Store) -> anyhow::Result<u8> {
    let known = store.log_ids().await?;
    let log_id = genesis::begin(logs, &known).await?;
    if !known.is_empty() && !known.contains(&log_id) {
        let what = "the log is new, but the read model knows others: their orders are shown";
        tracing::warn!(log_id, ?known, "{what}, and nothing happens to them any more");
    }
    Ok(log_id)
}
