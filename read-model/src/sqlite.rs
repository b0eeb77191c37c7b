//! The read model in one SQLite file. Owns its connections and transactions; what stands in a row
//! is `sql`'s. Must not know what a row means.

mod dialect;
mod fault;
mod snapshot;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use schemas::log::FilterState;
use schemas::{CustomerId, DealId, Partition, Position};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool};

use crate::fold::Changes;
use crate::row::{CommandRow, DealRow, KeyRow, OrderRow, UserRow};
use crate::sql::{commands, damaged, deals, orders, projections, users, write_rows};
use crate::store::{
    CommitError, OrderFilter, ProjectionRow, Snapshot, Store, StoreError, UserError,
};
use crate::version::{Tables, Versions, compare, warn_of_later};
use fault::{fault, migration_fault};
use snapshot::SqliteSnapshot;

/// Those of a later program stay as they are.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("migrations/sqlite");
    migrations.set_ignore_missing(true);
    migrations
});

/// Longest wait for a connection of a pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// The write-ahead log is cut back to this after a checkpoint: a long audit lets it grow.
const JOURNAL_BYTES_KEPT: &str = "67108864";
/// Pages in the write-ahead log before they are moved into the file. Histories are scattered over
/// their index: the more commits one move covers, the fewer times a page is moved.
const CHECKPOINT_PAGES: &str = "8192";
/// Memory of the connection that writes, in KiB, negative as SQLite wants it: the pages of the
/// index of histories that are touched again and again.
const WRITER_CACHE: &str = "-32768";

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Connections that read. Audits take one for as long as they run.
    pub readers: NonZeroU32,
    /// Longest wait for another process that writes to the file.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    /// 4 readers, 5 seconds.
    fn default() -> Self {
        let readers = NonZeroU32::new(4).expect("4 is not 0");
        Self { readers, busy_timeout: Duration::from_secs(5) }
    }
}

/// A read model in one SQLite file, with one connection that writes and a few that read. Clones
/// share them. Needs a tokio runtime.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file at `path`, creates it if there is none, and brings its tables up to date.
    /// The directory must exist.
    ///
    /// # Errors
    /// If the file cannot be opened, or is of a later series of programs or of none.
    pub async fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        // NORMAL: a loss of power may take back the last transactions, never a part of one or one
        // from between. Rows stand in one transaction with the filter state, so what is taken
        // back is read from the decisions log again. Accounts stand in no log: see `create_user`.
        let writes = connect_options(path, options)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("journal_size_limit", JOURNAL_BYTES_KEPT)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("cache_size", WRITER_CACHE);
        let writer = pool_options(NonZeroU32::MIN).connect_with(writes).await.map_err(fault)?;
        if let Tables::Newer(versions) = tables(&writer).await? {
            return Err(strange(versions));
        }
        MIGRATIONS.run(&writer).await.map_err(migration_fault)?;
        if let Tables::Later(versions) = tables(&writer).await? {
            warn_of_later(versions);
        }
        let reads = connect_options(path, options).read_only(true);
        let readers = pool_options(options.readers).connect_with(reads).await.map_err(fault)?;
        Ok(Self { writer, readers })
    }

    /// Opens an existing file for reading alone, also beside a service that writes to it. Calls
    /// that write answer [`StoreError::Unavailable`].
    ///
    /// # Errors
    /// If there is no such file, or this program cannot live with its tables.
    pub async fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteOptions::default();
        let reads = connect_options(path, options).read_only(true);
        let readers = pool_options(options.readers).connect_with(reads).await.map_err(fault)?;
        let store = Self { writer: readers.clone(), readers };
        match tables(&store.readers).await? {
            Tables::Own => {}
            Tables::Later(versions) => warn_of_later(versions),
            Tables::Outdated(versions) | Tables::Newer(versions) => return Err(strange(versions)),
        }
        Ok(store)
    }

    async fn read(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(fault)
    }
}

/// What the tables of a file are to this program.
async fn tables(pool: &SqlitePool) -> Result<Tables, StoreError> {
    let exists = "SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let exists: i64 = sqlx::query_scalar(exists).fetch_one(pool).await.map_err(fault)?;
    let query = "SELECT version FROM _sqlx_migrations WHERE success = 1";
    let done: Vec<i64> = match exists {
        0 => Vec::new(),
        _ => sqlx::query_scalar(query).fetch_all(pool).await.map_err(fault)?,
    };
    let own: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    Ok(compare(&done, &own))
}

fn strange(Versions { found, expected }: Versions) -> StoreError {
    damaged(format_args!("its tables are of version {found}, this program knows {expected}"))
}

fn connect_options(path: &Path, options: SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(options.busy_timeout)
        .disable_statement_logging()
}

/// Connections to a file do not go stale.
fn pool_options(connections: NonZeroU32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections.get())
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// One transaction of `Store::commit`; `step` is from where to where.
async fn commit(
    connection: &mut SqliteConnection,
    partition: Partition,
    step: (u64, &FilterState),
    changes: &[Changes],
) -> Result<(), CommitError> {
    let (expected, filter) = step;
    let log_id = filter.log_id.expect("a filter that has read something knows its log");
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(fault)?;
    if !projections::advance(&mut *transaction, log_id, partition, step).await? {
        return Err(CommitError::Moved { partition, expected });
    }
    write_rows(&mut *transaction, log_id, partition, changes).await?;
    Ok(transaction.commit().await.map_err(fault)?)
}

