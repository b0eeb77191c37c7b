//! Real servers for tests, without containers: Kafka, MariaDB, moto. They live below the target
//! directory, on free loopback ports, and outlive us until they are stopped. Redis, which no test
//! needs, is only ever one task's own.
//!
//! Owns which servers run; must not know what tests do with them. The crate `test-servers` reads
//! the file of addresses that is written here.

mod addresses;
mod certificates;
mod daemon;
mod kafka;
mod mariadb;
mod moto;
mod own;
pub(crate) mod redis;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Subcommand;

use self::addresses::Addresses;
use self::certificates::Certificates;
use self::daemon::Daemon;
pub(crate) use self::own::OwnServers;
use crate::packages::{self, Need};
use crate::programs::wait_for;
use crate::tree::Tree;

/// How long a server that runs may leave a question unanswered before it is replaced.
const BUSY_AT_MOST: Duration = Duration::from_secs(30);

/// What can be done with them.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Action {
    /// Bring up what does not run yet, and say where tests find it.
    Start,
    /// End what was brought up.
    Stop,
    /// Say what runs, and fail if something does not.
    Status,
    /// Print the addresses for a shell's `eval`.
    Env,
}

/// One kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Kafka,
    Mariadb,
    Moto,
    Redis,
}

impl Server {
    /// Those that tests need.
    const ALL: [Self; 3] = [Self::Kafka, Self::Mariadb, Self::Moto];
    /// Those that a task may have of its own.
    const OWN: [Self; 3] = [Self::Kafka, Self::Mariadb, Self::Redis];

    /// The one of this name, as programs ask for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::OWN.into_iter().find(|server| server.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Mariadb => "mariadb",
            Self::Moto => "moto",
            Self::Redis => "redis",
        }
    }

    /// A server of somebody else to take in place of ours: the variable and its value.
    fn given(self) -> Option<(&'static str, String)> {
        let variable = match self {
            Self::Kafka => addresses::KAFKA,
            Self::Mariadb => addresses::MYSQL,
            Self::Moto => addresses::AWS,
            Self::Redis => addresses::REDIS,
        };
        let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
        value.map(|value| (variable, value))
    }

    fn daemon(self, root: &Path) -> Daemon {
        match self {
            Self::Kafka => kafka::daemon(root),
            Self::Mariadb => mariadb::daemon(root),
            Self::Moto => moto::daemon(root),
            Self::Redis => redis::daemon(root),
        }
    }

    fn needs(self, root: &Path) -> Vec<Need> {
        match self {
            Self::Kafka => kafka::needs(root),
            Self::Mariadb => mariadb::needs(),
            Self::Moto => moto::needs(root),
            Self::Redis => redis::needs(),
        }
    }

    fn start(self, root: &Path) -> Result<()> {
        let certificates = Certificates::below(root);
        match self {
            Self::Kafka => kafka::start(root, &certificates),
            Self::Mariadb => mariadb::start(root, &certificates),
            Self::Moto => moto::start(root),
            Self::Redis => redis::start(root),
        }
    }

    /// Its addresses if its process runs and answers.
    fn running(self, root: &Path) -> Option<Addresses> {
        let daemon = self.daemon(root);
        daemon.pid()?;
        let addresses = daemon.addresses()?;
        let answers = match self {
            Self::Kafka => kafka::answers(&addresses),
            Self::Mariadb => mariadb::answers(&addresses),
            Self::Moto => moto::answers(&addresses),
            Self::Redis => redis::answers(&addresses),
        };
        answers.then_some(addresses)
    }
}

/// Does what the command line says.
pub(crate) fn run(tree: &Tree, action: Action) -> Result<()> {
    match action {
        Action::Start => start(tree).map(drop),
        Action::Stop => stop(tree, &Server::ALL),
        Action::Status => print_status(&root(tree)),
        Action::Env => print_exports(&root(tree)),
    }
}

/// Brings up every server that neither runs nor is given, all at once; returns those. If one does
/// not come up, none of them stays.
pub(crate) fn start(tree: &Tree) -> Result<Vec<Server>> {
    let root = root(tree);
    let _lock = lock(&root)?;
    let absent: Vec<Server> =
        Server::ALL.into_iter().filter(|&server| is_absent(server, &root)).collect();
    if !absent.is_empty() {
        provide_programs(&absent, &root)?;
        if let Err(error) = start_all(&absent, &root) {
            absent.iter().try_for_each(|server| server.daemon(&root).stop())?;
            write_addresses(&root)?;
            return Err(error);
        }
    }
    write_addresses(&root)?;
    Ok(absent)
}

/// Ends these, whether they answer or not; nobody else's.
pub(crate) fn stop(tree: &Tree, servers: &[Server]) -> Result<()> {
    let root = root(tree);
    let _lock = lock(&root)?;
    // Before anything ends: no test shall begin with an address that goes away.
    let file = addresses_file(&root);
    if file.exists() {
        fs::remove_file(&file).context("removing the file of addresses")?;
    }
    for server in servers {
        let daemon = server.daemon(&root);
        let pid = daemon.pid();
        daemon.stop().with_context(|| format!("stopping {}", server.name()))?;
        match pid {
            Some(pid) => println!("servers: {} with pid {pid} is stopped", server.name()),
            None => println!("servers: {} was not running", server.name()),
        }
    }
    write_addresses(&root)
}

