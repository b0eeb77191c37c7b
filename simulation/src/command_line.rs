//! The command line of `simulation`, and of `sabotaged`, which is the same with the bugs compiled
//! in: runs one seed or many, and says what they exercised or how one failed. Must not know how a
//! run is made.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use sabotage::Bug;

use crate::batch::{Tally, run_seeds};
use crate::faults::Chance;
use crate::report::{Judges, Options, Report, STEPS};
use crate::run::run;
use crate::shrink::shrink;
use crate::trial;

/// Seeds between two lines about progress.
const TELL_EVERY: u64 = 100;

/// The whole service in one thread, with seeded faults.
#[derive(Parser)]
struct Arguments {
    /// The seed to run, or the first of many.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs so many seeds, one after the other.
    #[arg(long)]
    seeds: Option<u64>,
    /// Steps with faults, before everything heals.
    #[arg(long, default_value_t = STEPS)]
    steps: u64,
    /// Takes no other chances of faults than these, `fault:site:number`.
    #[arg(long, value_delimiter = ',')]
    only: Option<Vec<Chance>>,
    /// Prints everything that happens.
    #[arg(long)]
    trace: bool,
    /// Leaves a failing run as long as it is.
    #[arg(long)]
    whole: bool,
    /// Who judges: `all`, `steps` (the checks after every step), or `audit`.
    #[arg(long, default_value = "all")]
    judges: Judges,
    /// Plants this bug in the service first.
    #[arg(long, value_parser = bug)]
    sabotage: Option<Bug>,
    /// Plants every bug, one after the other, and says who found it.
    #[arg(long)]
    trial: bool,
}

fn bug(name: &str) -> Result<Bug, String> {
    let names = || Bug::ALL.iter().map(|bug| bug.name()).collect::<Vec<_>>().join(", ");
    let found = Bug::ALL.iter().copied().find(|bug| bug.name() == name);
    found.ok_or_else(|| format!("no bug; there are {}", names()))
}

/// Reads the arguments of this process and does what they say.
#[must_use]
pub fn run_command() -> ExitCode {
    let arguments = Arguments::parse();
    if (arguments.trial || arguments.sabotage.is_some()) && !trial::plant(arguments.sabotage) {
        eprintln!(
            "there are no bugs in this build: `cargo xtask simulate --sabotage NAME` has them"
        );
        return ExitCode::from(2);
    }
    match arguments.seeds {
        _ if arguments.trial => try_all(),
        Some(seeds) => run_many(&arguments, seeds),
        None => run_one(&arguments),
    }
}

fn try_all() -> ExitCode {
    let start = Instant::now();
    println!("{}", trial::HEADING);
    let outcome = trial::try_all(|finding| println!("{finding}"));
    println!("{:.1} s", start.elapsed().as_secs_f64());
    match outcome {
        Ok(scripts) => {
            println!("every bug is found; what is left of the runs of some:");
            scripts.iter().for_each(|script| println!("{script}"));
            ExitCode::SUCCESS
        }
        Err(misses) => {
            misses.iter().for_each(|miss| eprintln!("{miss}"));
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let only = self.only.as_ref().map(|only| only.iter().copied().collect());
        let &Self { seed, steps, trace: in_words, judges, .. } = self;
        Options { seed, steps, only, in_words, judges }
    }
}

fn run_one(arguments: &Arguments) -> ExitCode {
    let options = arguments.options();
    let report = run(&options);
    for line in &report.lines {
        println!("{line}");
    }
    println!("seed {}: trace {:016x}, {} steps", report.seed, report.trace_hash, report.steps);
    for (what, count) in &report.counts {
        println!("{count:>12} {what}");
    }
    if report.failure.is_none() {
        println!("every promise holds");
        return ExitCode::SUCCESS;
    }
    tell_failure(arguments, &options, &report);
    ExitCode::FAILURE
}

fn run_many(arguments: &Arguments, seeds: u64) -> ExitCode {
    let start = Instant::now();
    let tell = |tally: &Tally| {
        if tally.seeds.is_multiple_of(TELL_EVERY) {
            let rate = tally.seeds as f64 / start.elapsed().as_secs_f64();
            println!("{} of {seeds} seeds, {rate:.1} a second", tally.seeds);
        }
    };
    match run_seeds(&arguments.options(), seeds, tell) {
        Ok(tally) => {
            let seconds = start.elapsed().as_secs_f64();
            print!("{tally}");
            println!(
                "every promise holds; {seconds:.1} s, {:.1} seeds a second",
                tally.seeds as f64 / seconds
            );
            match tally.missed() {
                Some(missed) => {
                    eprintln!("{missed}");
                    ExitCode::FAILURE
                }
                None => ExitCode::SUCCESS,
            }
        }
        Err(failed) => {
            let (options, report) = *failed;
            println!("after {} seeds:", report.seed - arguments.seed + 1);
            tell_failure(arguments, &options, &report);
            ExitCode::FAILURE
        }
    }
}

fn tell_failure(arguments: &Arguments, options: &Options, report: &Report) {
    let failure = report.failure.as_ref().expect("it failed");
    eprintln!("seed {} FAILED after {} steps: {failure}", report.seed, report.steps);
    eprintln!("again: {}", report.command(options));
    if arguments.whole {
        return;
    }
    let script = shrink(options, report);
    let failure = script.report.failure.as_ref().expect("it fails alike");
    eprintln!("cut to {} faults in {} runs: {failure}", script.report.taken.len(), script.runs);
    eprintln!("again: {}", script.report.command(&script.options));
}
