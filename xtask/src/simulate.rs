//! `cargo xtask simulate` and `cargo xtask sabotage`: the whole service in one thread, with seeded
//! faults, and with bugs planted. Owns how the simulator is built and started; what it does is its
//! own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::programs::finish;
use crate::tree::{Tree, cargo};

/// Seeds of every run of the checks, and of the long form of it.
const SEEDS: u64 = 1_000;
const FULL_SEEDS: u64 = 100_000;

/// What is simulated.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// The seed to run, or the first of many.
    #[arg(long)]
    seed: Option<u64>,
    /// So many seeds, one after the other.
    #[arg(long)]
    seeds: Option<u64>,
    /// Steps with faults, before everything heals.
    #[arg(long)]
    steps: Option<u64>,
    /// No other faults than these, `fault:site:number` with commas between.
    #[arg(long)]
    only: Option<String>,
    /// Prints everything that happens.
    #[arg(long)]
    trace: bool,
    /// Leaves a failing run as long as it is.
    #[arg(long)]
    whole: bool,
    /// Who judges: `all`, `steps` or `audit`.
    #[arg(long)]
    judges: Option<String>,
    /// Plants a bug in the service first: `cargo xtask sabotage` lists them.
    #[arg(long)]
    sabotage: Option<String>,
}

impl Options {
    /// What every run of the checks does, or the long form of it.
    pub(crate) fn of(full: bool) -> Self {
        let seeds = if full { FULL_SEEDS } else { SEEDS };
        Self { seeds: Some(seeds), ..Self::default() }
    }

    fn arguments(&self) -> Vec<String> {
        let Self { seed, seeds, steps, only, trace, whole, judges, sabotage } = self;
        let numbers = [("--seed", seed), ("--seeds", seeds), ("--steps", steps)];
        let numbers = numbers.into_iter().filter_map(|(name, value)| Some((name, (*value)?)));
        let mut arguments: Vec<String> =
            numbers.flat_map(|(name, value)| [name.to_owned(), value.to_string()]).collect();
        let words = [("--only", only), ("--judges", judges), ("--sabotage", sabotage)];
        for (name, value) in words {
            arguments.extend(value.iter().flat_map(|value| [name.to_owned(), value.clone()]));
        }
        arguments.extend(trace.then(|| "--trace".to_owned()));
        arguments.extend(whole.then(|| "--whole".to_owned()));
        arguments
    }
}

/// Builds the simulator and runs it; the one with the bugs in it if one is to be planted.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<()> {
    if options.sabotage.is_some() {
        return run_sabotaged(tree, &options.arguments());
    }
    finish(cargo().args(BUILD).current_dir(&tree.root))?;
    run_built(tree, options)
}

/// How the programs, the simulator and what is counted are built: in one call, so that they share
/// everything below them, whatever features each asks for.
pub(crate) const BUILD: &[&str] = &[
    "build",
    "--quiet",
    "--release",
    "--package",
    "timedeal",
    "--package",
    "simulation",
    "--package",
    "instructions",
];

/// Runs the simulator that stands already.
pub(crate) fn run_built(tree: &Tree, options: &Options) -> Result<()> {
    let program: PathBuf = tree.target.join("release").join("simulation");
    finish(Command::new(program).args(options.arguments()).current_dir(&tree.root))
}

/// Plants every bug, one after the other, and sees that the checks find it, and the audit too.
pub(crate) fn try_bugs(tree: &Tree) -> Result<()> {
    run_sabotaged(tree, &["--trial".to_owned()])
}

/// A program of its own, beside the simulator that stands: nothing else is built with bugs in it.
const BUILD_SABOTAGED: &[&str] = &["--features", "simulation/sabotage", "--bin", "sabotaged"];

fn run_sabotaged(tree: &Tree, arguments: &[String]) -> Result<()> {
    finish(cargo().args(BUILD).args(BUILD_SABOTAGED).current_dir(&tree.root))?;
    let program = tree.target.join("release").join("sabotaged");
    finish(Command::new(program).args(arguments).current_dir(&tree.root))
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn what_is_asked_for_is_passed_on() {
        assert_eq!(Options::of(false).arguments(), ["--seeds", "1000"]);
        let options = Options {
            seed: Some(7),
            only: Some("stall:1:2,session:101:0".to_owned()),
            trace: true,
            ..Options::default()
        };
        let only = "stall:1:2,session:101:0";
        assert_eq!(options.arguments(), ["--seed", "7", "--only", only, "--trace"]);
        let (judges, sabotage) = (Some("audit".to_owned()), Some("after-ignored".to_owned()));
        let options = Options { judges, sabotage, ..Options::default() };
        let expected = ["--judges", "audit", "--sabotage", "after-ignored"];
        assert_eq!(options.arguments(), expected);
    }
}