fn is_absent(server: Server, root: &Path) -> bool {
    let name = server.name();
    if let Some((variable, value)) = server.given() {
        println!("servers: {name} is not started, {variable} gives {value}");
        return false;
    }
    let daemon = server.daemon(root);
    // A server that is busy with tests must not be taken for one that stands still.
    let asked =
        wait_for(BUSY_AT_MOST, || Ok(daemon.pid().is_none() || server.running(root).is_some()));
    let is_running = asked.is_ok() && daemon.pid().is_some();
    if is_running {
        println!("servers: {name} runs already");
    }
    !is_running
}

fn provide_programs(absent: &[Server], root: &Path) -> Result<()> {
    ensure!(Path::new("/proc/self/cmdline").exists(), "the test servers need Linux's /proc");
    let mut needs: Vec<Need> = absent.iter().flat_map(|server| server.needs(root)).collect();
    let certificates = Certificates::below(root);
    if !certificates.exist() {
        needs.push(packages::OPENSSL);
    }
    packages::provide("the test servers", &needs)?;
    certificates.provide()
}

fn start_all(absent: &[Server], root: &Path) -> Result<()> {
    let start_one = |server: Server| {
        let since = Instant::now();
        let daemon = server.daemon(root);
        // One that runs without an answer stands in the way.
        daemon.stop()?;
        fs::create_dir_all(&daemon.folder)?;
        let again = |error| if is_port_taken(&error) { server.start(root) } else { Err(error) };
        server.start(root).or_else(again)?;
        println!("servers: {} is up after {:.1} s", server.name(), since.elapsed().as_secs_f64());
        Ok(())
    };
    let results: Vec<(Server, Result<()>)> = thread::scope(|scope| {
        let threads: Vec<_> =
            absent.iter().map(|&server| (server, scope.spawn(move || start_one(server)))).collect();
        let join = |(server, thread): (Server, thread::ScopedJoinHandle<'_, Result<()>>)| {
            (server, thread.join().unwrap_or_else(|_| Err(anyhow!("its thread panicked"))))
        };
        threads.into_iter().map(join).collect()
    });
    let failures: Vec<String> = results
        .into_iter()
        .filter_map(|(server, result)| Some(format!("{}: {:#}", server.name(), result.err()?)))
        .collect();
    ensure!(failures.is_empty(), "not every test server is up\n{}", failures.join("\n"));
    Ok(())
}

/// Whether somebody else was faster on a port that was free a moment before; others are free still.
fn is_port_taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("Address already in use")
}

/// Lists what runs; no file if nothing does.
fn write_addresses(root: &Path) -> Result<()> {
    let mut all = Addresses::default();
    for server in Server::ALL {
        if server.given().is_none() {
            all.merge(server.running(root).unwrap_or_default());
        }
    }
    let file = addresses_file(root);
    if !all.is_empty() {
        all.write(&file)?;
        println!("servers: addresses stand in {}", file.display());
    } else if file.exists() {
        fs::remove_file(&file).context("removing the file of addresses")?;
    }
    Ok(())
}

fn print_status(root: &Path) -> Result<()> {
    let mut down = Vec::new();
    for server in Server::ALL {
        let name = server.name();
        if let Some((variable, value)) = server.given() {
            println!("{name:<10}given     {variable}={value}");
            continue;
        }
        let pid = server.daemon(root).pid().map_or("-".to_owned(), |pid| pid.to_string());
        let running = server.running(root);
        println!("{name:<10}{:<10}pid {pid}", if running.is_some() { "up" } else { "down" });
        match running {
            Some(addresses) => print!("{}", indented(&addresses.to_string())),
            None => down.push(name),
        }
    }
    ensure!(down.is_empty(), "down: {}; run `cargo xtask servers start`", down.join(", "));
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn print_exports(root: &Path) -> Result<()> {
    let addresses = Addresses::read(&addresses_file(root));
    let addresses = addresses.context("no server runs; run `cargo xtask servers start`")?;
    print!("{}", addresses.exports());
    Ok(())
}

/// One command at a time starts or stops; the others wait for it.
fn lock(root: &Path) -> Result<File> {
    fs::create_dir_all(root).with_context(|| format!("creating {}", root.display()))?;
    let file = File::create(root.join("lock")).context("creating the lock of the test servers")?;
    file.lock().context("locking the test servers")?;
    Ok(file)
}

fn addresses_file(root: &Path) -> PathBuf {
    root.join("addresses")
}

/// Which Kafka is downloaded.
pub(crate) const KAFKA_VERSION: &str = kafka::VERSION;

/// As the crate `test-servers` finds it, also where cargo is told otherwise in other ways.
fn root(tree: &Tree) -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    tree.root.join(set).join("test-servers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_found_among_the_reasons() {
        let error = anyhow!("java.net.BindException: Address already in use").context("kafka");
        assert!(is_port_taken(&error));
        assert!(!is_port_taken(&anyhow!("no such file")));
    }

    #[test]
    fn every_server_has_a_folder_and_a_mark_of_its_own() {
        let root = Path::new("/t");
        for server in Server::ALL.into_iter().chain(Server::OWN) {
            let daemon = server.daemon(root);
            assert_eq!(daemon.folder, root.join(server.name()));
            assert!(daemon.mark.contains(&format!("/t/{}/", server.name())), "{daemon:?}");
        }
    }
}
