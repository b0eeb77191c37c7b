//! The one thread that writes: takes every append that waits into one transaction, commits it to
//! disk, makes its records readable, then answers.
//!
//! A failure before the commit wrote nothing and says so. A failure of the commit itself may have
//! written, so its appends are answered as unknown, and nothing more is taken before the file has
//! been opened again and has said where it really ends.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::insert::Inserts;
use super::queue::{Answer, AppendQueue, Capacity, Waiting};
use super::schema::{self, WriterFile};
use super::tables::{Cursor, Table, Tables};
use crate::Clock;
use crate::contract::{AppendError, Appended, Stored};

/// How long a commit may be held up to shorten a write-ahead log that a reader keeps long.
const SHORTENING_PATIENCE: Duration = Duration::from_millis(100);

/// How long opening again may wait for readers to let go.
const SETTLING_PATIENCE: Duration = Duration::from_secs(2);

/// The state of the writing thread.
pub(crate) struct Writer {
    tables: Arc<Tables>,
    queue: Arc<AppendQueue>,
    file: WriterFile,
    clock: Clock,
    group: Capacity,
    cursors: Vec<Cursor>,
    /// A commit failed: what the file shows may not be on disk before the next checkpoint.
    unsettled: bool,
    /// The write-ahead log is shortened once it is longer than this.
    wal_bytes_due: u64,
    headers: Vec<u8>,
}

/// Why serving a connection ended.
enum Ended {
    /// The queue was closed and is empty.
    Closed,
    /// The connection must be replaced; then these are answered.
    Broken(Vec<(Answer, AppendError)>),
}

/// A group that is about to be written.
struct Staged {
    /// Those that hold once it is committed.
    cursors: Vec<Cursor>,
    /// For each table, what is added to it.
    records: Vec<Vec<Stored>>,
    answers: Vec<Pending>,
}

/// An append of a group, and its answer if all goes well.
struct Pending {
    table: usize,
    answer: Answer,
    appended: Vec<Appended>,
}

/// Why a group was not written.
enum Failure {
    /// Nothing was written, the connection can go on.
    Refused(rusqlite::Error),
    /// Nothing was written, the connection is of no more use.
    Broken(rusqlite::Error),
    /// Nobody knows.
    Unknown(rusqlite::Error),
}

impl Writer {
    pub(crate) fn new(
        tables: Arc<Tables>,
        queue: Arc<AppendQueue>,
        file: WriterFile,
        clock: Clock,
        group: Capacity,
    ) -> Self {
        let wal_bytes_due = file.wal_bytes_max;
        let (cursors, headers) = (Vec::new(), Vec::new());
        let unsettled = false;
        Self { tables, queue, file, clock, group, cursors, unsettled, wal_bytes_due, headers }
    }

    /// Serves appends until the queue is closed and empty.
    pub(crate) fn run(mut self, connection: Connection) {
        let _closing =
            ClosingOnExit { tables: Arc::clone(&self.tables), queue: Arc::clone(&self.queue) };
        let mut settled = self.settle(connection);
        let mut group = None;
        loop {
            let connection = match settled {
                Ok(connection) => connection,
                Err(reason) => match self.refuse_until_reopened(&reason) {
                    Some((connection, first)) => {
                        group = Some(first);
                        connection
                    }
                    None => return,
                },
            };
            let unanswered = match self.serve(&connection, group.take()) {
                Ended::Closed => return self.leave_one_file(&connection),
                Ended::Broken(unanswered) => unanswered,
            };
            drop(connection);
            settled = self.reopen();
            answer_all(unanswered);
        }
    }

