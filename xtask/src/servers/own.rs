//! A broker and a database of a task's own, so that they can be killed, stopped and started again
//! with what they had while nobody else needs them.
//!
//! Must not know why that is done to them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::addresses::{KAFKA, MYSQL};
use super::certificates::Certificates;
use super::{Server, kafka, mariadb, provide_programs, start_all};
use crate::programs::signal;
use crate::tree::Tree;

/// Which of them there are.
const BOTH: [Server; 2] = [Server::Kafka, Server::Mariadb];

/// They end with this.
#[derive(Debug)]
pub(crate) struct OwnServers {
    root: PathBuf,
}

impl OwnServers {
    /// Brings up both, empty, below a folder that is named after the task.
    pub(crate) fn start(tree: &Tree, task: &str) -> Result<Self> {
        let shared = super::root(tree);
        let root = shared.join(task);
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        kafka::share_jars(&shared, &root)?;
        provide_programs(&BOTH, &root)?;
        let own = Self { root };
        start_all(&BOTH, &own.root)?;
        Ok(own)
    }

    /// `host:port` of the broker.
    pub(crate) fn kafka(&self) -> Result<String> {
        self.address(Server::Kafka, KAFKA)
    }

    /// Address of a new database of this name.
    pub(crate) fn database(&self, name: &str) -> Result<String> {
        let addresses = Server::Mariadb.daemon(&self.root).addresses();
        let addresses = addresses.context("the database was never started")?;
        mariadb::execute(&addresses, &format!("CREATE DATABASE {name}"))?;
        Ok(format!("{}/{name}", self.address(Server::Mariadb, MYSQL)?))
    }

    /// Sends one of them a signal by name.
    pub(crate) fn signal(&self, server: Server, name: &str) -> Result<()> {
        let pid = server.daemon(&self.root).pid();
        signal(pid.with_context(|| format!("{} does not run", server.name()))?, name)
    }

    /// Starts one of them that has died with the data that it had, where it was.
    pub(crate) fn start_again(&self, server: Server) -> Result<()> {
        match server {
            Server::Kafka => kafka::start_again(&self.root),
            Server::Mariadb => mariadb::start_again(&self.root, &Certificates::below(&self.root)),
            Server::Moto => anyhow::bail!("nobody has a moto of their own"),
        }
    }

    fn address(&self, server: Server, name: &str) -> Result<String> {
        let addresses = server.daemon(&self.root).addresses();
        let address = addresses.and_then(|it| it.get(name).map(str::to_owned));
        address.with_context(|| format!("{} was never started", server.name()))
    }
}

impl Drop for OwnServers {
    fn drop(&mut self) {
        for server in BOTH {
            if let Err(error) = server.daemon(&self.root).stop() {
                println!("servers: {} was not stopped: {error:#}", server.name());
            }
        }
    }
}
