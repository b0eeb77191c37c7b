//! The real binary, end to end: buy by plain HTTP, rush it, SIGKILL it mid-rush, restart it, audit
//! it running, stop it, audit it stopped. Every run has its own ports and data directory.
//!
//! Knows the service by its command line and its HTTP interface only.

mod purchase;
pub(crate) mod service;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::purchase::Purchase;
use self::service::{Place, Service};
use crate::background::{Background, wait_for_growth};
use crate::http;
use crate::programs::{build_release, finish, is_installed};
use crate::tree::Tree;

/// The rush retries through a crash of at most a few seconds; on two busy cores that is minutes.
const RUSH_ENDS_WITHIN: Duration = Duration::from_secs(240);
/// What the command line promises for SIGTERM.
const STOP_ENDS_WITHIN: Duration = Duration::from_secs(15);
/// A series on `/metrics`: purchases that the log has taken.
const ADMITTED: &str = r#"timedeal_gateway_commands_appended_total{type="place_purchase"}"#;
/// The crowd comes within so many seconds, so that the service dies while it buys.
const CROWD_COMES_WITHIN_S: u32 = 4;
/// The rush is killed when one purchase in so many of its buyers' has been admitted.
const KILL_AT_ONE_IN: u32 = 15;
/// `timedeal serve` on a data directory that another process has.
const IN_USE: i32 = 3;
/// A page's script in a browser that does not start, which says nothing about the page.
const COULD_NOT_RUN: i32 = 2;

/// How the run is made.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Size of the crowd.
    #[arg(long, default_value_t = 6000)]
    buyers: u32,
    /// Units of the deal.
    #[arg(long, default_value_t = 2000)]
    stock: u32,
    /// A finished binary to run in place of a fresh release build.
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self::with_crowd(6000, 2000)
    }
}

impl Options {
    /// A run with a crowd of this size.
    pub(crate) fn with_crowd(buyers: u32, stock: u32) -> Self {
        Self { buyers, stock, binary: None }
    }
}

/// Builds what is to be run, unless a binary is given, and runs it.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<()> {
    if options.binary.is_none() {
        build_release(tree)?;
    }
    run_built(tree, options)
}

/// Runs a binary that stands already. What it left is kept if it failed.
pub(crate) fn run_built(tree: &Tree, options: &Options) -> Result<()> {
    let built = tree.target.join("release").join("timedeal");
    let binary = options.binary.clone().unwrap_or(built);
    ensure!(binary.is_file(), "{} does not exist", binary.display());
    let folder = tempfile::Builder::new().prefix("timedeal-e2e-").tempdir()?;
    let place = Place::new(binary, folder.path())?;
    let result = run_story(tree, &place, options);
    if result.is_err() {
        place.print_last_lines();
        println!("data and logs are kept in {}", folder.keep().display());
    }
    result
}

/// The story itself; each line is a promise to somebody.
fn run_story(tree: &Tree, place: &Place, options: &Options) -> Result<()> {
    let service = Service::start(place, "before")?;
    let bought = Purchase::make(place)?;
    say(&format!("one purchase by plain HTTP is {}", bought.status));
    buy_in_browser(tree, place)?;

    let mut rush = start_rush(place, options)?;
    let wanted = (options.buyers / KILL_AT_ONE_IN, RUSH_ENDS_WITHIN);
    let admitted = wait_for_growth(&mut rush, wanted, || admissions(place))?;
    service.kill()?;
    ensure!(rush.exit_code()?.is_none(), "the rush was over before the service was killed");
    say(&format!("killed with SIGKILL after {admitted} purchases had been admitted"));

    let service = Service::start(place, "after")?;
    say("restarted on the same data directory and ready");
    bought.is_still_there()?;
    refuse_second_service(place, &service)?;
    let code = rush.wait(RUSH_ENDS_WITHIN)?;
    ensure!(code == Some(0), "the rush ended with {code:?}: its history does not hold");
    print_report(place)?;

    service.wait_until_ready()?;
    audit(place, "running")?;
    let took = service.stop(STOP_ENDS_WITHIN)?;
    say(&format!("stopped with SIGTERM, exit 0 after {:.1} s", took.as_secs_f64()));
    audit(place, "stopped")
}

fn say(what: &str) {
    println!("e2e: {what}");
}

/// What the page says of itself in a real browser: `*.e2e.mjs` files, called with its address.
fn buy_in_browser(tree: &Tree, place: &Place) -> Result<()> {
    let scripts: Vec<String> =
        tree.paths()?.into_iter().filter(|path| path.ends_with(".e2e.mjs")).collect();
    if !is_installed("node") || !is_installed("chromium") {
        say("node or chromium is not installed here; the page is not tried in a browser");
        return Ok(());
    }
    for script in scripts {
        say(&format!("in a browser: {script}"));
        let mut command = Command::new("node");
        command.arg(&script).arg(place.url()).current_dir(&tree.root).stdin(Stdio::null());
        match command.status()?.code() {
            Some(0) => {}
            Some(COULD_NOT_RUN) => say("the browser here does not start; the page is not tried"),
            code => bail!("{script} ended with {code:?}"),
        }
    }
    Ok(())
}

fn start_rush(place: &Place, options: &Options) -> Result<Background> {
    let mut command = place.command();
    command.args(["rush", "--url", &place.url()]).arg("--data-dir").arg(place.data());
    command.args(["--buyers", &options.buyers.to_string()]);
    command.args(["--stock", &options.stock.to_string()]);
    let rate = (options.buyers / CROWD_COMES_WITHIN_S).max(1);
    command.args(["--arrivals", &format!("steady:{rate}")]);
    Background::start(command, &place.output("rush"))
}

/// What the service itself publishes.
fn admissions(place: &Place) -> Result<f64> {
    let answer = http::get(place.ops, "/metrics")?;
    ensure!(answer.status == 200, "/metrics answers {}", answer.status);
    Ok(http::value_of(&answer.body, ADMITTED))
}

/// Two writers of one log would decide twice; the second has to say who the first is.
fn refuse_second_service(place: &Place, first: &Service<'_>) -> Result<()> {
    let mut command = place.command();
    command.arg("serve").arg("--data-dir").arg(place.data());
    command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
    let mut second = Background::start(command, &place.output("second"))?;
    let code = second.wait(STOP_ENDS_WITHIN)?;
    ensure!(code == Some(IN_USE), "a second service ended with {code:?}, not with {IN_USE}");
    let message = std::fs::read_to_string(place.output("second"))?;
    let pid = first.pid().to_string();
    ensure!(message.contains(&pid), "the message does not name process {pid}: {message}");
    say("a second service on the same data directory is refused");
    Ok(())
}

fn audit(place: &Place, state: &str) -> Result<()> {
    say(&format!("audit of the {state} service"));
    let mut command = place.command();
    command.arg("audit").arg("--data-dir").arg(place.data());
    finish(&mut command).with_context(|| format!("audit of the {state} service"))
}

fn print_report(place: &Place) -> Result<()> {
    let report = std::fs::read_to_string(place.output("rush"))?;
    // A progress bar rewrites its line; what it wrote last is what counts.
    for line in report.lines() {
        println!("  {}", line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or(""));
    }
    Ok(())
}
