//! The file: what stands in `log.sqlite`, how it is created, recognised and opened. The only place
//! that names tables and pragmas; it knows nothing of queues or threads.
//!
//! One table per log and partition (`commands_0`, `dead_letters_3`), with the offset as its rowid,
//! so that an append always goes to the right edge of one tree. `meta` holds the format version and
//! the partition count. The views `commands`, `decisions` and `dead_letters` are for people:
//! `sqlite3 log.sqlite 'select * from commands limit 10'`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};
use schemas::{Offset, Partition, Timestamp};

use super::error::OpenError;

/// Name of the log file in its directory.
pub(crate) const FILE: &str = "log.sqlite";

/// The version of everything in this file, `headers.rs` included.
const FORMAT: i64 = 1;

/// "TDLG": lets `file(1)` and SQLite's tools tell this file from other databases.
const APPLICATION_ID: i64 = 0x5444_4c47;

/// Most partitions: a view is one compound select, and SQLite takes at most 500 parts.
pub(crate) const PARTITIONS_MAX: Partition = 256;

/// How long a connection waits for another one's lock, which only a checkpoint can need.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages in the write-ahead log after which a commit moves them into the database: 4 MiB of 4 KiB
/// pages. Fewer means more syncs of the database file. More means longer pauses, and small commits
/// that are slower until the log starts over: a file that grows is dearer to sync than
/// one that is overwritten.
const CHECKPOINT_PAGES: i64 = 1_000;

/// The three logs of a node, in the order of their tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogName {
    Commands,
    Decisions,
    DeadLetters,
}

impl LogName {
    pub(crate) const ALL: [Self; 3] = [Self::Commands, Self::Decisions, Self::DeadLetters];

    /// As [`crate::Log::name`] gives it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Decisions => "decisions",
            Self::DeadLetters => "dead-letters",
        }
    }

    /// As the view and the tables are called.
    const fn as_sql(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Decisions => "decisions",
            Self::DeadLetters => "dead_letters",
        }
    }

    /// Name of the table of one partition.
    pub(crate) fn table(self, partition: Partition) -> String {
        format!("{}_{partition}", self.as_sql())
    }
}

/// Where one partition of one log begins and ends, and the log time of its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start: Offset,
    pub(crate) end: Offset,
    pub(crate) last_time: Timestamp,
}

/// Where the file of the one writer is, and how large it and its write-ahead log may grow.
#[derive(Clone, Debug)]
pub(crate) struct WriterFile {
    pub(crate) path: PathBuf,
    pub(crate) file_bytes_max: Option<u64>,
    pub(crate) wal_bytes_max: u64,
}

