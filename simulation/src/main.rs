//! `simulation`: runs one seed or many, and says what they exercised or how one failed. Must not
//! know how a run is made.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::{Chance, Options, Report, STEPS, run, run_seeds, shrink};

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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seeds {
        Some(seeds) => run_many(&arguments, seeds),
        None => run_one(&arguments),
    }
}

fn run_one(arguments: &Arguments) -> ExitCode {
    let only = arguments.only.as_ref().map(|only| only.iter().copied().collect());
    let options =
        Options { seed: arguments.seed, steps: arguments.steps, only, in_words: arguments.trace };
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
    let tell = |tally: &simulation::Tally| {
        if tally.seeds.is_multiple_of(TELL_EVERY) {
            let rate = tally.seeds as f64 / start.elapsed().as_secs_f64();
            println!("{} of {seeds} seeds, {rate:.1} a second", tally.seeds);
        }
    };
    match run_seeds(arguments.seed, seeds, arguments.steps, tell) {
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
