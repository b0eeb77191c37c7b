//! A server, in databases of our own that are gone afterwards.

use read_model::{MysqlOptions, MysqlStore, Store as _};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::{Outcome, bind_order, fill, insert_sql, report};

/// As many rows as the longest statement of the store.
const ROWS: usize = 1_024;

pub(crate) async fn measure(server: &str, times: u32, (orders, batch): (u64, u64)) -> Outcome<()> {
    let mut root = server.parse::<MySqlConnectOptions>()?.connect().await?;
    for _ in 0..times {
        let name = test_servers::unique("commit_rate");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&mut root).await?;
        // Parameters come last.
        let (host, parameters) = server.split_once('?').unwrap_or((server, ""));
        let outcome = compare(&format!("{host}/{name}?{parameters}"), orders, batch).await;
        let drop = AssertSqlSafe(format!("DROP DATABASE {name}"));
        sqlx::raw_sql(drop).execute(&mut root).await?;
        outcome?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
async fn compare(url: &str, orders: u64, batch: u64) -> Outcome<()> {
    let options = MysqlOptions::new(url);
    MysqlStore::migrate(&options).await?;
    let bare = bare(url, orders, batch).await?;
    report("bare upsert", orders, bare);
    let mut connection = url.parse::<MySqlConnectOptions>()?.connect().await?;
    sqlx::raw_sql("TRUNCATE TABLE orders").execute(&mut connection).await?;
    connection.close().await?;
    let store = MysqlStore::connect(&options).await?;
    let seconds = crate::measure(&store, orders, batch).await?;
    store.close().await;
    println!("new orders by bare upsert: {:.2}", bare / seconds);
    Ok(())
}

/// The same columns, indexes and batches, from a bare loop.
async fn bare(url: &str, orders: u64, batch: u64) -> Outcome<f64> {
    let options = url.parse::<MySqlConnectOptions>()?.disable_statement_logging();
    let mut connection = options.connect().await?;
    let seconds = fill!(connection, upsert, ROWS, (orders, batch));
    connection.close().await?;
    Ok(seconds)
}

async fn upsert(connection: &mut MySqlConnection, from: u64, rows: usize) -> Outcome<()> {
    let sql = insert_sql(rows, " ON DUPLICATE KEY UPDATE status = VALUES(status)");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for offset in (from..).take(rows) {
        query = bind_order!(query, offset);
    }
    query.execute(connection).await?;
    Ok(())
}