    fn serve(&mut self, connection: &Connection, mut first: Option<Vec<Waiting>>) -> Ended {
        let mut inserts = match prepare(connection, &self.tables) {
            Ok(inserts) => inserts,
            Err(error) => {
                let pending = self.stage(first.unwrap_or_default()).answers;
                return Ended::Broken(self.refusals(pending, &error.to_string()));
            }
        };
        while let Some(group) = first.take().or_else(|| self.queue.take(self.group)) {
            let staged = self.stage(group);
            match self.write(connection, &mut inserts, &staged) {
                Ok(()) => {
                    self.publish(staged);
                    self.shorten_wal(connection);
                }
                Err(Failure::Refused(error)) => {
                    tracing::warn!(%error, appends = staged.answers.len(), "appends refused");
                    answer_all(self.refusals(staged.answers, &error.to_string()));
                }
                Err(Failure::Broken(error)) => {
                    tracing::error!(%error, appends = staged.answers.len(), "log file of no use");
                    return Ended::Broken(self.refusals(staged.answers, &error.to_string()));
                }
                Err(Failure::Unknown(error)) => {
                    tracing::error!(%error, appends = staged.answers.len(), "commit failed");
                    self.unsettled = true;
                    return Ended::Broken(self.unknowns(staged.answers, &error.to_string()));
                }
            }
        }
        Ended::Closed
    }

