//! The table of accounts.

use schemas::CustomerId;

use super::values::{Bind as _, Columns, Row};
use super::{Connection, damaged, read_one};
use crate::row::UserRow;
use crate::store::{StoreError, UserError};

const CREATE: &str = "INSERT INTO users (customer, email, name, password_hash, created_at) \
                      VALUES (?, ?, ?, ?, ?)";

const BY_EMAIL: &str =
    "SELECT customer, email, name, password_hash, created_at FROM users WHERE email = ?";

pub(crate) async fn create<C: Connection>(
    connection: &mut C,
    user: &UserRow,
) -> Result<(), UserError> {
    let statement = C::statement(CREATE)
        .id(user.customer.0)
        .text(Some(&user.email))
        .text(Some(&user.name))
        .text(Some(&user.password_hash))
        .time(Some(user.created_at));
    let Err(error) = connection.execute(statement).await else { return Ok(()) };
    let twice = error.as_database_error().is_some_and(|error| error.is_unique_violation());
    if !twice {
        return Err(C::fault(error).into());
    }
    // Of the two that must be unique only the address can be another person's.
    match by_email(connection, &user.email).await? {
        Some(_) => Err(UserError::EmailTaken),
        None => Err(damaged("the customer has an account already").into()),
    }
}

pub(crate) async fn by_email<C: Connection>(
    connection: &mut C,
    email: &str,
) -> Result<Option<UserRow>, StoreError> {
    read_one(connection, C::statement(BY_EMAIL).text(Some(email)), decode).await
}

fn decode(row: &impl Row) -> Result<UserRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(UserRow {
        customer: CustomerId(columns.id()?),
        email: columns.text()?,
        name: columns.text()?,
        password_hash: columns.text()?,
        created_at: columns.time()?,
    })
}
