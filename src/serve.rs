//! `timedeal serve`: everything in one process. Says where it can be reached, runs until a signal,
//! and stops in order.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use event_log::{EmbeddedLogs, OpenError, Options};
use platform::shutdown::{ShutdownToken, listen_for_signals};
use platform::telemetry::{LogFormat, install_logging, install_panic_log};

use crate::cli::{Cli, Command, ServeFlags};
use crate::data_dir::{DataDir, wall_clock};
use crate::node::Node;
use crate::{demo, fail};

/// Exit code of a process that finds its data directory in use.
const IN_USE: u8 = 3;

/// What runs when nothing is asked for.
pub(crate) fn demo_command() -> Command {
    let cli = Cli::parse_from(["timedeal", "serve", "--demo"]);
    cli.command.expect("the arguments above name a command")
}

pub(crate) fn run(flags: ServeFlags) -> anyhow::Result<ExitCode> {
    let format = platform::config::process_variable(LogFormat::VARIABLE);
    let format = match format.as_deref() {
        Some("json") => LogFormat::Json,
        Some(_) | None => LogFormat::Human,
    };
    install_logging(&flags.log_level, format)?;
    install_panic_log();
    let data_dir = DataDir::new(&flags.data.data_dir);
    let options = Options::new(flags.partitions, wall_clock());
    let embedded = match EmbeddedLogs::open(data_dir.path(), options) {
        Ok(embedded) => embedded,
        Err(fault @ (OpenError::InUse { .. } | OpenError::InUseByStarting { .. })) => {
            let _ = fail(&fault.into());
            return Ok(ExitCode::from(IN_USE));
        }
        Err(fault) => return Err(fault.into()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run_node(&flags, &data_dir, &embedded));
    // Nothing reads or appends any more: what is on its way to the disk gets there.
    drop(runtime);
    embedded.close();
    outcome
}

async fn run_node(
    flags: &ServeFlags,
    data_dir: &DataDir,
    embedded: &EmbeddedLogs,
) -> anyhow::Result<ExitCode> {
    let process = ShutdownToken::new();
    listen_for_signals(process.clone()).context("listen for signals")?;
    let node = Node::start(flags, data_dir, embedded, process.clone()).await?;
    if flags.demo {
        let announced = demo::announce(&node).await.context("announce the demo deal")?;
        demo::greet(flags, data_dir, announced);
    }
    tracing::info!(listen = %node.listen, ops = %node.ops_listen, log_id = node.log_id, "serving");
    process.cancelled().await;
    let clean = Arc::clone(&node).stop().await;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
