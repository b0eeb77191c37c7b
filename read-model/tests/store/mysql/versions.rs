//! Versions of the tables.

use read_model::{MysqlStore, OpenError, Store as _, StoreError};

use super::Database;
use crate::world::World;
use crate::{Backend as _, LOG, commit};

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
async fn tables_of_a_newer_program_are_refused() {
    let database = Database::new();
    let options = database.migrated().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
                 execution_time) VALUES (999, 'newer', TRUE, X'00', 0)";
    database.execute(newer).await;
    let refused = MysqlStore::connect(&options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 999, .. }), "{refused:?}");
    let refused = MysqlStore::open_read_only(&options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 999, .. }), "{refused:?}");
    let refused = MysqlStore::migrate(&options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 999, .. }), "{refused:?}");
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
