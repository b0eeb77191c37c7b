//! `cargo xtask test`: the steps in order, each timed, stopped at the first failure.
//!
//! Owns what is run and in which order; it must not know what a step looks for.

use std::cell::RefCell;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::programs::{finish, is_installed};
use crate::servers::Server;
use crate::tree::{Tree, cargo};
use crate::{deployment, e2e, faults, fuzz, instructions, schemathesis, servers, simulate, tidy};

/// A crowd that still fits into a coffee break.
const FULL_BUYERS: u32 = 20_000;
const FULL_STOCK: u32 = 6000;
/// How many small worlds are tried, how long schedules are, and how often power is lost: a few
/// minutes, two gigabytes.
const FULL_WORLDS: [(&str, &str); 3] =
    [("TIMEDEAL_WORLDS", "2000000"), ("TIMEDEAL_SCHEDULES", "7"), ("TIMEDEAL_POWER_CUTS", "1000")];

/// How a step ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Passed,
    /// What it needs is not installed; it said so.
    Skipped,
}

/// One step: the heading, and what is done.
struct Step<'a> {
    name: &'static str,
    run: Box<dyn Fn() -> Result<Ended> + 'a>,
}

/// A step that was run.
#[derive(Debug)]
struct Outcome {
    name: &'static str,
    /// As it stands in the summary.
    result: &'static str,
    took: Duration,
}

/// Runs every step; an error is the first failure, after the summary.
pub(crate) fn run(tree: &Tree, full: bool) -> Result<()> {
    let started = RefCell::default();
    let result = run_steps(&steps(tree, full, &started));
    // Servers that ran before the run are somebody's and stay.
    let stopped = match started.take() {
        servers if servers.is_empty() => Ok(()),
        servers => servers::stop(tree, &servers),
    };
    result.and(stopped)
}

/// Cheap ones first; a debug build for the tests, then the one release build. What a step starts
/// goes into `started`.
fn steps<'a>(tree: &'a Tree, full: bool, started: &'a RefCell<Vec<Server>>) -> Vec<Step<'a>> {
    let options = if full {
        e2e::Options::with_crowd(FULL_BUYERS, FULL_STOCK)
    } else {
        e2e::Options::default()
    };
    vec![
        cargo_step(tree, "format", &["fmt", "--all", "--check"]),
        Step { name: "tidy", run: Box::new(|| tidy::run(tree).map(|()| Ended::Passed)) },
        cargo_step(
            tree,
            "clippy",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--features",
                "cloud",
                "--",
                "-D",
                "warnings",
            ],
        ),
        Step { name: "documentation", run: Box::new(|| document(tree)) },
        Step { name: "dependencies", run: Box::new(|| check_dependencies(tree)) },
        Step {
            name: "deployment",
            run: Box::new(|| deployment::run(tree).map(|()| Ended::Passed)),
        },
        Step { name: "test servers", run: Box::new(|| start_servers(tree, started)) },
        Step { name: "tests", run: Box::new(move || run_tests(tree, full)) },
        Step { name: "page tests", run: Box::new(|| test_pages(tree)) },
        cargo_step(tree, "release build", simulate::BUILD),
        Step { name: "instructions", run: Box::new(|| count_instructions(tree)) },
        Step {
            name: "simulation",
            run: Box::new(move || {
                simulate::run_built(tree, &simulate::Options::of(full)).map(|()| Ended::Passed)
            }),
        },
        Step {
            name: "sabotage",
            run: Box::new(|| simulate::try_bugs(tree).map(|()| Ended::Passed)),
        },
        Step {
            name: "end to end",
            run: Box::new(move || e2e::run_built(tree, &options).map(|()| Ended::Passed)),
        },
        Step {
            name: "schemathesis",
            run: Box::new(move || {
                let options = schemathesis::Options::default();
                schemathesis::run_built(tree, &options).map(|()| Ended::Passed)
            }),
        },
        Step {
            name: "fuzz",
            run: Box::new(move || {
                fuzz::run(tree, &fuzz::Options::of(full)).map(|()| Ended::Passed)
            }),
        },
        Step {
            name: "faults",
            run: Box::new(move || {
                faults::run_built(tree, &faults::Options::of(full)).map(|()| Ended::Passed)
            }),
        },
    ]
}

