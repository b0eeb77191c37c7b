//! Developer tasks: `cargo xtask test`, `tidy`, `e2e`, `loc`.
//!
//! Owns how the project is checked. It must not import any other crate of the workspace: it looks
//! at their text and at the finished binary only, as any other user would.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to the terminal"
)]

mod e2e;
mod loc;
mod pipeline;
mod rust_code;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::tree::Tree;

/// Developer tasks of Timedeal.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that has to hold before a change goes in; stops at the first failure.
    Test {
        /// The end-to-end run with a crowd of 20,000 buyers in place of 3,000.
        #[arg(long)]
        full: bool,
    },
    /// The rules on text that no compiler holds: sizes, names, dependencies, links, wording.
    Tidy,
    /// The real binary: buy, rush, kill it mid-rush, restart, audit, stop.
    E2e(e2e::Options),
    /// Lines of code per crate, production and tests apart.
    Loc,
}

fn main() -> ExitCode {
    match run(CommandLine::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    let tree = Tree::open()?;
    match task {
        Task::Test { full } => pipeline::run(&tree, full),
        Task::Tidy => tidy::run(&tree),
        Task::E2e(options) => e2e::run(&tree, &options),
        Task::Loc => loc::run(&tree),
    }
}