    /// Writes a group as one transaction.
    fn write(
        &mut self,
        connection: &Connection,
        inserts: &mut [Inserts<'_>],
        staged: &Staged,
    ) -> Result<(), Failure> {
        execute(connection, "BEGIN IMMEDIATE").map_err(Failure::Broken)?;
        let inserted = inserts
            .iter_mut()
            .zip(&staged.records)
            .try_for_each(|(inserts, records)| inserts.execute(records, &mut self.headers));
        let error = match inserted {
            Err(error) => error,
            Ok(()) => match execute(connection, "COMMIT") {
                Ok(()) => return Ok(()),
                Err(error) if is_full(&error) => error,
                Err(error) => return Err(Failure::Unknown(error)),
            },
        };
        // Some errors have rolled back already.
        if connection.is_autocommit() || execute(connection, "ROLLBACK").is_ok() {
            return Err(Failure::Refused(error));
        }
        Err(Failure::Broken(error))
    }

    /// Gives offsets and times to a group, and sorts it by table.
    fn stage(&self, group: Vec<Waiting>) -> Staged {
        let now = (self.clock)();
        let mut cursors = self.cursors.clone();
        let mut records: Vec<Vec<Stored>> = Vec::new();
        records.resize_with(cursors.len(), Vec::new);
        let mut answers = Vec::with_capacity(group.len());
        for mut waiting in group {
            let cursor = &mut cursors[waiting.table];
            let log_time = cursor.last_time.max(now);
            cursor.last_time = log_time;
            let mut appended = Vec::with_capacity(waiting.records.len());
            for record in &mut waiting.records {
                (record.offset, record.log_time) = (cursor.next, log_time);
                appended.push(Appended { offset: cursor.next, log_time });
                cursor.next += 1;
            }
            records[waiting.table].append(&mut waiting.records);
            answers.push(Pending { table: waiting.table, answer: waiting.answer, appended });
        }
        Staged { cursors, records, answers }
    }

    /// Shows committed records to readers, then answers for them.
    fn publish(&mut self, staged: Staged) {
        self.cursors = staged.cursors;
        for (table, records) in self.tables.iter().zip(staged.records) {
            table.tail.publish(records);
        }
        for Pending { answer, appended, .. } in staged.answers {
            send(answer, Ok(appended));
        }
    }

    /// Whoever copies the one file of a stopped service has everything.
    fn leave_one_file(&self, connection: &Connection) {
        match schema::checkpoint(connection, SETTLING_PATIENCE) {
            Ok(true) => {}
            Ok(false) => tracing::warn!("a reader is in the way: the write-ahead log stays"),
            Err(error) => tracing::warn!(%error, "checkpoint failed: the write-ahead log stays"),
        }
    }

    /// SQLite shortens the write-ahead log itself unless readers overlap for ever.
    fn shorten_wal(&mut self, connection: &Connection) {
        let bytes = self.file.wal_bytes();
        if bytes <= self.wal_bytes_due {
            return;
        }
        let done = schema::checkpoint(connection, SHORTENING_PATIENCE).unwrap_or_else(|error| {
            tracing::warn!(%error, "checkpoint failed");
            false
        });
        // A reader in the way is asked again only when there is as much again to gain.
        let kept = if done { 0 } else { bytes };
        self.wal_bytes_due = kept.saturating_add(self.file.wal_bytes_max);
    }

    fn reopen(&mut self) -> Result<Connection, String> {
        let connection = self.file.reopen().map_err(|error| error.to_string())?;
        let path = &self.file.path;
        let found = schema::check(&connection, path).map_err(|error| error.to_string())?;
        if found != self.tables.partitions() {
            return Err(format!("the file now has {found} partitions"));
        }
        let connection = self.settle(connection)?;
        tracing::info!("log file opened again");
        Ok(connection)
    }

    /// Makes sure that what the file shows is on disk, and reads where it ends.
    fn settle(&mut self, connection: Connection) -> Result<Connection, String> {
        let failed = |error: rusqlite::Error| error.to_string();
        if self.unsettled && !schema::checkpoint(&connection, SETTLING_PATIENCE).map_err(failed)? {
            return Err("after a failed commit a reader is in the way of a checkpoint".to_owned());
        }
        let mut all = Vec::new();
        for table in self.tables.iter() {
            let bounds = schema::bounds(&connection, &table.sql_name).map_err(failed)?;
            let (name, known) = (&table.sql_name, table.tail.end());
            if bounds.end < known {
                return Err(format!("{name} ends at {} in the file, not at {known}", bounds.end));
            }
            all.push(bounds);
        }
        for (table, bounds) in self.tables.iter().zip(&all) {
            table.tail.settle(bounds.start, bounds.end);
        }
        self.cursors = all.into_iter().map(Cursor::from).collect();
        self.unsettled = false;
        Ok(connection)
    }

    /// Refuses what comes until the file can be opened again; answers with it and the group that
    /// was just taken, or `None` if the queue was closed.
    fn refuse_until_reopened(&mut self, reason: &str) -> Option<(Connection, Vec<Waiting>)> {
        tracing::error!(reason, "log file cannot be opened again");
        loop {
            let group = self.queue.take(self.group)?;
            match self.reopen() {
                Ok(connection) => return Some((connection, group)),
                Err(reason) => {
                    answer_all(self.refusals(self.stage(group).answers, &reason));
                }
            }
        }
    }

    fn refusals(&self, pending: Vec<Pending>, reason: &str) -> Vec<(Answer, AppendError)> {
        self.errors(pending, |&Table { log, partition, .. }| AppendError::Unavailable {
            log: log.as_str().into(),
            partition,
            reason: reason.into(),
        })
    }

    fn unknowns(&self, pending: Vec<Pending>, reason: &str) -> Vec<(Answer, AppendError)> {
        self.errors(pending, |&Table { log, partition, .. }| AppendError::Unknown {
            log: log.as_str().into(),
            partition,
            reason: reason.into(),
        })
    }

    fn errors(
        &self,
        pending: Vec<Pending>,
        error: impl Fn(&Table) -> AppendError,
    ) -> Vec<(Answer, AppendError)> {
        let answer = |pending: Pending| (pending.answer, error(self.tables.get(pending.table)));
        pending.into_iter().map(answer).collect()
    }
}

fn prepare<'a>(connection: &'a Connection, tables: &Tables) -> rusqlite::Result<Vec<Inserts<'a>>> {
    tables.iter().map(|table| Inserts::prepare(connection, &table.sql_name)).collect()
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

/// Whether there was no room for all that a transaction had to write. Of a commit too this says
/// that nothing was written: a write alone says so, no sync and nothing after it, and a commit is
/// valid only with the last of its writes.
fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

fn answer_all(answers: Vec<(Answer, AppendError)>) {
    for (answer, error) in answers {
        send(answer, Err(error));
    }
}

fn send(answer: Answer, outcome: Result<Vec<Appended>, AppendError>) {
    // Whoever dropped the receipt does not want to know.
    drop(answer.send(outcome));
}

/// Leaves nobody waiting for a writer that is gone, even one that panicked.
struct ClosingOnExit {
    tables: Arc<Tables>,
    queue: Arc<AppendQueue>,
}

impl Drop for ClosingOnExit {
    fn drop(&mut self) {
        self.queue.close();
        // A dropped answer reads as unknown. After an orderly end there are none.
        while self.queue.take(Capacity { records_max: usize::MAX, bytes_max: usize::MAX }).is_some()
        {
        }
        self.tables.close();
    }
}