fn run_steps(steps: &[Step<'_>]) -> Result<()> {
    let mut outcomes = Vec::new();
    let mut failure = None;
    for (number, step) in steps.iter().enumerate() {
        println!("\n=== {}/{} {} ===", number + 1, steps.len(), step.name);
        let start = Instant::now();
        let ended = (step.run)();
        let took = start.elapsed();
        let result = match &ended {
            Ok(Ended::Passed) => "passed",
            Ok(Ended::Skipped) => "skipped",
            Err(_) => "FAILED",
        };
        println!("--- {} {result} after {:.1} s", step.name, took.as_secs_f64());
        outcomes.push(Outcome { name: step.name, result, took });
        if let Err(error) = ended {
            failure = Some(error.context(format!("step `{}` failed", step.name)));
            break;
        }
    }
    print_summary(&outcomes, steps.len());
    failure.map_or(Ok(()), Err)
}

fn print_summary(outcomes: &[Outcome], planned: usize) {
    println!("\n=== summary ===");
    for Outcome { name, result, took } in outcomes {
        println!("{name:<16}{result:<8}{:>8.1} s", took.as_secs_f64());
    }
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    println!("{:<24}{:>8.1} s", "total", total.as_secs_f64());
    if outcomes.len() < planned {
        println!("{} of {planned} steps were not run", planned - outcomes.len());
    }
}

fn cargo_step<'a>(tree: &'a Tree, name: &'static str, arguments: &'static [&str]) -> Step<'a> {
    let run = move || {
        finish(cargo().args(arguments).current_dir(&tree.root))?;
        Ok(Ended::Passed)
    };
    Step { name, run: Box::new(run) }
}

fn run_tests(tree: &Tree, full: bool) -> Result<Ended> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--features", "cloud"]).current_dir(&tree.root);
    if full {
        command.envs(FULL_WORLDS);
    }
    finish(&mut command)?;
    Ok(Ended::Passed)
}

fn start_servers(tree: &Tree, started: &RefCell<Vec<Server>>) -> Result<Ended> {
    started.replace(servers::start(tree)?);
    Ok(Ended::Passed)
}

fn document(tree: &Tree) -> Result<Ended> {
    let mut command = cargo();
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    command.args(["--features", "cloud"]);
    finish(command.env("RUSTDOCFLAGS", "-Dwarnings").current_dir(&tree.root))?;
    Ok(Ended::Passed)
}

fn check_dependencies(tree: &Tree) -> Result<Ended> {
    if !is_installed("cargo-deny") {
        println!("cargo-deny is not installed here; the project's workflows always run it");
        return Ok(Ended::Skipped);
    }
    let mut command = cargo();
    command.args(["deny", "--all-features", "check", "bans", "licenses", "sources"]);
    finish(command.current_dir(&tree.root))?;
    Ok(Ended::Passed)
}

fn count_instructions(tree: &Tree) -> Result<Ended> {
    if !instructions::can_count() {
        println!("{}", instructions::ELSEWHERE);
        return Ok(Ended::Skipped);
    }
    instructions::run_built(tree, &instructions::Options::default())?;
    Ok(Ended::Passed)
}

fn test_pages(tree: &Tree) -> Result<Ended> {
    let is_test = |path: &String| path.ends_with(".test.mjs") || path.ends_with(".test.js");
    let paths: Vec<String> = tree.paths()?.into_iter().filter(is_test).collect();
    if paths.is_empty() {
        println!("no page has tests");
        return Ok(Ended::Skipped);
    }
    if !is_installed("node") {
        println!("node is not installed here; the project's workflows always run the page's tests");
        return Ok(Ended::Skipped);
    }
    finish(Command::new("node").arg("--test").args(paths).current_dir(&tree.root))?;
    Ok(Ended::Passed)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_first_failure_ends_the_run_and_is_named() {
        let ran = RefCell::new(Vec::new());
        let step = |name: &'static str, ended: fn() -> Result<Ended>| Step {
            name,
            run: Box::new({
                let ran = &ran;
                move || {
                    ran.borrow_mut().push(name);
                    ended()
                }
            }),
        };
        let steps = [
            step("first", || Ok(Ended::Skipped)),
            step("second", || bail!("no luck")),
            step("third", || Ok(Ended::Passed)),
        ];

        let error = run_steps(&steps).unwrap_err();

        assert_eq!(*ran.borrow(), ["first", "second"]);
        assert_eq!(format!("{error:#}"), "step `second` failed: no luck");
    }
}
