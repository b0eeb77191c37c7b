//! `timedeal migrate`: brings the tables of a read model up to date. Processes that use them wait
//! until that has been done.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::MigrateFlags;
use crate::database::Database;

pub(crate) fn run(flags: &MigrateFlags) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let database = Database::of(&flags.database, None).await?;
        database.migrate().await
    })?;
    writeln!(std::io::stdout().lock(), "the tables are up to date")?;
    Ok(ExitCode::SUCCESS)
}
