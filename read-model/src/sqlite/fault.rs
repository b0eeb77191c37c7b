//! What SQLite's errors mean to a caller: come back later, or the file is not what it should be.

use sqlx::migrate::MigrateError;

use crate::store::StoreError;

/// Primary result codes after which the same call may succeed later: permission, busy, locked, no
/// memory, read-only, interrupted, input/output, full, cannot open, protocol, too large a file,
/// authorization.
const TRANSIENT: [u32; 12] = [3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 22, 23];

/// What an error of the database means.
pub(super) fn fault(error: sqlx::Error) -> StoreError {
    if is_damage(&error) {
        StoreError::Damaged(error.to_string().into())
    } else {
        StoreError::Unavailable(error.into())
    }
}

/// What an error of a migration means.
pub(super) fn migration_fault(error: MigrateError) -> StoreError {
    let text = error.to_string();
    if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error
        && !is_damage(&error)
    {
        return StoreError::Unavailable(error.into());
    }
    StoreError::Damaged(text.into())
}

fn is_damage(error: &sqlx::Error) -> bool {
    match error.as_database_error() {
        // The extended code has the primary one in its lowest byte.
        Some(error) => {
            let code = error.code().and_then(|code| code.parse::<u32>().ok());
            code.is_none_or(|code| !TRANSIENT.contains(&(code & 0xff)))
        }
        None => matches!(
            error,
            sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::ColumnIndexOutOfBounds { .. }
        ),
    }
}
