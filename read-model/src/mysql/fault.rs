//! What the server's errors mean to a caller: come back later, or the tables are not what they
//! should be. Must not repeat an address: it may hold a password.

use sqlx::mysql::MySqlDatabaseError;

use crate::sql::damaged;
use crate::store::StoreError;

/// There is no such table.
const NO_TABLE: u16 = 1146;
/// Two transactions waited for each other and this one was given up, it waited too long for a
/// lock, or a row has changed under its snapshot.
const CONFLICTS: [u16; 3] = [1213, 1205, 1020];
/// Not this user, not with this password, not on this database.
const REFUSED_LOGINS: [u16; 3] = [1045, 1698, 1044];
/// Statements and values that these tables do not take: no such column, wrong number of columns,
/// syntax, duplicate key, no value, null, too long, out of range, of another type.
const DAMAGE: [u16; 14] =
    [1054, 1136, 1064, 1062, 1364, 1048, 1406, 1264, 1366, 1292, 1265, 1411, 1690, 3140];

/// What an error of the database means. All that is not known to be damage may pass: connections,
/// failovers (a server that only reads), full disks, limits, rights that were not given yet.
pub(super) fn fault(error: sqlx::Error) -> StoreError {
    match number(&error) {
        Some(NO_TABLE) => damaged(format_args!("{error}; run `timedeal migrate`")),
        Some(number) if DAMAGE.contains(&number) => damaged(error),
        Some(_) => StoreError::Unavailable(error.into()),
        None if is_of_a_value(&error) => damaged(error),
        None => StoreError::Unavailable(error.into()),
    }
}

/// Whether nothing was wrong but that somebody else was there too.
pub(super) fn is_conflict(fault: &StoreError) -> bool {
    let StoreError::Unavailable(source) = fault else { return false };
    let number = source.downcast_ref::<sqlx::Error>().and_then(number);
    number.is_some_and(|number| CONFLICTS.contains(&number))
}

/// Whether the server does not let us in, as we say who we are.
pub(super) fn is_refused_login(error: &sqlx::Error) -> bool {
    number(error).is_some_and(|number| REFUSED_LOGINS.contains(&number))
}

/// Whether a statement failed because there is no such table.
pub(super) fn is_missing_table(error: &sqlx::Error) -> bool {
    number(error) == Some(NO_TABLE)
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

fn is_of_a_value(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
    )
}