#[async_trait]
impl Store for SqliteStore {
    async fn log_ids(&self) -> Result<Vec<u8>, StoreError> {
        projections::log_ids(&mut *self.read().await?).await
    }

    async fn projections(&self, log_id: u8) -> Result<Vec<ProjectionRow>, StoreError> {
        projections::of_log(&mut *self.read().await?, log_id).await
    }

    async fn commit(
        &self,
        partition: Partition,
        expected: u64,
        filter: &FilterState,
        changes: &[Changes],
    ) -> Result<(), CommitError> {
        let mut writer = self.writer.acquire().await.map_err(fault)?;
        let committed = commit(&mut writer, partition, (expected, filter), changes).await;
        if matches!(committed, Err(CommitError::Store(_))) {
            // If COMMIT or ROLLBACK failed, nobody knows what this connection takes itself to be
            // in the middle of: the next commit gets another.
            writer.close_on_drop();
        }
        committed
    }

    async fn order(&self, log_id: u8, position: Position) -> Result<Option<OrderRow>, StoreError> {
        orders::one(&mut *self.read().await?, log_id, position).await
    }

    async fn command(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Option<CommandRow>, StoreError> {
        commands::one(&mut *self.read().await?, log_id, position).await
    }

    async fn orders_of(
        &self,
        customer: CustomerId,
        filter: OrderFilter,
    ) -> Result<Vec<OrderRow>, StoreError> {
        orders::of_customer(&mut *self.read().await?, customer, filter).await
    }

    async fn deals(&self, log_id: u8) -> Result<(Vec<ProjectionRow>, Vec<DealRow>), StoreError> {
        let mut snapshot = SqliteSnapshot::begin(&self.readers).await?;
        Ok((snapshot.projections(log_id).await?, snapshot.deals(log_id).await?))
    }

    async fn keys(
        &self,
        log_id: u8,
        from: Position,
        limit: u32,
    ) -> Result<Vec<KeyRow>, StoreError> {
        orders::keys(&mut *self.read().await?, log_id, from, limit).await
    }

    async fn deal(&self, deal_id: DealId) -> Result<Option<DealRow>, StoreError> {
        deals::newest(&mut *self.read().await?, deal_id).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(SqliteSnapshot::begin(&self.readers).await?))
    }

    async fn create_user(&self, user: &UserRow) -> Result<(), UserError> {
        let mut connection = self.writer.acquire().await.map_err(fault)?;
        // An account that was acknowledged must survive a loss of power. Whoever gives this call
        // up half-way leaves the stricter setting behind, which costs time only.
        set_synchronous(&mut connection, "PRAGMA synchronous = FULL").await?;
        let created = users::create(&mut *connection, user).await;
        if matches!(created, Err(UserError::Store(_))) {
            connection.close_on_drop();
            return created;
        }
        set_synchronous(&mut connection, "PRAGMA synchronous = NORMAL").await?;
        created
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        users::by_email(&mut *self.read().await?, email).await
    }

    async fn order_as_of(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<(Option<ProjectionRow>, Option<OrderRow>), StoreError> {
        orders::one_as_of(&mut *self.read().await?, log_id, position).await
    }

    async fn close(&self) {
        // The writer last: it can fold the write-ahead log into the file.
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn set_synchronous(
    connection: &mut SqliteConnection,
    pragma: &'static str,
) -> Result<(), StoreError> {
    sqlx::query(pragma).execute(connection).await.map(drop).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::{SqliteOptions, SqliteStore};
    use crate::{CommitError, Store as _, StoreError, fold};
    use schemas::log::{CommandRefused, Decision, Event, FilterState, RefusalCode};
    use schemas::{Offset, Timestamp};

    fn refusal(offset: Offset) -> Decision {
        let events = vec![Event::CommandRefused(CommandRefused { code: RefusalCode::SoldOut })];
        Decision { offset, after: offset, log_time: Timestamp::EPOCH, events }
    }

    #[tokio::test]
    async fn a_full_disk_is_unavailable_and_loses_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("read-model.sqlite");
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        // SQLite answers as it does on a full disk, but only on this connection.
        let limit = "PRAGMA max_page_count = 1";
        sqlx::query(limit).execute(&store.writer).await.unwrap();
        let state =
            |read_offset| FilterState { log_id: Some(1), read_offset, ..FilterState::default() };
        store.commit(0, 0, &state(1), &[]).await.unwrap();
        let changes: Vec<_> = (1..2_000).flat_map(|it| fold(1, 0, &refusal(it))).collect();
        let refused = store.commit(0, 1, &state(2), &changes).await;
        let unavailable = matches!(refused, Err(CommitError::Store(StoreError::Unavailable(_))));
        assert!(unavailable, "{refused:?}");
        assert_eq!(store.projections(1).await.unwrap()[0].filter, state(1));
        sqlx::query("PRAGMA max_page_count = 100000").execute(&store.writer).await.unwrap();
        store.commit(0, 1, &state(2), &changes).await.unwrap();
    }
}
