//! Versions of the tables.

use read_model::{MysqlStore, OpenError, Store as _, StoreError};
use sqlx::Connection as _;

use super::Database;
use super::logged::Logged;
use crate::naive::{Naive, stored};
use crate::world::World;
use crate::{Backend as _, LOG, commit};

impl Database {
    /// As a newer program's `migrate` does.
    async fn note_migration(&self, version: i64) {
        let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
                   execution_time) VALUES (?, 'newer', TRUE, X'00', 0)";
        let mut connection = self.connection().await;
        sqlx::query(sql).bind(version).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn tables_that_are_not_there_are_to_be_migrated() {
    let database = Database::new();
    database.create().await;
    let refused = MysqlStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Outdated { found: 0, .. }), "{refused:?}");
    assert!(refused.to_string().contains("timedeal migrate"), "{refused}");
    let refused = MysqlStore::open_read_only(&database.options()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Outdated { found: 0, .. }), "{refused:?}");
}

#[tokio::test]
async fn migrating_again_keeps_what_is_there() {
    let database = Database::new();
    let store = database.store().await;
    commit(&store, 0, &[World::new().decide((0, 1, 0))]).await.unwrap();
    MysqlStore::migrate(&database.options()).await.unwrap();
    assert_eq!(store.log_ids().await.unwrap(), [LOG]);
}

#[tokio::test]
async fn several_may_migrate_at_once() {
    let database = Database::new();
    database.create().await;
    let options = database.options();
    let migrate = || MysqlStore::migrate(&options);
    let (one, two, three, four) = tokio::join!(migrate(), migrate(), migrate(), migrate());
    for outcome in [one, two, three, four] {
        outcome.unwrap();
    }
    MysqlStore::connect(&options).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_was_cut_off_is_done_again() {
    let database = Database::new();
    database.migrated().await;
    // As if the process had ended on either side of the statement.
    database.execute("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 7").await;
    database.execute("DELETE FROM _sqlx_migrations WHERE version = 6").await;
    database.execute("DROP TABLE commands").await;
    let refused = MysqlStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Outdated { found: 5, .. }), "{refused:?}");
    MysqlStore::migrate(&database.options()).await.unwrap();
    let store = MysqlStore::connect(&database.options()).await.unwrap();
    commit(&store, 0, &[World::new().decide((18, 0, 0))]).await.unwrap();
}

#[tokio::test]
async fn an_older_program_goes_on_beside_a_newer_one_of_its_series() {
    let database = Database::new();
    let before = database.store().await;
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&before, 0, &decisions[..1]).await.unwrap();
    database
        .execute("ALTER TABLE orders ADD COLUMN gift INT NOT NULL DEFAULT 0, ADD KEY gifts (gift)")
        .await;
    database.execute("CREATE TABLE gifts (id INT NOT NULL PRIMARY KEY)").await;
    database.note_migration(999).await;
    commit(&before, 1, &decisions[1..]).await.unwrap();
    // So does one that is started now.
    MysqlStore::migrate(&database.options()).await.unwrap();
    let logged = Logged::here();
    let after = MysqlStore::connect(&database.options()).await.unwrap();
    commit(&after, 2, &[]).await.unwrap();
    assert_eq!(logged.warnings("newer program"), 1, "{}", logged.text());
    assert_eq!(stored(&after, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
    commit(&after, 2, &[world.decide((1, 1, 1))]).await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_added_beside_what_a_newer_program_has_added() {
    let database = Database::new();
    database.migrated().await;
    database.note_migration(999).await;
    database.execute("DELETE FROM _sqlx_migrations WHERE version = 6").await;
    database.execute("DROP TABLE commands").await;
    let refused = MysqlStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Outdated { found: 999, .. }), "{refused:?}");
    let store = database.store().await;
    commit(&store, 0, &[World::new().decide((18, 0, 0))]).await.unwrap();
}

#[tokio::test]
async fn tables_of_a_later_series_are_refused() {
    let database = Database::new();
    let options = database.migrated().await;
    database.note_migration(1_000).await;
    let refused = MysqlStore::connect(&options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 1_000, .. }), "{refused:?}");
    let refused = MysqlStore::open_read_only(&options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 1_000, .. }), "{refused:?}");
    let refused = MysqlStore::migrate(&options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 1_000, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_table_that_went_away_says_what_to_run() {
    let database = Database::new();
    let store = database.store().await;
    database.execute("DROP TABLE commands").await;
    let refused = commit(&store, 0, &[World::new().decide((18, 0, 0))]).await.unwrap_err();
    assert!(refused.to_string().contains("timedeal migrate"), "{refused}");
    let position = schemas::Position { partition: 0, offset: 1 };
    let refused = store.command(LOG, position).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged(_)), "{refused:?}");
    assert!(refused.to_string().contains("timedeal migrate"), "{refused}");
}

/// What only adds has none of these words.
#[test]
fn migrations_of_the_first_series_only_add() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let words = ["DROP", "RENAME", "MODIFY", "CHANGE", "ALTER COLUMN", "DELETE", "UPDATE"];
    let mut read = 0;
    for database in ["mysql", "sqlite"] {
        for file in std::fs::read_dir(folder.join(database)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let (version, _) = name.split_once('_').expect("a number stands first");
            if version.parse::<i64>().unwrap() >= 1_000 {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
            let sql = lines.collect::<Vec<_>>().join("\n").to_uppercase();
            let found = words.iter().find(|word| sql.contains(*word));
            assert_eq!(found, None, "{name} begins a new series, or does without");
            read += 1;
        }
    }
    assert!(read > 1, "{read}");
}
