//! The table of commands that did not become orders.

use std::sync::LazyLock;

use schemas::Position;
use schemas::log::RefusalCode;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::{Bind as _, Columns, Statement};
use super::fault::fault;
use super::shapes::{self, Shapes};
use crate::row::CommandRow;
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "log_id, partition_id, command_offset, decided_at, refusal, first_offset"
    };
}

/// Nothing ever changes about a command that was answered.
static INSERT: LazyLock<Shapes> = LazyLock::new(|| {
    let tail = " ON CONFLICT (log_id, partition_id, command_offset) DO NOTHING";
    Shapes::insert("commands", columns!(), tail)
});

const ONE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM commands WHERE log_id = ? AND partition_id = ? AND command_offset = ?"
);

const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM commands WHERE log_id = ? AND partition_id = ? AND command_offset >= ?",
    " ORDER BY command_offset LIMIT ?"
);

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    rows: &[&CommandRow],
) -> Result<(), StoreError> {
    shapes::write(connection, &INSERT, rows, bind).await.map_err(fault)
}

pub(super) async fn one(
    connection: &mut SqliteConnection,
    log_id: u8,
    position: Position,
) -> Result<Option<CommandRow>, StoreError> {
    let row = place(sqlx::query(ONE), log_id, position).fetch_optional(connection).await;
    row.map_err(fault)?.as_ref().map(decode).transpose()
}

pub(super) async fn page(
    connection: &mut SqliteConnection,
    log_id: u8,
    from: Position,
    limit: u32,
) -> Result<Vec<CommandRow>, StoreError> {
    let statement = place(sqlx::query(PAGE), log_id, from).bind(limit);
    let rows = statement.fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(decode).collect()
}

fn place(statement: Statement, log_id: u8, position: Position) -> Statement {
    statement.bind(log_id).bind(position.partition).unsigned(position.offset)
}

fn bind(statement: Statement, row: &CommandRow) -> Statement {
    place(statement, row.log_id, row.position)
        .time(Some(row.decided_at))
        .bind(row.refusal.map(RefusalCode::as_str))
        .bind(row.first.map(u64::cast_signed))
}

fn decode(row: &SqliteRow) -> Result<CommandRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(CommandRow {
        log_id: columns.number()?,
        position: Position { partition: columns.number()?, offset: columns.unsigned()? },
        decided_at: columns.time()?,
        refusal: columns.listed(RefusalCode::parse)?,
        first: columns.value::<Option<i64>>()?.map(i64::cast_unsigned),
    })
}
