//! The backend on a server, a database for each test, and what only a server can have happen to it.

mod cuts;
mod locks;
mod logged;
mod passwords;
mod proxy;
mod refusals;
mod tls;
mod versions;

use std::sync::Arc;

use read_model::{MysqlOptions, MysqlStore, Store};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use test_servers::Server;

use crate::Backend;

/// A database that goes when the test ends.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { server: Server::Mysql.address(), name: test_servers::unique("read_model") }
    }

    /// Makes the database, without tables.
    async fn create(&self) {
        let mut connection = MySqlConnection::connect(&self.server).await.unwrap();
        let sql = format!("CREATE DATABASE IF NOT EXISTS {}", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    fn options(&self) -> MysqlOptions {
        MysqlOptions::new(format!("{}/{}", self.server, self.name))
    }

    /// Makes database and tables, if they are not there.
    async fn migrated(&self) -> MysqlOptions {
        self.create().await;
        MysqlStore::migrate(&self.options()).await.unwrap();
        self.options()
    }

    async fn store(&self) -> MysqlStore {
        MysqlStore::connect(&self.migrated().await).await.unwrap()
    }

    async fn connection(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.options().url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(drop_database(&server, &name));
        });
        let gone = gone.join();
        assert!(gone.is_ok() || std::thread::panicking(), "{} is still there", self.name);
    }
}

/// Whatever a test left open in it ends first.
async fn drop_database(server: &str, name: &str) {
    let mut connection = MySqlConnection::connect(server).await.unwrap();
    kill_all(&mut connection, name).await;
    let sql = format!("SET lock_wait_timeout = 20; DROP DATABASE IF EXISTS {name}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Ends all connections to a database but this one, and tells how many there were.
async fn kill_all(connection: &mut MySqlConnection, name: &str) -> usize {
    let others = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
                  WHERE db = ? AND id <> CONNECTION_ID()";
    let query = sqlx::query_scalar(others).bind(name);
    let ids: Vec<i64> = query.fetch_all(&mut *connection).await.unwrap();
    for id in &ids {
        // One that has ended by itself is as good.
        let kill = AssertSqlSafe(format!("KILL {id}"));
        sqlx::raw_sql(kill).execute(&mut *connection).await.ok();
    }
    ids.len()
}

impl Backend for Database {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store().await)
    }

    async fn execute(&self, sql: &'static str) {
        let mut connection = self.connection().await;
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn number(connection: &mut MySqlConnection, sql: &'static str) -> Option<i64> {
    sqlx::query_scalar(sql).fetch_optional(connection).await.unwrap()
}
