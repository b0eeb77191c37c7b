//! MariaDB, on TCP with and without TLS; stands in for MySQL.
//!
//! Must not know which databases tests create in it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::addresses::{AUTHORITY, Addresses, MYSQL};
use super::certificates::Certificates;
use super::daemon::{Daemon, free_ports};
use crate::packages::{MARIADB_CLIENT, MARIADB_SERVER, Need, is_root};
use crate::programs::{find, finish_quietly};

/// `root` has no password and may create databases; nobody but this machine can connect.
const URL_START: &str = "mysql://root@127.0.0.1:";
/// As in production where it decides what a test sees; small where it only takes memory.
const SETTINGS: [&str; 7] = [
    "--bind-address=127.0.0.1",
    // Inside the data directory: the path of the target directory may be too long for a socket.
    "--socket=socket",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=256M",
    "--max-connections=500",
    "--character-set-server=utf8mb4",
];

pub(super) fn daemon(root: &Path) -> Daemon {
    let folder = root.join("mariadb");
    let mark = format!("--datadir={}", folder.join("data").display());
    Daemon { folder, mark }
}

pub(super) fn needs() -> Vec<Need> {
    vec![MARIADB_SERVER, MARIADB_CLIENT]
}

pub(super) fn start(root: &Path, certificates: &Certificates) -> Result<()> {
    let daemon = daemon(root);
    daemon.empty_folder("data")?;
    let mut command = program("mariadb-install-db")?;
    command.arg(&daemon.mark).args(["--skip-test-db", "--skip-name-resolve"]);
    command.arg("--auth-root-authentication-method=normal");
    as_root(&mut command);
    finish_quietly(&mut command).context("creating the database's own tables")?;

    let [port] = free_ports()?;
    let authority = certificates.authority.display().to_string();
    let addresses = Addresses::of([(MYSQL, format!("{URL_START}{port}")), (AUTHORITY, authority)]);
    launch(&daemon, &addresses, certificates)
}

/// Starts it with the data and on the port that it had.
pub(super) fn start_again(root: &Path, certificates: &Certificates) -> Result<()> {
    let daemon = daemon(root);
    let addresses = daemon.addresses().context("this database was never started")?;
    launch(&daemon, &addresses, certificates)
}

fn launch(daemon: &Daemon, addresses: &Addresses, certificates: &Certificates) -> Result<()> {
    let port = port(addresses).context("an address without a port")?;
    let mut command = program("mariadbd")?;
    command.arg(&daemon.mark).arg(format!("--port={port}")).args(SETTINGS);
    command.arg(format!("--ssl-ca={}", certificates.authority.display()));
    command.arg(format!("--ssl-cert={}", certificates.certificate.display()));
    command.arg(format!("--ssl-key={}", certificates.key.display()));
    as_root(&mut command);
    daemon.start(command, addresses, || answers(addresses))
}

fn port(addresses: &Addresses) -> Option<&str> {
    addresses.get(MYSQL)?.strip_prefix(URL_START)
}

/// Runs statements as the user that may do anything.
pub(super) fn execute(addresses: &Addresses, sql: &str) -> Result<()> {
    let mut command = program("mariadb")?;
    let port = port(addresses).context("an address without a port")?;
    command.args(["--protocol=tcp", "--host=127.0.0.1", "--user=root", "--skip-ssl"]);
    command.arg(format!("--port={port}")).arg(format!("--execute={sql}"));
    finish_quietly(&mut command).map(drop)
}

/// A real connection, over TLS, by a client that believes the test authority only.
pub(super) fn answers(addresses: &Addresses) -> bool {
    let (Some(port), Some(authority)) = (port(addresses), addresses.get(AUTHORITY)) else {
        return false;
    };
    let Ok(mut command) = program("mariadb") else {
        return false;
    };
    command.args(["--protocol=tcp", "--host=127.0.0.1", "--user=root", "--connect-timeout=5"]);
    command.arg(format!("--port={port}")).arg(format!("--ssl-ca={authority}"));
    command.args(["--ssl-verify-server-cert", "--execute=SELECT 1"]);
    finish_quietly(&mut command).is_ok()
}

/// Without the settings of this machine, which the first argument turns off.
fn program(name: &str) -> Result<Command> {
    let path = find(name).with_context(|| format!("{name} is not installed"))?;
    let mut command = Command::new(path);
    command.arg("--no-defaults");
    Ok(command)
}

/// The database refuses to run as root unless it is told to.
fn as_root(command: &mut Command) {
    if is_root() {
        command.arg("--user=root");
    }
}
