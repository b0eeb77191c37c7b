//! moto: answers as S3 and Secrets Manager do.
//!
//! Must not know what is stored in it; it keeps everything in memory.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::addresses::{AWS, Addresses};
use super::daemon::{Daemon, free_ports};
use crate::http;
use crate::packages::{Need, PYTHON};
use crate::programs::finish_quietly;

/// The server without what only other services of AWS need: 130 MB in place of 320 MB.
const REQUIREMENTS: [&str; 3] = ["moto[s3]==5.2.5", "flask>=3,<4", "flask-cors>=6,<7"];
/// Inside the folder of the server; takes the requirements once they are installed.
const INSTALLED: &str = "venv/installed";
/// On loopback.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn daemon(root: &Path) -> Daemon {
    let folder = root.join("moto");
    let mark = folder.join("venv/bin/moto_server").display().to_string();
    Daemon { folder, mark }
}

pub(super) fn needs(root: &Path) -> Vec<Need> {
    if is_installed(&daemon(root)) { Vec::new() } else { vec![PYTHON] }
}

pub(super) fn start(root: &Path) -> Result<()> {
    let daemon = daemon(root);
    install(&daemon)?;
    let [port] = free_ports()?;
    let addresses = Addresses::of([(AWS, format!("http://127.0.0.1:{port}"))]);
    let mut command = Command::new(&daemon.mark);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    daemon.start(command, &addresses, || answers(&addresses))
}

/// A page about itself.
pub(super) fn answers(addresses: &Addresses) -> bool {
    let address = addresses.get(AWS).and_then(|url| url.strip_prefix("http://"));
    let address = address.and_then(|address| address.parse::<SocketAddr>().ok());
    address.is_some_and(|address| http::answers(address, "/moto-api/data.json", ANSWERS_WITHIN))
}

fn is_installed(daemon: &Daemon) -> bool {
    let installed = fs::read_to_string(daemon.folder.join(INSTALLED));
    installed.is_ok_and(|installed| installed == REQUIREMENTS.join("\n"))
}

fn install(daemon: &Daemon) -> Result<()> {
    if is_installed(daemon) {
        return Ok(());
    }
    println!("servers: downloading moto");
    let venv = daemon.empty_folder("venv")?;
    finish_quietly(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut command = Command::new(venv.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    finish_quietly(command.args(REQUIREMENTS)).context("installing moto from PyPI")?;
    fs::write(daemon.folder.join(INSTALLED), REQUIREMENTS.join("\n"))?;
    Ok(())
}
