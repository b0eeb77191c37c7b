//! The benchmarks: programs, examples and servers are made ready, then the program `benchmarks`
//! holds the contests.
//!
//! Must not know the contests, or what a good figure is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::background::clean_command;
use crate::programs::{build_dist, finish, finish_quietly};
use crate::servers::{KAFKA_VERSION, OwnServers, Server};
use crate::tree::Tree;

const PACKAGES: [&str; 5] = ["timedeal", "benchmarks", "loadtest", "event-log", "read-model"];
/// Measurements that stand beside the code that they measure.
const EXAMPLES: [&str; 3] = ["append_rate", "commit_rate", "watchers"];
/// Where the result of a whole run stands, and the page that shows it.
const RESULT: &str = "docs/benchmarks/latest.json";
const PAGE: &str = "docs/benchmarks.md";

/// What is measured, and how often.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Contests; without it all of them, and the documentation is written again.
    #[arg(long, num_args = 1..)]
    only: Vec<String>,
    /// How often each contest is held.
    #[arg(long, default_value_t = 5)]
    repeats: u32,
    /// For how many seconds a load is counted.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// A result of an earlier run to compare with, such as docs/benchmarks/latest.json.
    #[arg(long)]
    against: Option<PathBuf>,
    /// The file that takes the result; of a run of some contests alone it is below the target
    /// directory.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Builds, brings up what the contests need, and lets them be held.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<()> {
    build(tree)?;
    let programs = programs(tree);
    let benchmarks = programs.join("benchmarks");
    let said =
        finish_quietly(clean_command(&benchmarks, &tree.root).arg("needs").args(&options.only))?;
    let needed = said.lines().map(|name| {
        Server::named(name).with_context(|| format!("nobody knows how to start `{name}`"))
    });
    let needed = needed.collect::<Result<Vec<Server>>>()?;
    let servers = OwnServers::start_these(tree, "bench", &needed)?;

    let mut command = clean_command(&benchmarks, &tree.root);
    command.arg("run").arg("--programs").arg(&programs).args(arguments(options, &tree.target));
    for server in needed {
        let (address, pid) = servers.place(server)?;
        command.arg(format!("--{}", server.name())).arg(format!("{address}#{pid}"));
    }
    for (name, version) in versions(&tree.root)? {
        command.arg("--version").arg(format!("{name}={version}"));
    }
    finish(&mut command)
}

/// Everything at once, so that nothing is built twice with other features.
pub(crate) fn build(tree: &Tree) -> Result<()> {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    let examples = EXAMPLES.iter().flat_map(|example| ["--example", example]);
    build_dist(tree, &["--bins"].into_iter().chain(packages).chain(examples).collect::<Vec<_>>())
}

/// Where [`build`] puts them.
pub(crate) fn programs(tree: &Tree) -> PathBuf {
    tree.target.join("dist")
}

fn arguments(options: &Options, target: &Path) -> Vec<String> {
    let Options { only, repeats, seconds, against, out } = options;
    let mut arguments = vec![format!("--repeats={repeats}"), format!("--seconds={seconds}")];
    if !only.is_empty() {
        arguments.push("--only".to_owned());
        arguments.extend(only.iter().cloned());
    }
    if let Some(against) = against {
        arguments.push(format!("--against={}", against.display()));
    }
    let is_whole = only.is_empty() && out.is_none();
    let default = if is_whole { RESULT.into() } else { target.join("bench/latest.json") };
    arguments.push(format!("--out={}", out.as_ref().unwrap_or(&default).display()));
    if is_whole {
        arguments.push(format!("--page={PAGE}"));
    }
    arguments
}

/// What the program cannot ask for itself.
fn versions(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let git =
        |arguments: &[&str]| finish_quietly(Command::new("git").args(arguments).current_dir(root));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?.trim().to_owned();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let changed = if changed.is_empty() { "" } else { " with changes" };
    let rust = finish_quietly(Command::new("rustc").arg("--version").current_dir(root))?;
    let rust = rust.split_whitespace().nth(1).context("rustc without a version")?.to_owned();
    Ok(vec![
        ("commit", format!("{commit}{changed}")),
        ("rust", rust),
        ("kafka", KAFKA_VERSION.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(only: &[&str], out: Option<&str>) -> Options {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        Options { only, repeats: 2, seconds: 3, against: None, out: out.map(PathBuf::from) }
    }

    #[test]
    fn only_a_whole_run_writes_the_documentation() {
        let check = |options: Options, expected: &[&str]| {
            assert_eq!(arguments(&options, Path::new("/t")), expected);
        };
        let [repeats, seconds] = ["--repeats=2", "--seconds=3"];
        check(
            options(&[], None),
            &[repeats, seconds, "--out=docs/benchmarks/latest.json", "--page=docs/benchmarks.md"],
        );
        check(
            options(&["polls"], None),
            &[repeats, seconds, "--only", "polls", "--out=/t/bench/latest.json"],
        );
        check(options(&[], Some("/tmp/a.json")), &[repeats, seconds, "--out=/tmp/a.json"]);
    }
}