impl WriterFile {
    /// Opens the file, creating it if there is nothing. Does not look inside.
    pub(crate) fn open_or_create(&self) -> rusqlite::Result<Connection> {
        open_writer(self, OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens the file again. One that has gone is not replaced by an empty one.
    pub(crate) fn reopen(&self) -> rusqlite::Result<Connection> {
        open_writer(self, OpenFlags::empty())
    }

    /// How large the write-ahead log is now.
    pub(crate) fn wal_bytes(&self) -> u64 {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        std::fs::metadata(path).map_or(0, |metadata| metadata.len())
    }
}

fn open_writer(file: &WriterFile, create: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(&file.path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL syncs the write-ahead log on every commit: a receipt survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    let wal_bytes_max = i64::try_from(file.wal_bytes_max).unwrap_or(i64::MAX);
    connection.pragma_update(None, "journal_size_limit", wal_bytes_max)?;
    if let Some(bytes) = file.file_bytes_max {
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page_bytes.max(1);
        connection.pragma_update(None, "max_page_count", pages.clamp(1, 0xffff_fffe))?;
    }
    Ok(connection)
}

/// Opens an existing file for reading.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Creates the tables in an empty file, or checks that the file is a log with `partitions`.
pub(crate) fn create_or_check(
    connection: &mut Connection,
    path: &Path,
    partitions: Partition,
) -> Result<(), OpenError> {
    let failed = |error| refusal(path, error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let things: i64 = transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if things == 0 {
        transaction.execute_batch(&creation_sql(partitions)).map_err(failed)?;
    }
    let found = check(&transaction, path)?;
    if found != partitions {
        return Err(OpenError::Partitions { path: path.into(), found, wanted: partitions });
    }
    transaction.commit().map_err(failed)
}

/// Checks that the file is a log in a known format; answers its partition count.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<Partition, OpenError> {
    let foreign = |reason: &str| OpenError::Foreign { path: path.into(), reason: reason.into() };
    let id: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| refusal(path, error))?;
    if id != APPLICATION_ID {
        return Err(foreign("its application_id is another one"));
    }
    let meta = |name: &str| {
        connection
            .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
            .optional()
            .map_err(|error| refusal(path, error))
    };
    let found = meta("format")?.ok_or_else(|| foreign("meta names no format"))?;
    if found != FORMAT {
        return Err(OpenError::Format { path: path.into(), found, known: FORMAT });
    }
    let partitions = meta("partitions")?.ok_or_else(|| foreign("meta names no partitions"))?;
    Partition::try_from(partitions)
        .ok()
        .filter(|count| (1..=PARTITIONS_MAX).contains(count))
        .ok_or_else(|| foreign("meta names an impossible number of partitions"))
}

fn creation_sql(partitions: Partition) -> String {
    let mut sql = format!(
        "PRAGMA application_id = {APPLICATION_ID};
         CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
         INSERT INTO meta VALUES ('format', {FORMAT}), ('partitions', {partitions});"
    );
    for log in LogName::ALL {
        let mut parts = Vec::new();
        for partition in 0..partitions {
            let table = log.table(partition);
            sql.push_str(&format!(
                "CREATE TABLE {table} (
                   offset INTEGER PRIMARY KEY,
                   log_time INTEGER NOT NULL,
                   key BLOB NOT NULL,
                   headers BLOB NOT NULL,
                   payload BLOB NOT NULL
                 ) STRICT;"
            ));
            parts.push(format!(
                "SELECT {partition} AS partition, offset,
                   strftime('%Y-%m-%dT%H:%M:%fZ', log_time / 1000.0, 'unixepoch') AS log_time,
                   CAST(key AS TEXT) AS key, hex(headers) AS headers,
                   CAST(payload AS TEXT) AS payload
                 FROM {table}"
            ));
        }
        sql.push_str(&format!("CREATE VIEW {} AS {};", log.as_sql(), parts.join(" UNION ALL ")));
    }
    sql
}

/// Columns of a table: offset, log time, key, headers, payload.
pub(crate) const COLUMNS: usize = 5;

/// The statement that appends `rows` rows to `table`.
pub(crate) fn insert_sql(table: &str, rows: usize) -> String {
    let values = vec!["(?, ?, ?, ?, ?)"; rows].join(", ");
    format!("INSERT INTO {table} (offset, log_time, key, headers, payload) VALUES {values}")
}

/// The statement that reads rows with ?1 ≤ offset < ?2 in order.
pub(crate) fn select_sql(table: &str) -> String {
    format!(
        "SELECT offset, log_time, key, headers, payload FROM {table}
         WHERE offset >= ?1 AND offset < ?2 ORDER BY offset"
    )
}

/// Reads where `table` begins and ends.
pub(crate) fn bounds(connection: &Connection, table: &str) -> rusqlite::Result<Bounds> {
    let mut first = connection.prepare_cached(&format!("SELECT min(offset) FROM {table}"))?;
    let mut last = connection.prepare_cached(&format!(
        "SELECT offset, log_time FROM {table} ORDER BY offset DESC LIMIT 1"
    ))?;
    let start: Option<i64> = first.query_row([], |row| row.get(0))?;
    let last: Option<(i64, i64)> =
        last.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (Some(start), Some((offset, millis))) = (start, last) else {
        return Ok(Bounds { start: 0, end: 0, last_time: Timestamp::EPOCH });
    };
    let (Ok(start), Ok(end)) = (Offset::try_from(start), Offset::try_from(offset + 1)) else {
        return Err(rusqlite::Error::IntegralValueOutOfRange(0, start.min(offset)));
    };
    Ok(Bounds { start, end, last_time: Timestamp::from_millis(millis) })
}

/// Moves everything from the write-ahead log into the database, syncs both and empties the former;
/// false if a reader was in the way for longer than `patience`.
pub(crate) fn checkpoint(connection: &Connection, patience: Duration) -> rusqlite::Result<bool> {
    connection.busy_timeout(patience)?;
    let busy =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(busy? == 0)
}

/// An offset as SQLite keeps it.
pub(crate) fn sql_offset(offset: Offset) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// What an error of SQLite means to the person who opens the file.
pub(crate) fn refusal(path: &Path, error: rusqlite::Error) -> OpenError {
    let (path, reason) = (path.to_owned(), error.to_string().into());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Corrupt { path, reason }
        }
        _ => OpenError::Database { path, reason },
    }
}
