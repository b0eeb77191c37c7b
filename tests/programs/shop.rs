//! A shop of its own on the test servers: topics and a database that nobody else has, removed at
//! the end, and the keys that its gateways share.

use std::path::{Path, PathBuf};
use std::process::Command;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;
use test_servers::{Server, unique};

use crate::program::{Program, clean_command, run};
use crate::selling::token;

const LOGS: [&str; 3] = ["commands", "decisions", "dead-letters"];
/// Variables that name the lists of keys, and the files that hold them.
pub(crate) const KEYS: [(&str, &str); 3] = [
    ("TIMEDEAL_SIGNING_KEYS", "signing.json"),
    ("TIMEDEAL_TICKET_KEYS", "ticket.json"),
    ("TIMEDEAL_WEBHOOK_KEYS", "webhook.json"),
];

/// Topics, tables and keys.
pub(crate) struct Shop {
    folder: TempDir,
    /// Of its topics; also the name of its database.
    pub(crate) name: String,
}

impl Shop {
    pub(crate) fn open(stem: &str) -> Self {
        let shop = Self { folder: TempDir::new().unwrap(), name: unique(stem) };
        on_database(&format!("CREATE DATABASE {}", shop.name));
        // Tables first: a new log takes an id that they do not know.
        shop.timedeal(&["migrate"]);
        shop.timedeal(&["topics", "create", "--dev", "--topic-partitions", "2"]);
        let folder = shop.path().display().to_string();
        shop.timedeal(&["keys", "create", "--data-dir", &folder]);
        shop
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn key_file(&self, name: &str) -> PathBuf {
        self.path().join("keys").join(name)
    }

    pub(crate) fn log_url(&self) -> String {
        format!("kafka://{}/{}", Server::Kafka.address(), self.name)
    }

    pub(crate) fn database_url(&self) -> String {
        format!("{}/{}", Server::Mysql.address(), self.name)
    }

    /// One of our programs, told where everything is; it listens wherever there is room.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = clean_command(program);
        command.current_dir(self.path());
        command.env("TIMEDEAL_LOG_URL", self.log_url());
        command.env("TIMEDEAL_DATABASE_URL", self.database_url());
        command.env("TIMEDEAL_OPS_LISTEN", "127.0.0.1:0");
        command.env("TIMEDEAL_LISTEN", "127.0.0.1:0");
        command.env("TIMEDEAL_LOG_FORMAT", "json");
        for (variable, name) in KEYS {
            command.env(variable, format!("file:{}", self.key_file(name).display()));
        }
        let snapshots = self.path().join("snapshots");
        std::fs::create_dir_all(&snapshots).unwrap();
        command.env("TIMEDEAL_SNAPSHOTS_URL", format!("file://{}", snapshots.display()));
        command
    }

    pub(crate) fn start(&self, program: &str) -> Program {
        Program::start(&mut self.command(program))
    }

    /// Runs a command of `timedeal` that has to end well; what it prints.
    #[track_caller]
    pub(crate) fn timedeal(&self, arguments: &[&str]) -> String {
        let mut command = self.command("timedeal");
        command.args(arguments);
        let (said, code) = run(command);
        assert_eq!(code, Some(0), "timedeal {arguments:?}: {said}");
        said
    }

    /// A token of the shop's own keys for a new customer.
    #[track_caller]
    pub(crate) fn token(&self, scopes: &str) -> String {
        token(self.path(), scopes)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let brokers = Server::Kafka.address();
        let administrator: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
        let topics = LOGS.map(|log| format!("{}.{log}", self.name));
        let names = topics.each_ref().map(String::as_str);
        let deleted = administrator.delete_topics(&names, &AdminOptions::new());
        // A topic that was never made cannot be deleted, and that is fine.
        drop(runtime().block_on(deleted));
        on_database(&format!("SET lock_wait_timeout = 20; DROP DATABASE IF EXISTS {}", self.name));
    }
}

fn on_database(sql: &str) {
    runtime().block_on(async {
        let mut connection = MySqlConnection::connect(&Server::Mysql.address()).await.unwrap();
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
