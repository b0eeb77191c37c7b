//! The table of accounts.

use schemas::CustomerId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::{Bind as _, Columns};
use super::fault::{damaged, fault};
use crate::row::UserRow;
use crate::store::{StoreError, UserError};

const CREATE: &str = "INSERT INTO users (customer, email, name, password_hash, created_at) \
                      VALUES (?, ?, ?, ?, ?)";

const BY_EMAIL: &str =
    "SELECT customer, email, name, password_hash, created_at FROM users WHERE email = ?";

pub(super) async fn create(
    connection: &mut SqliteConnection,
    user: &UserRow,
) -> Result<(), UserError> {
    let statement = sqlx::query(CREATE)
        .id(user.customer.0)
        .text(Some(&user.email))
        .text(Some(&user.name))
        .text(Some(&user.password_hash))
        .time(Some(user.created_at));
    let Err(error) = statement.execute(&mut *connection).await else { return Ok(()) };
    let twice = error.as_database_error().is_some_and(|error| error.is_unique_violation());
    if !twice {
        return Err(fault(error).into());
    }
    // Of the two that must be unique only the address can be another person's.
    match by_email(connection, &user.email).await? {
        Some(_) => Err(UserError::EmailTaken),
        None => Err(damaged("the customer has an account already").into()),
    }
}

pub(super) async fn by_email(
    connection: &mut SqliteConnection,
    email: &str,
) -> Result<Option<UserRow>, StoreError> {
    let row = sqlx::query(BY_EMAIL).text(Some(email)).fetch_optional(connection).await;
    row.map_err(fault)?.as_ref().map(decode).transpose()
}

fn decode(row: &SqliteRow) -> Result<UserRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(UserRow {
        customer: CustomerId(columns.id()?),
        email: columns.text()?,
        name: columns.text()?,
        password_hash: columns.text()?,
        created_at: columns.time()?,
    })
}
