//! `cargo xtask schemathesis`: requests made from the OpenAPI document, good and bad, against the
//! real binary, and every answer held against the document.
//!
//! Knows the service by its command line and its document only. What a schema cannot say of a good
//! request stands in `hooks.py`, and nothing else does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::e2e::service::{Place, Service};
use crate::programs::{build_release, finish, finish_quietly, last_lines};
use crate::tree::Tree;

/// The newest that was tried.
const REQUIREMENT: &str = "schemathesis==4.32.5";
/// Inside the venv; takes the requirement once it is installed.
const INSTALLED: &str = "installed";
/// What a schema cannot say.
const HOOKS: &str = include_str!("schemathesis/hooks.py");
/// How it is run.
const CONFIGURATION: &str = include_str!("schemathesis/schemathesis.toml");
/// What the command line promises for SIGTERM.
const STOP_ENDS_WITHIN: Duration = Duration::from_secs(15);
/// Who calls by turns, so that nobody meets the limit of rates.
const CUSTOMERS: &str = "50";
/// Longest time that it looks for faults; less if it has tried enough before.
const SECONDS_MAX: u32 = 60;

/// How the run is made.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A finished binary to run in place of a fresh release build.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Most requests of each kind for one operation.
    #[arg(long, default_value_t = 50)]
    examples: u32,
    /// Makes the same requests again.
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { binary: None, examples: 50, seed: 1 }
    }
}

/// Builds what is to be run, unless a binary is given, and runs it.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<()> {
    if options.binary.is_none() {
        build_release(tree)?;
    }
    run_built(tree, options)
}

/// Runs a binary that stands already.
pub(crate) fn run_built(tree: &Tree, options: &Options) -> Result<()> {
    let program = install(tree)?;
    let built = tree.target.join("release").join("timedeal");
    let binary = options.binary.clone().unwrap_or(built);
    let folder = tempfile::Builder::new().prefix("timedeal-schemathesis-").tempdir()?;
    let place = Place::new(binary.canonicalize().context("no binary")?, folder.path())?;
    let service = Service::start(&place, "before")?;
    let outcome = search(&program, &place, folder.path(), options);
    if outcome.is_err() {
        place.print_last_lines();
    }
    outcome?;
    service.wait_until_ready()?;
    service.stop(STOP_ENDS_WITHIN)?;
    let said = fs::read_to_string(place.output("before"))?;
    ensure!(!said.contains("panicked"), "the service panicked:\n{}", last_lines(&said));
    println!("schemathesis: no answer that the document does not have");
    Ok(())
}

fn search(program: &Path, place: &Place, folder: &Path, options: &Options) -> Result<()> {
    fs::write(folder.join("hooks.py"), HOOKS)?;
    fs::write(folder.join("schemathesis.toml"), CONFIGURATION)?;
    let mut command = place.command();
    command.args(["token", "--scope", "shop,admin,support"]).arg("--data-dir").arg(place.data());
    let tokens = finish_quietly(command.args(["--count", CUSTOMERS]))?;
    let mut command = Command::new(program);
    command.current_dir(folder).env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", folder);
    command.env("TIMEDEAL_KEYS", place.data().join("keys")).env("TIMEDEAL_TOKENS", tokens);
    command.args(["run", &format!("{}/openapi.json", place.url()), "--checks", "all"]);
    command.args(["--max-examples", &options.examples.to_string()]);
    command.args(["--seed", &options.seed.to_string()]);
    command.args(["--max-time", &SECONDS_MAX.to_string()]);
    finish(&mut command).context("schemathesis has findings; it says how to make each again")
}

/// The path of the program, which is installed if it is not there.
fn install(tree: &Tree) -> Result<PathBuf> {
    let place = tree.target.join("tools/schemathesis");
    let installed = place.join(INSTALLED);
    if !fs::read_to_string(&installed).is_ok_and(|found| found == REQUIREMENT) {
        println!("installing {REQUIREMENT}");
        finish_quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))
            .context("python3 needs venv (Debian: apt-get install python3-venv)")?;
        let mut pip = Command::new(place.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT]);
        finish_quietly(&mut pip).with_context(|| format!("installing {REQUIREMENT} from PyPI"))?;
        fs::write(installed, REQUIREMENT)?;
    }
    Ok(place.join("bin/st"))
}
