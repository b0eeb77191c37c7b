//! What every process that serves does around its role: telemetry, signals, the operators' server
//! from the first moment on, and an ordered stop. Must not know what a role does.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use gateway::Operations;
use platform::fail_point;
use platform::shutdown::{ShutdownToken, TaskGroup, listen_for_signals};
use platform::telemetry::{Metrics, install_logging, install_metrics, install_panic_log};
use tokio::net::TcpListener;

use crate::cli::ProcessFlags;
use crate::control::Control;
use crate::patience::{Patience, Stopped};
use crate::standing::Standing;

/// How long the operators' server gets to end.
const OPERATIONS_DEADLINE: Duration = Duration::from_secs(1);
/// How long what is closed at last gets: with a broker that answers it takes no time.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// How long threads that still block get, such as one that asks a server for the first time.
const THREADS_DEADLINE: Duration = Duration::from_millis(200);

/// A process ends within so long after a signal, beside a notice that was asked for.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

/// Whether stages with these deadlines, and all that comes after them, end in time.
pub(crate) const fn is_in_time(stages: &[Duration]) -> bool {
    let mut sum_ms =
        OPERATIONS_DEADLINE.as_millis() + CLOSE_DEADLINE.as_millis() + THREADS_DEADLINE.as_millis();
    let mut index = 0;
    while index < stages.len() {
        sum_ms += stages[index].as_millis();
        index += 1;
    }
    sum_ms <= ENDS_WITHIN.as_millis()
}

/// What a role is given to start with.
pub(crate) struct Process {
    /// Thrown by a signal, or by a task that ends unasked.
    pub(crate) stop: ShutdownToken,
    pub(crate) standing: Standing,
    pub(crate) metrics: Metrics,
    /// What operators see of the partitions in this process.
    pub(crate) control: Arc<Control>,
    /// Set if another process has taken what this one needs alone.
    pub(crate) taken: Arc<AtomicBool>,
    at_last: Mutex<Vec<Close>>,
}

type Close = Box<dyn FnOnce() + Send>;

impl Process {
    pub(crate) fn patience(&self) -> Patience {
        Patience { standing: self.standing.clone(), stop: self.stop.clone() }
    }

    pub(crate) fn stages(&self) -> Stages {
        Stages { process: self.stop.clone(), notice: Duration::ZERO, in_order: Vec::new() }
    }

    /// Closes something that may block, once nothing runs any more, also if the start fails half
    /// way. What is added last is closed last.
    pub(crate) fn close_at_last(&self, close: impl FnOnce() + Send + 'static) {
        self.at_last.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(close));
    }

    async fn close(&self) {
        let list =
            std::mem::take(&mut *self.at_last.lock().unwrap_or_else(PoisonError::into_inner));
        // Not on a thread that has to hear signals.
        let closing =
            tokio::task::spawn_blocking(move || list.into_iter().for_each(|close| close()));
        match tokio::time::timeout(CLOSE_DEADLINE, closing).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::error!(%fault, "closing broke down"),
            Err(_) => tracing::warn!("not closed in time, which is as safe as a crash"),
        }
    }
}

/// The tasks of a process by the order in which they stop.
pub(crate) struct Stages {
    process: ShutdownToken,
    notice: Duration,
    in_order: Vec<Stage>,
}

struct Stage {
    name: &'static str,
    deadline: Duration,
    group: TaskGroup,
}

impl Stages {
    /// A stage that stops after those that were added before it, and gets `deadline` to do so.
    pub(crate) fn add(&mut self, name: &'static str, deadline: Duration) -> &mut TaskGroup {
        let group = TaskGroup::staged(self.process.clone(), ShutdownToken::new());
        self.in_order.push(Stage { name, deadline, group });
        &mut self.in_order.last_mut().expect("it was pushed just now").group
    }

    /// Between not being ready and the first stage, so that nobody is sent here any more when that
    /// stops.
    pub(crate) fn give_notice(&mut self, notice: Duration) {
        self.notice = notice;
    }

