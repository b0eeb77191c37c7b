//! Statements over many rows, in few shapes: each shape is prepared once per connection and kept,
//! where a statement of every length would drive all others out of the cache.

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::Statement;

/// Shapes have 1, 2, 4 … 2^(SHAPES − 1) rows: the longest is far below SQLite's 32,766 values, and
/// beyond it nothing is gained.
const SHAPES: usize = 9;

/// A statement for each power of two of rows.
pub(super) struct Shapes([String; SHAPES]);

impl Shapes {
    /// `head`, then `group` once per row with commas between, then `tail`.
    pub(super) fn new(head: &str, group: &str, tail: &str) -> Self {
        let shape = |index: usize| {
            let groups = vec![group; 1 << index].join(",");
            format!("{head}{groups}{tail}")
        };
        Self(std::array::from_fn(shape))
    }

    /// An insert of `columns` with what to do if the row is there already.
    pub(super) fn insert(table: &str, columns: &str, tail: &str) -> Self {
        let values = vec!["?"; columns.split(',').count()].join(",");
        let head = format!("INSERT INTO {table} ({columns}) VALUES ");
        Self::new(&head, &format!("({values})"), tail)
    }

    /// The longest shape that `rows` fill, and how many they are.
    fn filled_by(&'static self, rows: usize) -> (usize, &'static str) {
        let index = (usize::try_from(rows.ilog2()).expect("fits")).min(SHAPES - 1);
        (1 << index, &self.0[index])
    }

    /// The shortest shape that holds `rows`, or the longest, and how many it holds.
    fn holding(&'static self, rows: usize) -> (usize, &'static str) {
        let longest = 1 << (SHAPES - 1);
        let length = rows.min(longest).next_power_of_two();
        (length, &self.0[usize::try_from(length.ilog2()).expect("fits")])
    }
}

/// Executes the statements for all rows; `bind` binds the values of one.
pub(super) async fn write<R: Copy + Sync>(
    connection: &mut SqliteConnection,
    shapes: &'static Shapes,
    mut rows: &[R],
    bind: impl Fn(Statement, R) -> Statement + Send,
) -> Result<(), sqlx::Error> {
    while !rows.is_empty() {
        let (count, sql) = shapes.filled_by(rows.len());
        let (chunk, rest) = rows.split_at(count);
        let mut statement = sqlx::query(sql);
        for row in chunk {
            statement = bind(statement, *row);
        }
        statement.execute(&mut *connection).await?;
        rows = rest;
    }
    Ok(())
}

/// Rows whose key is among `keys`; `bind` binds the values before them. What a shape holds more
/// than there are keys is filled with the last key again.
pub(super) async fn select<K: Copy + Sync>(
    connection: &mut SqliteConnection,
    shapes: &'static Shapes,
    mut keys: &[K],
    (first, bind): (
        impl Fn(Statement) -> Statement + Send,
        impl Fn(Statement, K) -> Statement + Send,
    ),
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let mut rows = Vec::with_capacity(keys.len());
    while let Some(last) = keys.last() {
        let (length, sql) = shapes.holding(keys.len());
        let (chunk, rest) = keys.split_at(length.min(keys.len()));
        let padding = std::iter::repeat_n(last, length - chunk.len());
        let mut statement = first(sqlx::query(sql));
        for key in chunk.iter().chain(padding) {
            statement = bind(statement, *key);
        }
        rows.extend(statement.fetch_all(&mut *connection).await?);
        keys = rest;
    }
    Ok(rows)
}
