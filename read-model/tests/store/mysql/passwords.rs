//! Passwords that are replaced while the store serves.

use std::path::PathBuf;
use std::time::Duration;

use read_model::{AddressSource, MysqlOptions, MysqlStore, Store as _, StoreError};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::Database;
use super::logged::Logged;
use crate::accounts::user;
use crate::naive::{Naive, stored};
use crate::world::World;
use crate::{LOG, commit};

/// A user of a server, and the file where its password stands.
struct Login {
    root: MySqlConnection,
    name: String,
    directory: TempDir,
}

impl Login {
    async fn of(database: &Database) -> Self {
        let options = database.migrated().await;
        // What the tests themselves say must not be taken for what the store says.
        let quiet = options.url.parse::<MySqlConnectOptions>().unwrap().disable_statement_logging();
        let mut root = quiet.connect().await.unwrap();
        let name = test_servers::unique("u").chars().take(32).collect::<String>();
        let sql = format!(
            "CREATE USER {name}@'%' IDENTIFIED BY 'f1rst'; GRANT ALL ON {}.* TO {name}@'%'",
            database.name
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut root).await.unwrap();
        let login = Self { root, name, directory: tempfile::tempdir().unwrap() };
        login.write("f1rst");
        login
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("password")
    }

    fn write(&self, password: &str) {
        std::fs::write(self.file(), password).unwrap();
    }

    /// How the database is reached by this user, with the file read each time.
    fn options(&self, database: &Database) -> MysqlOptions {
        let url = database.options().url;
        let (_, place) = url.split_once('@').unwrap();
        let (place, name, file) = (place.to_owned(), self.name.clone(), self.file());
        let read = move || {
            let password = std::fs::read_to_string(&file)?;
            Ok::<_, std::io::Error>(format!("mysql://{name}:{password}@{place}"))
        };
        let mut options = MysqlOptions::new(read().unwrap());
        options.renewed = Some(AddressSource::new(move || {
            let address = read();
            async move { Ok(address?) }
        }));
        options
    }

    /// Another password on the server, and nobody is in any more.
    async fn change(&mut self, password: &str) {
        let sql = format!("ALTER USER {}@'%' IDENTIFIED BY '{password}'", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.root).await.unwrap();
        let ids = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE user = ?";
        let query = sqlx::query_scalar(ids).bind(&self.name);
        let ids: Vec<i64> = query.fetch_all(&mut self.root).await.unwrap();
        assert!(!ids.is_empty(), "there were connections");
        for id in ids {
            let kill = AssertSqlSafe(format!("KILL {id}"));
            sqlx::raw_sql(kill).execute(&mut self.root).await.ok();
        }
    }

    async fn end(mut self) {
        let sql = format!("DROP USER {}@'%'", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.root).await.unwrap();
        self.root.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_store_goes_on_with_the_password_that_stands_in_the_file_now() {
    let database = Database::new();
    let mut login = Login::of(&database).await;
    let logged = Logged::here();
    let store = MysqlStore::connect(&login.options(&database)).await.unwrap();
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&store, 0, &decisions[..1]).await.unwrap();
    store.deals(LOG).await.unwrap();
    login.write("sec0nd");
    login.change("sec0nd").await;
    // What a projector does, then what a gateway does, with all that it has connections for.
    commit(&store, 1, &decisions[1..]).await.unwrap();
    store.create_user(&user(1, "one@example.org")).await.unwrap();
    store.deals(LOG).await.unwrap();
    assert_eq!(stored(&store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
    assert!(logged.text().contains("is another one from now on"), "{}", logged.text());
    assert!(!logged.text().contains("f1rst") && !logged.text().contains("sec0nd"));
    store.close().await;
    login.end().await;
}

#[tokio::test]
async fn a_file_that_comes_after_the_server_is_waited_for() {
    let database = Database::new();
    let mut login = Login::of(&database).await;
    let logged = Logged::here();
    let store = MysqlStore::connect(&login.options(&database)).await.unwrap();
    login.change("sec0nd").await;
    let refused = store.log_ids().await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains("f1rst"));
    std::fs::remove_file(login.file()).unwrap();
    let refused = store.log_ids().await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    login.write("sec0nd");
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    let back = async {
        while store.log_ids().await.is_err() {
            pause.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), back).await.expect("it is read again");
    commit(&store, 0, &[World::new().decide((0, 1, 0))]).await.unwrap();
    assert!(logged.text().contains("is another one from now on"), "{}", logged.text());
    assert!(!logged.text().contains("f1rst") && !logged.text().contains("sec0nd"));
    store.close().await;
    login.end().await;
}

#[tokio::test]
async fn an_address_that_nobody_renews_stays() {
    let database = Database::new();
    let mut login = Login::of(&database).await;
    let options = MysqlOptions { renewed: None, ..login.options(&database) };
    let store = MysqlStore::connect(&options).await.unwrap();
    login.write("sec0nd");
    login.change("sec0nd").await;
    let refused = store.log_ids().await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    store.close().await;
    login.end().await;
}
