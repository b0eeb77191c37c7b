//! `timedeal serve`: everything in one process.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, ServeFlags};
use crate::{node, process};

/// What runs when nothing is asked for.
pub(crate) fn demo_command() -> Command {
    let cli = Cli::parse_from(["timedeal", "serve", "--demo"]);
    cli.command.expect("the arguments above name a command")
}

pub(crate) fn run(flags: &ServeFlags) -> anyhow::Result<ExitCode> {
    process::run(&flags.process, async |process| node::start(flags, process).await)
}
