//! `timedeal audit`: the promises, checked from the data directory; also of a running service.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use event_log::EmbeddedLogs;
use read_model::{SqliteStore, Store};

use crate::cli::AuditFlags;
use crate::data_dir::{DataDir, Logs};
use crate::fail;

/// Exit code if it could not look.
const COULD_NOT_LOOK: u8 = 2;

pub(crate) fn run(flags: &AuditFlags) -> ExitCode {
    match look(flags) {
        Ok(code) => code,
        Err(fault) => {
            let _ = fail(&fault);
            ExitCode::from(COULD_NOT_LOOK)
        }
    }
}

fn look(flags: &AuditFlags) -> anyhow::Result<ExitCode> {
    let data_dir = DataDir::new(&flags.data.data_dir);
    let embedded = EmbeddedLogs::open_read_only(data_dir.path())?;
    let logs = Logs::of(&embedded);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let store = SqliteStore::open_read_only(&data_dir.read_model()).await?;
        let store: Arc<dyn Store> = Arc::new(store);
        let (commands, decisions) = (logs.commands, logs.decisions);
        let store = Some(store);
        let input = audit::AuditInput { commands, decisions, store };
        anyhow::Ok(audit::run(input).await?)
    })?;
    drop(runtime);
    embedded.close();
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(ExitCode::from(report.exit_code()))
}
