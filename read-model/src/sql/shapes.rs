//! Statements over many rows, in few shapes: each shape is prepared once per connection and kept,
//! where a statement of every length would drive all others out of the cache.

use super::Connection;
use super::dialect::Table;

/// Most keys that one statement asks for: some databases make a table of a longer list.
const KEYS_MAX: usize = 256;

/// A statement for each power of two of rows.
pub(super) struct Shapes(Vec<String>);

impl Shapes {
    /// `head`, then `group` once per row with commas between, then `tail`, for 1, 2, 4 … `rows_max`
    /// rows.
    fn new(head: &str, group: &str, tail: &str, rows_max: usize) -> Self {
        assert!(rows_max.is_power_of_two());
        let shape = |index: u32| {
            let groups = vec![group; 1 << index].join(",");
            format!("{head}{groups}{tail}")
        };
        Self((0..=rows_max.ilog2()).map(shape).collect())
    }

    /// An insert with what to do if the row is there already.
    pub(super) fn insert(table: &Table, if_present: &str, rows_max: usize) -> Self {
        let Table { name, columns, .. } = table;
        let values = vec!["?"; columns.split(',').count()].join(",");
        let head = format!("INSERT INTO {name} ({columns}) VALUES ");
        Self::new(&head, &format!("({values})"), if_present, rows_max)
    }

    /// Rows whose key is in a list that `head` opens.
    pub(super) fn among(head: &str) -> Self {
        Self::new(head, "?", ")", KEYS_MAX)
    }

    fn longest(&self) -> usize {
        1 << (self.0.len() - 1)
    }

    fn of(&'static self, rows: usize) -> &'static str {
        &self.0[usize::try_from(rows.ilog2()).expect("fits")]
    }

    /// The longest shape that `rows` fill, and how many they are.
    fn filled_by(&'static self, rows: usize) -> (usize, &'static str) {
        let filled = (1 << rows.ilog2()).min(self.longest());
        (filled, self.of(filled))
    }

    /// The shortest shape that holds `rows`, or the longest, and how many it holds.
    fn holding(&'static self, rows: usize) -> (usize, &'static str) {
        let length = rows.min(self.longest()).next_power_of_two();
        (length, self.of(length))
    }
}

/// Executes the statements for all rows; `bind` binds the values of one.
pub(super) async fn write<C: Connection, R: Copy + Sync>(
    connection: &mut C,
    shapes: &'static Shapes,
    mut rows: &[R],
    bind: impl Fn(C::Statement, R) -> C::Statement + Send,
) -> Result<(), sqlx::Error> {
    while !rows.is_empty() {
        let (count, sql) = shapes.filled_by(rows.len());
        let (chunk, rest) = rows.split_at(count);
        let statement = chunk.iter().fold(C::statement(sql), |it, row| bind(it, *row));
        connection.execute(statement).await?;
        rows = rest;
    }
    Ok(())
}

/// Rows whose key is among `keys`; `bind` binds the values before them. What a shape holds more
/// than there are keys is filled with the last key again.
pub(super) async fn select<C: Connection, K: Copy + Sync>(
    connection: &mut C,
    shapes: &'static Shapes,
    mut keys: &[K],
    (first, bind): (
        impl Fn(C::Statement) -> C::Statement + Send,
        impl Fn(C::Statement, K) -> C::Statement + Send,
    ),
) -> Result<Vec<C::Row>, sqlx::Error> {
    let mut rows = Vec::with_capacity(keys.len());
    while let Some(last) = keys.last() {
        let (length, sql) = shapes.holding(keys.len());
        let (chunk, rest) = keys.split_at(length.min(keys.len()));
        let padding = std::iter::repeat_n(last, length - chunk.len());
        let statement = first(C::statement(sql));
        let statement = chunk.iter().chain(padding).fold(statement, |it, key| bind(it, *key));
        rows.extend(connection.fetch_all(statement).await?);
        keys = rest;
    }
    Ok(rows)
}
