//! Servers of a task's own, so that they can be killed, stopped and started again with what they
//! had while nobody else needs them.
//!
//! Must not know why that is done to them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::addresses::{KAFKA, MYSQL, REDIS};
use super::certificates::Certificates;
use super::{Server, kafka, mariadb, provide_programs, start_all};
use crate::programs::signal;
use crate::tree::Tree;

/// What most tasks need.
const BOTH: [Server; 2] = [Server::Kafka, Server::Mariadb];

/// They end with this.
#[derive(Debug)]
pub(crate) struct OwnServers {
    root: PathBuf,
    servers: Vec<Server>,
}

impl OwnServers {
    /// Brings up a broker and a database, empty, below a folder that is named after the task.
    pub(crate) fn start(tree: &Tree, task: &str) -> Result<Self> {
        Self::start_these(tree, task, &BOTH)
    }

    /// Brings up these, empty.
    pub(crate) fn start_these(tree: &Tree, task: &str, servers: &[Server]) -> Result<Self> {
        let shared = super::root(tree);
        let root = shared.join(task);
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        kafka::share_jars(&shared, &root)?;
        let own = Self { root, servers: servers.to_owned() };
        if !servers.is_empty() {
            provide_programs(servers, &own.root)?;
            start_all(servers, &own.root)?;
        }
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

    /// Address of the server itself, as its clients write it, without TLS, and its process.
    pub(crate) fn place(&self, server: Server) -> Result<(String, u32)> {
        let address = match server {
            Server::Kafka => self.kafka()?,
            Server::Mariadb => format!("{}?ssl-mode=DISABLED", self.address(server, MYSQL)?),
            Server::Redis => self.address(server, REDIS)?,
            Server::Moto => anyhow::bail!("nobody has a moto of their own"),
        };
        let pid = server.daemon(&self.root).pid();
        Ok((address, pid.with_context(|| format!("{} does not run", server.name()))?))
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
            Server::Moto | Server::Redis => anyhow::bail!("nobody starts {} again", server.name()),
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
        for server in &self.servers {
            if let Err(error) = server.daemon(&self.root).stop() {
                println!("servers: {} was not stopped: {error:#}", server.name());
            }
        }
    }
}