    /// Stops everything in order; tells whether all of it stopped in time and without a fault.
    async fn stop(&mut self) -> bool {
        let mut clean = true;
        tokio::time::sleep(self.notice).await;
        for Stage { name, deadline, group } in self.in_order.drain(..) {
            group.token().trigger();
            let report = group.join_all(deadline).await;
            if !report.is_clean() {
                tracing::error!(stage = name, ?report, "stage did not stop cleanly");
                clean = false;
            }
        }
        tracing::info!("stopped");
        clean
    }
}

/// Runs a role until a signal, or until one of its tasks ends unasked.
///
/// # Errors
/// If the role cannot start.
pub(crate) fn run(
    flags: &ProcessFlags,
    start: impl AsyncFnOnce(&Process) -> anyhow::Result<Stages>,
) -> anyhow::Result<ExitCode> {
    install_logging(&flags.log_level, flags.log_format)?;
    install_panic_log();
    if let Some(point) = platform::config::process_variable(fail_point::VARIABLE) {
        fail_point::arm(&point).map_err(anyhow::Error::msg)?;
    }
    install_cryptography();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run_role(flags, start));
    runtime.shutdown_timeout(THREADS_DEADLINE);
    outcome
}

async fn run_role(
    flags: &ProcessFlags,
    start: impl AsyncFnOnce(&Process) -> anyhow::Result<Stages>,
) -> anyhow::Result<ExitCode> {
    let (asked, stop) = (ShutdownToken::new(), ShutdownToken::new());
    listen_for_signals(asked.clone()).context("listen for signals")?;
    let (ask, of_us) = (asked.clone(), stop.clone());
    tokio::spawn(async move {
        ask.cancelled().await;
        of_us.trigger();
    });
    let metrics = install_metrics()?;
    let process = Process {
        standing: Standing::new(stop.clone()),
        stop,
        metrics,
        control: Arc::default(),
        taken: Arc::default(),
        at_last: Mutex::default(),
    };
    let operators = serve_operators(flags, &process).await?;
    let started = tokio::select! {
        biased;
        started = start(&process) => started,
        // A start may wait for long, and nothing is lost if it is cut short.
        () = process.stop.cancelled() => Err(Stopped(process.standing.waits_for()).into()),
    };
    let ended = match started {
        Ok(mut stages) => {
            process.stop.cancelled().await;
            Ok(stages.stop().await)
        }
        Err(fault) if fault.is::<Stopped>() => {
            tracing::info!("{fault}");
            // Otherwise it was a task that ended unasked.
            Ok(asked.is_cancelled())
        }
        Err(fault) => Err(fault),
    };
    operators.token().trigger();
    let report = operators.join_all(OPERATIONS_DEADLINE).await;
    process.close().await;
    let clean = ended?;
    if process.taken.load(Ordering::Relaxed) {
        return Ok(ExitCode::from(crate::IN_USE));
    }
    Ok(if clean && report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn serve_operators(flags: &ProcessFlags, process: &Process) -> anyhow::Result<TaskGroup> {
    let listener = bind(flags.ops_listen).await?;
    tracing::info!(ops = %listener.local_addr()?, "operators are served");
    let mut group = TaskGroup::staged(process.stop.clone(), ShutdownToken::new());
    let (standing, metrics) = (process.standing.clone(), process.metrics.clone());
    let shown = Operations {
        readiness: Arc::new(move || standing.readiness()),
        metrics_text: Arc::new(move || metrics.render()),
        partitions: Arc::clone(&process.control) as Arc<dyn gateway::PartitionControl>,
    };
    let until = group.token().clone();
    group.spawn_fallible("operators", gateway::serve_operations(listener, shown, until));
    let (metrics, until) = (process.metrics.clone(), group.token().clone());
    let clock = platform::clock::SystemClock::new();
    group.spawn("metrics", async move { metrics.keep_up(&clock, &until).await });
    Ok(group)
}

/// A listener of this process.
///
/// # Errors
/// If the address is taken or not ours.
pub(crate) async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))
}

/// Several libraries of this process speak TLS; they would not agree on whose cryptography by
/// themselves.
pub(crate) fn install_cryptography() {
    // Somebody was faster only if this was called before, with the same choice.
    drop(rustls::crypto::ring::default_provider().install_default());
}
