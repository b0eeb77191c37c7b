//! What the databases have in common: which columns stand where, how rows are bound and read, and
//! the statements that are the same on all of them. Transactions, faults and the words in which the
//! databases differ are theirs; this module must not know which one it speaks to.

pub(crate) mod commands;
pub(crate) mod deals;
pub(crate) mod dialect;
pub(crate) mod orders;
pub(crate) mod projections;
mod shapes;
pub(crate) mod users;
pub(crate) mod values;

use schemas::Partition;

use crate::batch::{Batch, Needs};
use crate::fold::Changes;
use crate::store::StoreError;
use dialect::Dialect;
use values::{Bind, Row};

/// A connection to a database, as far as rows need one.
pub(crate) trait Connection: Send {
    /// A statement whose values are being bound.
    type Statement: Bind;
    /// A row that was read.
    type Row: Row;

    /// The words of this database.
    fn dialect() -> &'static Dialect;

    /// A statement that is prepared once and kept.
    fn statement(sql: &'static str) -> Self::Statement;

    /// Executes, and tells how many rows were inserted or matched.
    fn execute(
        &mut self,
        statement: Self::Statement,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// All rows of the answer.
    fn fetch_all(
        &mut self,
        statement: Self::Statement,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// What an error of this database means.
    fn fault(error: sqlx::Error) -> StoreError;
}

/// What both drivers offer under the same names.
macro_rules! connection {
    ($connection:ty, $database:ty, $dialect:expr, $fault:path) => {
        impl $crate::sql::Connection for $connection {
            type Statement =
                sqlx::query::Query<'static, $database, <$database as sqlx::Database>::Arguments>;
            type Row = <$database as sqlx::Database>::Row;

            fn dialect() -> &'static $crate::sql::dialect::Dialect {
                $dialect
            }

            fn statement(sql: &'static str) -> Self::Statement {
                sqlx::query(sql)
            }

            async fn execute(&mut self, statement: Self::Statement) -> Result<u64, sqlx::Error> {
                statement.execute(self).await.map(|done| done.rows_affected())
            }

            async fn fetch_all(
                &mut self,
                statement: Self::Statement,
            ) -> Result<Vec<Self::Row>, sqlx::Error> {
                statement.fetch_all(self).await
            }

            fn fault(error: sqlx::Error) -> $crate::store::StoreError {
                $fault(error)
            }
        }
    };
}
pub(crate) use connection;

/// A value that this program would not have written.
pub(crate) fn damaged(what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(what.to_string().into())
}

async fn read<C: Connection, T>(
    connection: &mut C,
    statement: C::Statement,
    decode: impl Fn(&C::Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let rows = connection.fetch_all(statement).await.map_err(C::fault)?;
    rows.iter().map(decode).collect()
}

/// The row of a statement that has one at most.
async fn read_one<C: Connection, T>(
    connection: &mut C,
    statement: C::Statement,
    decode: impl Fn(&C::Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let rows = connection.fetch_all(statement).await.map_err(C::fault)?;
    rows.first().map(decode).transpose()
}

/// Writes each row that the changes touch once, as it is after them.
pub(crate) async fn write_rows(
    connection: &mut impl Connection,
    log_id: u8,
    partition: Partition,
    changes: &[Changes],
) -> Result<(), StoreError> {
    let needs = Needs::of(changes);
    let orders = orders::among(connection, log_id, partition, &needs.orders).await?;
    let deals = deals::among(connection, log_id, &needs.deals).await?;
    let mut batch = Batch::new(log_id, partition, orders, deals);
    for change in changes {
        batch.apply(change).map_err(StoreError::Damaged)?;
    }
    let products: Vec<_> = batch.products.values().copied().collect();
    deals::upsert_products(connection, &products).await?;
    let deals: Vec<_> = batch.deals.values().map(AsRef::as_ref).collect();
    deals::upsert(connection, &deals).await?;
    let orders: Vec<_> = batch.orders.values().map(AsRef::as_ref).collect();
    orders::upsert(connection, &orders).await?;
    let commands: Vec<_> = batch.commands.values().copied().collect();
    commands::insert(connection, &commands).await
}
