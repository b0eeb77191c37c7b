//! Everything put together: the command line `timedeal`, and the programs that are one role each.
//! The only package beside the simulator that may know all the others.

mod alone;
mod audit;
mod broker;
mod cli;
mod control;
mod data_dir;
mod database;
mod demo;
mod gateway_keys;
mod genesis;
mod healthcheck;
mod keys;
mod logs;
mod migrate;
#[cfg_attr(not(feature = "cloud"), allow(dead_code, reason = "it signs in builds with AWS"))]
mod msk_iam;
mod node;
mod partition;
mod patience;
mod plan;
mod process;
mod role;
mod rush;
mod secret;
mod serve;
mod signer;
mod snapshots;
mod standing;
mod token;
mod topics;

use std::process::ExitCode;

use clap::Parser;
use event_log::OpenError;

use cli::{Cli, Command};

/// Requests are taken apart and put together again on other threads than those that read them: an
/// allocator that expects so lets a gateway do a third more on the same processor. It serves
/// librdkafka and SQLite too (`override`): a worker on Kafka spends an eighth less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a process that finds what it needs for itself alone in use by another.
const IN_USE: u8 = 3;

/// The program `timedeal`.
#[must_use]
pub fn timedeal() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or_else(serve::demo_command);
    let outcome = match command {
        Command::Serve(flags) => serve::run(&flags),
        Command::Token(flags) => token::run(&flags),
        Command::Audit(flags) => return audit::run(&flags),
        Command::Rush(flags) => rush::run(flags),
        Command::Plan(flags) => return plan::run(&flags),
        Command::Partition(command) => partition::run(&command),
        Command::Healthcheck(flags) => healthcheck::run(&flags),
        Command::Topics(command) => topics::run(&command),
        Command::Migrate(flags) => migrate::run(&flags),
        Command::Keys(command) => keys::run(&command),
    };
    outcome.unwrap_or_else(|fault| fail(&fault))
}

/// The program `gateway`.
#[must_use]
pub fn gateway() -> ExitCode {
    alone::run_gateway(&cli::GatewayFlags::parse()).unwrap_or_else(|fault| fail(&fault))
}

/// The program `order-worker`.
#[must_use]
pub fn order_worker() -> ExitCode {
    alone::run_order_worker(&cli::OrderWorkerFlags::parse()).unwrap_or_else(|fault| fail(&fault))
}

/// The program `projector`.
#[must_use]
pub fn projector() -> ExitCode {
    alone::run_projector(&cli::ProjectorFlags::parse()).unwrap_or_else(|fault| fail(&fault))
}

/// Says on stderr what went wrong, with its causes, and what that means to whoever started us.
#[expect(clippy::print_stderr, reason = "the last word of a command line goes to stderr")]
fn fail(fault: &anyhow::Error) -> ExitCode {
    eprintln!("timedeal: {fault:#}");
    match fault.downcast_ref() {
        Some(OpenError::InUse { .. } | OpenError::InUseByStarting { .. }) => ExitCode::from(IN_USE),
        Some(_) | None => ExitCode::FAILURE,
    }
}

/// The same with an exit code of the command's own.
fn fail_as(code: u8, fault: &anyhow::Error) -> ExitCode {
    let _ = fail(fault);
    ExitCode::from(code)
}
