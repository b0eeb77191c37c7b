//! The gateway's tasks: followers of the decisions log, two that ask how far others are, and the
//! server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use gateway::GatewayConfig;
use gateway::status::{StartError, StatusLimits, StatusOptions, StatusView};
use platform::shutdown::{ShutdownToken, TaskGroup};
use read_model::StoreError;
use tokio::sync::oneshot;

use super::StoreBase;
use crate::cli::{HttpFlags, LogUrl};
use crate::patience::{Obstacle, Patience};

/// A view that begins where the read model stands; waits for the read model.
pub(crate) async fn view(
    on: &StoreBase,
    name: &str,
    patience: &Patience,
) -> anyhow::Result<StatusView> {
    gateway::status::describe_metrics();
    let options = || StatusOptions {
        decisions: Arc::clone(&on.base.logs.decisions),
        commands: Arc::clone(&on.base.logs.commands),
        store: Arc::clone(&on.store),
        clock: Arc::clone(&on.base.clock),
        log_id: on.base.log_id,
        gateway: name.into(),
        limits: StatusLimits::default(),
    };
    let start = async || {
        StatusView::start(options()).await.map_err(|fault| match fault {
            StartError::Store(StoreError::Unavailable(reason)) => {
                Obstacle::ForNow(format!("the read model: {reason}"))
            }
            StartError::Store(StoreError::Damaged(_)) | StartError::OtherPartitionCount { .. } => {
                Obstacle::ForGood(fault.into())
            }
        })
    };
    patience.wait_for(start).await
}

/// Starts everything that keeps the view up to date.
pub(crate) fn follow(status: &StatusView, group: &mut TaskGroup) -> anyhow::Result<()> {
    let stop = group.token().clone();
    for partition in 0..status.partitions() {
        let (status, stop) = (status.clone(), stop.clone());
        let follow = async move { status.follow(partition, stop).await };
        group.spawn(format!("status view {partition}"), follow);
    }
    let (view, until) = (status.clone(), stop.clone());
    group.spawn("read model's progress", async move { view.ask_store(until).await });
    let ended = ask_ends_apart(status.clone(), stop)?;
    group.spawn("ends of the logs", async move {
        // An answer or none: either way the thread has ended.
        drop(ended.await);
    });
    Ok(())
}

/// Asks for the ends on a thread of its own: the door refuses for state only while the answers are
/// fresh, however busy the shared threads are just then.
fn ask_ends_apart(
    status: StatusView,
    stop: ShutdownToken,
) -> anyhow::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (end, ended) = oneshot::channel::<()>();
    let ask = move || {
        runtime.block_on(status.ask_ends(stop));
        drop(end);
    };
    std::thread::Builder::new().name("ends".to_owned()).spawn(ask).context("start a thread")?;
    Ok(ended)
}

/// How long a purchase may wait for a broker while more come than it takes: acknowledgements of
/// several machines take tens of milliseconds, and now and then a hundred.
const BROKER_WAIT: Duration = Duration::from_millis(250);

/// What the flags say of a gateway.
pub(crate) fn config(flags: &HttpFlags, log: &LogUrl, name: &str) -> GatewayConfig {
    let mut config = GatewayConfig::new(name);
    match log {
        LogUrl::Embedded => {}
        LogUrl::Kafka(_) => config.purchase_wait = BROKER_WAIT,
    }
    config.connections_max = flags.max_connections;
    config.trusted_proxies.clone_from(&flags.trusted_proxies);
    config.cors_origins.clone_from(&flags.cors_origins);
    config
}
