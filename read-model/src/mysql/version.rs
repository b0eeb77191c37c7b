//! The version of the tables: can this program live with it, and making it so. Only `migrate` ever
//! changes what a table is.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::fault::{fault, is_missing_table};
use super::options::OpenError;
use crate::sql::damaged;
use crate::store::StoreError;
use crate::version::{Tables, Versions, compare, warn_of_later};

/// Those of a later program stay as they are.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("migrations/mysql");
    migrations.set_ignore_missing(true);
    migrations
});

/// Longest wait for a connection to migrate with.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The migrator's own lock asks to wait for ever, which MariaDB takes for an error, and then it
/// goes on without. This one is by the name of the database and has an end.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('timedeal ', MD5(DATABASE())), 60)";
/// While a change waits for a table that is being read, all later readers of it wait as well.
const BE_BRIEF: &str = "SET SESSION lock_wait_timeout = 5";
/// What was cut off is done again: each migration is a statement that may come twice.
const FORGET_UNFINISHED: &str = "DELETE FROM _sqlx_migrations WHERE success = FALSE";

/// Whether this program can live with the tables.
pub(super) async fn check(connection: &mut MySqlConnection) -> Result<(), OpenError> {
    let query = "SELECT version FROM _sqlx_migrations WHERE success = TRUE";
    let done: Vec<i64> = match sqlx::query_scalar(query).fetch_all(connection).await {
        Ok(done) => done,
        Err(error) if is_missing_table(&error) => Vec::new(),
        Err(error) => return Err(fault(error).into()),
    };
    let own: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    match compare(&done, &own) {
        Tables::Own => {}
        Tables::Later(versions) => warn_of_later(versions),
        Tables::Outdated(Versions { found, expected }) => {
            return Err(OpenError::Outdated { found, expected });
        }
        Tables::Newer(Versions { found, expected }) => {
            return Err(OpenError::Newer { found, expected });
        }
    }
    Ok(())
}

/// Brings the tables to this program's version. Whoever comes second waits and finds it done.
pub(super) async fn migrate(address: &MySqlConnectOptions) -> Result<(), OpenError> {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, address.connect()).await;
    let late = |_| StoreError::Unavailable("the server does not answer".into());
    let mut connection = connecting.map_err(late)?.map_err(fault)?;
    // Its locks go with the connection, whatever happens.
    let migrated = migrate_locked(&mut connection).await;
    connection.close().await.ok();
    migrated
}

async fn migrate_locked(connection: &mut MySqlConnection) -> Result<(), OpenError> {
    let locked = sqlx::query_scalar::<_, Option<i64>>(LOCK).fetch_one(&mut *connection).await;
    if locked.map_err(fault)? != Some(1) {
        return Err(StoreError::Unavailable("somebody else is migrating".into()).into());
    }
    match check(connection).await {
        Err(OpenError::Outdated { .. }) => {}
        other => return other,
    }
    sqlx::query(BE_BRIEF).execute(&mut *connection).await.map_err(fault)?;
    match sqlx::query(FORGET_UNFINISHED).execute(&mut *connection).await {
        Ok(_) => {}
        Err(error) if is_missing_table(&error) => {}
        Err(error) => return Err(fault(error).into()),
    }
    // `run` would do, but what it takes cannot be sent between threads.
    MIGRATIONS.run_direct(None, connection, false).await.map_err(migration_fault)?;
    check(connection).await
}

fn migration_fault(error: MigrateError) -> OpenError {
    let text = error.to_string();
    if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
        return fault(error).into();
    }
    damaged(text).into()
}
