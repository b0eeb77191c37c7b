//! The SQLite backend, and what only a file can have happen to it.

use std::sync::Arc;

use read_model::{SqliteOptions, SqliteStore, Store, StoreError};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::naive::{Naive, stored};
use crate::world::World;
use crate::{Backend, LOG, commit};

pub(crate) struct SqliteFile {
    directory: TempDir,
}

impl SqliteFile {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("read-model.sqlite")
    }

    async fn open_file(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), SqliteOptions::default()).await.unwrap()
    }

    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path());
        SqliteConnection::connect_with(&options).await.unwrap()
    }
}

impl Backend for SqliteFile {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.open_file().await)
    }

    async fn execute(&self, sql: &'static str) {
        let mut connection = self.connect().await;
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_audit_reads_beside_a_service_and_writes_nothing() {
    let file = SqliteFile::new();
    let service = file.open_file().await;
    let decisions = [World::new().decide((0, 1, 0))];
    commit(&service, 0, &decisions).await.unwrap();
    let audit = SqliteStore::open_read_only(&file.path()).await.unwrap();
    let expected = (1, Naive::of(LOG, 0, &decisions));
    assert_eq!(stored(&audit, LOG, 0, 10).await, expected);
    let refused = commit(&audit, 1, &[]).await.unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
    service.close().await;
    assert_eq!(stored(&audit, LOG, 0, 10).await, expected);
}

#[tokio::test]
async fn an_audit_reads_the_file_of_a_stopped_service() {
    let file = SqliteFile::new();
    let service = file.open_file().await;
    commit(&service, 0, &[World::new().decide((0, 1, 0))]).await.unwrap();
    service.close().await;
    let audit = SqliteStore::open_read_only(&file.path()).await.unwrap();
    assert_eq!(audit.log_ids().await.unwrap(), [LOG]);
}

#[tokio::test]
async fn an_audit_does_not_make_a_file() {
    let file = SqliteFile::new();
    let refused = SqliteStore::open_read_only(&file.path()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(!file.path().exists());
}

#[tokio::test]
async fn a_file_of_another_program_is_damage() {
    let file = SqliteFile::new();
    std::fs::write(file.path(), "no database at all, but long enough to be looked at").unwrap();
    let opened = SqliteStore::open(&file.path(), SqliteOptions::default()).await;
    assert!(matches!(opened, Err(StoreError::Damaged(_))), "{opened:?}");
}

#[tokio::test]
async fn a_file_of_a_newer_program_of_the_same_series_is_opened() {
    let file = SqliteFile::new();
    file.open_file().await.close().await;
    file.execute("ALTER TABLE orders ADD COLUMN gift INTEGER NOT NULL DEFAULT 0").await;
    file.execute(
        "INSERT INTO _sqlx_migrations \
         SELECT 999, 'newer', installed_on, 1, checksum, 0 FROM _sqlx_migrations",
    )
    .await;
    let store = file.open_file().await;
    let decisions = [World::new().decide((0, 1, 0))];
    commit(&store, 0, &decisions).await.unwrap();
    let audit = SqliteStore::open_read_only(&file.path()).await.unwrap();
    assert_eq!(stored(&audit, LOG, 0, 10).await, (1, Naive::of(LOG, 0, &decisions)));
}

#[tokio::test]
async fn a_file_of_a_later_series_is_refused() {
    let file = SqliteFile::new();
    file.open_file().await.close().await;
    file.execute(
        "INSERT INTO _sqlx_migrations \
         SELECT 1000, 'newer', installed_on, 1, checksum, 0 FROM _sqlx_migrations",
    )
    .await;
    let opened = SqliteStore::open(&file.path(), SqliteOptions::default()).await;
    assert!(matches!(opened, Err(StoreError::Damaged(_))), "{opened:?}");
    let audited = SqliteStore::open_read_only(&file.path()).await;
    assert!(matches!(audited, Err(StoreError::Damaged(_))), "{audited:?}");
}

#[tokio::test]
async fn a_file_that_another_process_keeps_locked_is_unavailable() {
    let file = SqliteFile::new();
    let busy_timeout = std::time::Duration::from_millis(1);
    let options = SqliteOptions { busy_timeout, ..SqliteOptions::default() };
    let store = SqliteStore::open(&file.path(), options).await.unwrap();
    let mut other = file.connect().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let decisions = [World::new().decide((0, 1, 0))];
    let refused = commit(&store, 0, &decisions).await.unwrap_err();
    assert!(refused.to_string().contains("unavailable"), "{refused}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    commit(&store, 0, &decisions).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_sqlite_itself_gave_up_does_not_block_later_ones() {
    let file = SqliteFile::new();
    let store = file.open_file().await;
    // As a full disk may: the transaction is rolled back before anybody asks for it.
    file.execute(
        "CREATE TRIGGER breaks BEFORE INSERT ON projections \
         BEGIN SELECT RAISE(ROLLBACK, 'given up'); END",
    )
    .await;
    let decisions = [World::new().decide((0, 1, 0))];
    for _ in 0..3 {
        let refused = commit(&store, 0, &decisions).await.unwrap_err();
        assert!(refused.to_string().contains("given up"), "{refused}");
    }
    file.execute("DROP TRIGGER breaks").await;
    commit(&store, 0, &decisions).await.unwrap();
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let file = SqliteFile::new();
    let store = file.open_file().await;
    store.close().await;
    let refused = store.log_ids().await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}
