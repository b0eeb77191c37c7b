//! `cargo xtask test`: the steps in order, each timed, stopped at the first failure.
//!
//! Owns what is run and in which order; it must not know what a step looks for.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::tree::{Tree, cargo};
use crate::{e2e, tidy};

/// A crowd that still fits into a coffee break.
const FULL_BUYERS: u32 = 20_000;
const FULL_STOCK: u32 = 6000;

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
    run_steps(&steps(tree, full))
}

/// Cheap ones first; a debug build for the tests, then the one release build.
fn steps(tree: &Tree, full: bool) -> Vec<Step<'_>> {
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
            &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        ),
        Step { name: "documentation", run: Box::new(|| document(tree)) },
        Step { name: "dependencies", run: Box::new(|| check_dependencies(tree)) },
        cargo_step(tree, "tests", &["test", "--workspace"]),
        Step { name: "page tests", run: Box::new(|| test_pages(tree)) },
        cargo_step(tree, "release build", &["build", "--release"]),
        Step {
            name: "end to end",
            run: Box::new(move || e2e::run_built(tree, &options).map(|()| Ended::Passed)),
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

fn document(tree: &Tree) -> Result<Ended> {
    let mut command = cargo();
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items"]);
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

/// Runs a command that writes to our own terminal; any exit code but 0 is an error.
pub(crate) fn finish(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_owned();
    let name = Path::new(&name).file_name().unwrap_or(OsStr::new("?")).to_string_lossy();
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("starting {name}"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

/// Whether a program of this name stands on the `PATH`.
pub(crate) fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

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

    #[test]
    fn a_command_that_ends_with_another_code_than_0_is_an_error() {
        assert!(finish(&mut Command::new("true")).is_ok());
        let error = finish(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().contains("sh ended with exit status: 3"), "{error}");
    }

    #[test]
    fn programs_are_looked_for_on_the_path() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program-anywhere"));
    }
}
