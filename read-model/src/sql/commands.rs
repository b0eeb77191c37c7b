//! The table of commands that did not become orders.

use schemas::Position;
use schemas::log::RefusalCode;

use super::dialect::Table;
use super::values::{Bind, Columns, Row};
use super::{Connection, read, read_one, shapes};
use crate::row::CommandRow;
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "log_id, partition_id, command_offset, decided_at, refusal, first_offset"
    };
}

/// Nothing ever changes about a command that was answered.
pub(super) const TABLE: Table = Table {
    name: "commands",
    columns: columns!(),
    key: "log_id, partition_id, command_offset",
    changing: &[],
    rows_max: 1_024,
};

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

pub(crate) async fn insert<C: Connection>(
    connection: &mut C,
    rows: &[&CommandRow],
) -> Result<(), StoreError> {
    shapes::write(connection, &C::dialect().insert_commands, rows, bind).await.map_err(C::fault)
}

pub(crate) async fn one<C: Connection>(
    connection: &mut C,
    log_id: u8,
    position: Position,
) -> Result<Option<CommandRow>, StoreError> {
    read_one(connection, place(C::statement(ONE), log_id, position), decode).await
}

pub(crate) async fn page<C: Connection>(
    connection: &mut C,
    log_id: u8,
    from: Position,
    limit: u32,
) -> Result<Vec<CommandRow>, StoreError> {
    let statement = place(C::statement(PAGE), log_id, from).number(limit);
    read(connection, statement, decode).await
}

fn place<S: Bind>(statement: S, log_id: u8, position: Position) -> S {
    statement.number(log_id).number(position.partition).unsigned(position.offset)
}

fn bind<S: Bind>(statement: S, row: &CommandRow) -> S {
    place(statement, row.log_id, row.position)
        .time(Some(row.decided_at))
        .text(row.refusal.map(RefusalCode::as_str))
        .integer(row.first.map(u64::cast_signed))
}

fn decode(row: &impl Row) -> Result<CommandRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(CommandRow {
        log_id: columns.number()?,
        position: Position { partition: columns.number()?, offset: columns.unsigned()? },
        decided_at: columns.time()?,
        refusal: columns.listed(RefusalCode::parse)?,
        first: columns.optional_integer()?.map(i64::cast_unsigned),
    })
}
