//! Benchmarks: the service beside its limits and its peers, the same work, the same load, in turn
//! on one machine. `cargo xtask bench` builds everything, starts the servers and calls this
//! program, which also is the bare loops and fronts that it measures.
//!
//! Owns how contests are held and how figures are shown. Must not know how a server is started.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to the terminal"
)]

mod call;
mod contest;
mod decided;
mod front;
mod generator;
mod growth;
mod house;
mod kafka_loop;
mod machine;
mod prefill;
mod process;
mod purchase;
mod record;
mod report;
mod ring;
mod row;
mod run;
mod sample;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Benchmarks of Timedeal; usually called by `cargo xtask bench`.
#[derive(Parser)]
#[command(name = "benchmarks")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Hold the contests and write down what came out.
    Run(run::RunFlags),
    /// See how cost grows with orders, deals and partitions.
    Growth(growth::GrowthFlags),
    /// Print the servers that contests need, a line each.
    Needs {
        /// Names of contests; all if there are none.
        only: Vec<String>,
    },
    /// Serve as a front that the gateway is compared with.
    #[command(hide = true)]
    Front(front::FrontFlags),
    /// Be a loop that the order-worker is compared with.
    #[command(hide = true)]
    Loop(kafka_loop::LoopFlags),
}

fn main() -> ExitCode {
    match run(CommandLine::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benchmarks: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Run(flags) => run::run(&flags),
        Command::Growth(flags) => growth::run(&flags),
        Command::Needs { only } => {
            let contests = contest::chosen(&only)?.into_iter();
            let needs: BTreeSet<_> = contests.flat_map(contest::Contest::needs).collect();
            needs.into_iter().for_each(|need| println!("{}", need.name()));
            Ok(())
        }
        Command::Front(flags) => front::run(&flags),
        Command::Loop(flags) => kafka_loop::run(&flags),
    }
}
