//! Developer tasks: `cargo xtask test`, `tidy`, `deployment`, `simulate`, `sabotage`, `e2e`,
//! `schemathesis`, `fuzz`, `servers`, `faults`, `instructions`, `measure`, `bench`, `loc`.
//!
//! Owns how the project is checked. It must not import any other crate of the workspace: it looks
//! at their text and at the finished binary only, as any other user would.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to the terminal"
)]

mod background;
mod bench;
mod cluster;
mod deployment;
mod e2e;
mod faults;
mod fuzz;
mod http;
mod instructions;
mod loc;
mod measure;
mod packages;
mod pipeline;
mod programs;
mod rust_code;
mod schemathesis;
mod servers;
mod shopper;
mod simulate;
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
        /// A crowd of 20,000 buyers in place of 3,000, and larger worlds that are tried whole.
        #[arg(long)]
        full: bool,
    },
    /// The rules on text that no compiler holds: sizes, names, dependencies, links, wording.
    Tidy,
    /// Compose file and Dockerfile, without a container engine.
    Deployment,
    /// The real binary: buy, rush, kill it mid-rush, restart, audit, stop.
    E2e(e2e::Options),
    /// The real binary, sent what its OpenAPI document allows and what it does not.
    Schemathesis(schemathesis::Options),
    /// Every decoder of bytes from outside, sought to be broken by libFuzzer.
    Fuzz(fuzz::Options),
    /// Real servers for tests: Kafka, MariaDB, and one that answers as AWS does.
    Servers {
        #[command(subcommand)]
        action: servers::Action,
    },
    /// All roles on real servers, killed, stopped and slowed down while they sell.
    Faults(faults::Options),
    /// The whole service in one thread, on a virtual clock, with seeded faults.
    Simulate(simulate::Options),
    /// Bugs planted in the service, one after the other: the simulation and the audit find each.
    Sabotage,
    /// What every order costs, in instructions: fails if something has become dearer.
    Instructions(instructions::Options),
    /// Figures of the system on real servers; none of them is checked.
    Measure {
        #[command(subcommand)]
        what: measure::What,
    },
    /// The service beside its limits and its peers, in turn on this machine.
    Bench(bench::Options),
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
        Task::Deployment => deployment::run(&tree),
        Task::E2e(options) => e2e::run(&tree, &options),
        Task::Schemathesis(options) => schemathesis::run(&tree, &options),
        Task::Fuzz(options) => fuzz::run(&tree, &options),
        Task::Servers { action } => servers::run(&tree, action),
        Task::Faults(options) => faults::run(&tree, &options),
        Task::Simulate(options) => simulate::run(&tree, &options),
        Task::Sabotage => simulate::try_bugs(&tree),
        Task::Instructions(options) => instructions::run(&tree, &options),
        Task::Measure { what } => measure::run(&tree, &what),
        Task::Bench(options) => bench::run(&tree, &options),
        Task::Loc => loc::run(&tree),
    }
}
