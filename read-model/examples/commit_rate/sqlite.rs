//! One file.

use std::path::Path;

use read_model::{SqliteOptions, SqliteStore, Store as _};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::{Outcome, bind_order, fill, insert_sql, report};

/// As many rows as the longest statement of the store.
const ROWS: usize = 256;

pub(crate) async fn measure(orders: u64, batch: u64) -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let seconds = bare(&directory.path().join("bare.sqlite"), orders, batch).await?;
    report("bare insert", orders, seconds);
    let path = directory.path().join("store.sqlite");
    let store = SqliteStore::open(&path, SqliteOptions::default()).await?;
    crate::measure(&store, orders, batch).await?;
    store.close().await;
    Ok(())
}

/// The same columns, indexes, batches and settings, from bare loops.
async fn bare(path: &Path, orders: u64, batch: u64) -> Outcome<f64> {
    SqliteStore::open(path, SqliteOptions::default()).await?.close().await;
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("wal_autocheckpoint", "8192")
        .pragma("cache_size", "-32768")
        .disable_statement_logging()
        .connect()
        .await?;
    let seconds = fill!(connection, insert, ROWS, (orders, batch));
    connection.close().await?;
    Ok(seconds)
}

async fn insert(connection: &mut SqliteConnection, from: u64, rows: usize) -> Outcome<()> {
    let mut query = sqlx::query(AssertSqlSafe(insert_sql(rows, "")));
    for offset in (from..).take(rows) {
        query = bind_order!(query, offset);
    }
    query.execute(connection).await?;
    Ok(())
}
