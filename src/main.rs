//! The program: one binary that serves, makes tokens, audits, sends crowds and looks at partitions.

mod audit;
mod cli;
mod control;
mod data_dir;
mod demo;
mod genesis;
mod node;
mod partition;
mod rush;
mod serve;
mod signer;
mod token;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or_else(serve::demo_command);
    let outcome = match command {
        Command::Serve(flags) => serve::run(flags),
        Command::Token(flags) => token::run(&flags),
        Command::Audit(flags) => return audit::run(&flags),
        Command::Rush(flags) => rush::run(flags),
        Command::Partition(command) => partition::run(&command),
    };
    outcome.unwrap_or_else(|fault| fail(&fault))
}

/// Says on stderr what went wrong, with its causes.
#[expect(clippy::print_stderr, reason = "the last word of a command line goes to stderr")]
fn fail(fault: &anyhow::Error) -> ExitCode {
    eprintln!("timedeal: {fault:#}");
    ExitCode::FAILURE
}
