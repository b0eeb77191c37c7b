//! `timedeal audit`: the promises, checked from the logs and the read model; also of a running
//! service.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use audit::{AuditInput, Report};
use event_log::EmbeddedLogs;
use event_log::kafka::{KafkaLogs, KafkaOptions};

use crate::broker::Broker;
use crate::cli::{AuditFlags, LogUrl};
use crate::data_dir::DataDir;
use crate::database::Database;
use crate::fail_as;
use crate::logs::Logs;

/// Exit code if it could not look.
const COULD_NOT_LOOK: u8 = 2;

pub(crate) fn run(flags: &AuditFlags) -> ExitCode {
    look(flags).unwrap_or_else(|fault| fail_as(COULD_NOT_LOOK, &fault))
}

fn look(flags: &AuditFlags) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = match &flags.log.log_url {
        LogUrl::Embedded => {
            let embedded = EmbeddedLogs::open_read_only(&flags.data.data_dir)?;
            let report = runtime.block_on(inspect(flags, Logs::embedded(&embedded)));
            drop(runtime);
            embedded.close();
            report
        }
        LogUrl::Kafka(_) => {
            let broker = runtime.block_on(Broker::of(&flags.log, "timedeal-audit"))?;
            let kafka = KafkaLogs::open(&broker.connection, KafkaOptions::read_only())?;
            let report = runtime.block_on(inspect(flags, Logs::kafka(&kafka)));
            drop(runtime);
            kafka.close();
            report
        }
    }?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(ExitCode::from(report.exit_code()))
}

async fn inspect(flags: &AuditFlags, logs: Logs) -> anyhow::Result<Report> {
    let data_dir = DataDir::new(&flags.data.data_dir);
    let database = Database::of(&flags.database, Some(&data_dir)).await?;
    let store = database.open_read_only().await?;
    let (commands, decisions) = (logs.commands, logs.decisions);
    let input = AuditInput { commands, decisions, store: Some(Arc::clone(&store)) };
    let report = audit::run(input).await;
    store.close().await;
    Ok(report?)
}
