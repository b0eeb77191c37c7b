//! The statements that add rows to one table, many rows at a time where there are many: that saves
//! SQLite most of its work beside the row itself.

use rusqlite::{Connection, Statement};

use super::headers;
use super::schema::{self, COLUMNS};
use crate::contract::Stored;

/// Rows of the large statement.
const ROWS: usize = 16;

/// The statements of one table.
pub(crate) struct Inserts<'a> {
    one: Statement<'a>,
    many: Statement<'a>,
}

impl<'a> Inserts<'a> {
    pub(crate) fn prepare(connection: &'a Connection, table: &str) -> rusqlite::Result<Self> {
        let one = connection.prepare(&schema::insert_sql(table, 1))?;
        let many = connection.prepare(&schema::insert_sql(table, ROWS))?;
        Ok(Self { one, many })
    }

    /// Adds `records` as rows; `encoded` is room for their headers.
    pub(crate) fn execute(
        &mut self,
        records: &[Stored],
        encoded: &mut Vec<u8>,
    ) -> rusqlite::Result<()> {
        let (blocks, rest) = records.as_chunks::<ROWS>();
        for block in blocks {
            insert(&mut self.many, block, encoded)?;
        }
        rest.chunks(1).try_for_each(|record| insert(&mut self.one, record, encoded))
    }
}

fn insert(
    statement: &mut Statement<'_>,
    records: &[Stored],
    encoded: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    for (row, record) in records.iter().enumerate() {
        encoded.clear();
        headers::encode(&record.headers, encoded);
        let first = row * COLUMNS + 1;
        statement.raw_bind_parameter(first, schema::sql_offset(record.offset))?;
        statement.raw_bind_parameter(first + 1, record.log_time.as_millis())?;
        statement.raw_bind_parameter(first + 2, &record.key[..])?;
        statement.raw_bind_parameter(first + 3, &encoded[..])?;
        statement.raw_bind_parameter(first + 4, &record.payload[..])?;
    }
    statement.raw_execute().map(drop)
}
