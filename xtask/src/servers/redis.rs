//! Redis: a peer in benchmarks. No test needs it, so it is started for those alone.
//!
//! Must not know what is kept in it, or that it is told to keep it on the disk.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::addresses::{Addresses, REDIS};
use super::daemon::{Daemon, free_ports};
use crate::packages::{Need, REDIS_TOOLS};
use crate::programs::find;

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Its title would hide by which folder it is recognized. Saving now and then is turned off: what
/// is to be durable is told so by the one who asks for it.
const SETTINGS: [&str; 8] =
    ["--bind", "127.0.0.1", "--set-proc-title", "no", "--save", "", "--appendonly", "no"];

pub(super) fn daemon(root: &Path) -> Daemon {
    let folder = root.join("redis");
    let mark = folder.join("data").display().to_string();
    Daemon { folder, mark }
}

pub(super) fn needs() -> Vec<Need> {
    vec![REDIS_TOOLS]
}

pub(super) fn start(root: &Path) -> Result<()> {
    let daemon = daemon(root);
    daemon.empty_folder("data")?;
    let [port] = free_ports()?;
    let addresses = Addresses::of([(REDIS, format!("127.0.0.1:{port}"))]);
    let mut command = Command::new(program().context("redis-server is not installed")?);
    command.arg0("redis-server").args(["--dir", &daemon.mark, "--port", &port.to_string()]);
    command.args(SETTINGS);
    daemon.start(command, &addresses, || answers(&addresses))
}

/// Debian's `redis-server` is one file with `redis-check-rdb`, and serves unless it is called by
/// that name. The package with the other name would start a service on the system's port.
pub(crate) fn program() -> Option<PathBuf> {
    find("redis-server").or_else(|| find("redis-check-rdb"))
}

/// `PING` and `PONG`.
pub(super) fn answers(addresses: &Addresses) -> bool {
    let address = addresses.get(REDIS).and_then(|address| address.parse::<SocketAddr>().ok());
    address.is_some_and(|address| ping(address).is_ok_and(|said| &said == b"+PONG\r\n"))
}

fn ping(address: SocketAddr) -> Result<[u8; 7]> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWERS_WITHIN)?;
    stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
    stream.write_all(b"PING\r\n")?;
    let mut said = [0; 7];
    stream.read_exact(&mut said)?;
    Ok(said)
}
