//! `timedeal rush`: a crowd against a service, and a check of what it was told.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use gateway::auth::{Scope, Scopes};
use loadtest::{RushPlan, TerminalBar};
use uuid::Uuid;

use crate::cli::RushFlags;
use crate::signer::Signer;

/// Longer than any rush.
const TOKEN_TTL: Duration = Duration::from_secs(6 * 60 * 60);

pub(crate) fn run(flags: RushFlags) -> anyhow::Result<ExitCode> {
    let signer = Signer::load(&flags.key)?;
    let admin = signer.token(Uuid::new_v4(), Scopes::of(&[Scope::Admin]), TOKEN_TTL);
    let shop = move |customer| signer.token(customer, Scopes::of(&[Scope::Shop]), TOKEN_TTL);
    let mut plan = RushPlan::new(flags.url, admin, Box::new(shop));
    plan.allow_remote = flags.allow_remote;
    plan.buyers = flags.buyers;
    plan.stock = flags.stock;
    plan.duplicates = flags.duplicates;
    plan.arrivals = flags.arrivals;
    plan.seed = flags.seed;
    plan.connections = flags.connections;
    plan.hold_seconds = flags.hold_seconds;
    plan.patience = flags.patience;
    plan.once = flags.once;
    plan.observer = Arc::new(TerminalBar::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(loadtest::rush(plan))?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(ExitCode::from(report.exit_code()))
}
