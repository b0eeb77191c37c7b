//! Reading from the file: a few threads with a read-only connection each, and a bounded line of
//! jobs before them. Each job is one short read; no transaction outlives it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use rusqlite::{Connection, Row};
use schemas::{Offset, Timestamp};
use tokio::sync::{Semaphore, oneshot};

use super::headers;
use super::schema::{self, Bounds};
use crate::contract::{Batch, ReadLimits, Stored};
use crate::weight::Allowance;

/// Most jobs that wait; whoever comes later waits for a place.
const JOBS_MAX: usize = 256;

/// A job runs with a connection, or learns why there is none; answers whether the connection is
/// still of use.
type Job = Box<dyn FnOnce(Result<&Connection, &str>) -> bool + Send>;

/// The threads and their line.
#[derive(Debug)]
pub(crate) struct ReaderPool {
    line: Arc<Line>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Line {
    path: PathBuf,
    room: Semaphore,
    jobs: Mutex<Jobs>,
    arrived: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl ReaderPool {
    /// Starts `threads` readers of the file at `path`.
    pub(crate) fn start(path: &Path, threads: usize) -> std::io::Result<Self> {
        let line = Arc::new(Line {
            path: path.to_owned(),
            room: Semaphore::new(JOBS_MAX),
            jobs: Mutex::default(),
            arrived: Condvar::new(),
        });
        let pool = Self { line, threads: Mutex::default() };
        for _ in 0..threads.max(1) {
            let line = Arc::clone(&pool.line);
            let started = std::thread::Builder::new()
                .name("log-reader".to_owned())
                .spawn(move || line.serve());
            match started {
                Ok(thread) => pool.threads().push(thread),
                Err(error) => {
                    pool.close();
                    return Err(error);
                }
            }
        }
        Ok(pool)
    }

    /// Runs `read` on one of the threads. The error says why it could not be read.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadFault> + Send + 'static,
    ) -> Result<T, Box<str>> {
        let closed = || -> Box<str> { "the log is closed".into() };
        // The permit comes back when the job is done, not when its caller loses interest.
        self.line.room.acquire().await.map_err(|_| closed())?.forget();
        let (answer, answered) = oneshot::channel::<Result<T, Box<str>>>();
        let job = Box::new(move |connection: Result<&Connection, &str>| {
            if answer.is_closed() {
                return true;
            }
            let outcome = match connection {
                Ok(connection) => read(connection).map_err(|fault| fault.to_string().into()),
                Err(reason) => Err(reason.into()),
            };
            let sound = outcome.is_ok();
            drop(answer.send(outcome));
            sound
        });
        self.line.push(job).map_err(|()| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Stops the threads; jobs that wait are done first. Can be called again.
    pub(crate) fn close(&self) {
        self.line.close();
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a log reader panicked");
            }
        }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), ()> {
        let mut jobs = self.jobs();
        if jobs.closed {
            return Err(());
        }
        jobs.waiting.push_back(job);
        drop(jobs);
        self.arrived.notify_one();
        Ok(())
    }

    fn take(&self) -> Option<Job> {
        let mut jobs = self.jobs();
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                return Some(job);
            }
            if jobs.closed {
                return None;
            }
            jobs = self.arrived.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.jobs().closed = true;
        self.room.close();
        self.arrived.notify_all();
    }

    /// Does jobs until the line is closed and empty.
    fn serve(&self) {
        let mut kept = None;
        while let Some(job) = self.take() {
            let connection = match kept.take() {
                Some(connection) => Ok(connection),
                None => schema::open_reader(&self.path).map_err(|error| error.to_string()),
            };
            let sound = job(connection.as_ref().map_err(String::as_str));
            kept = connection.ok().filter(|_| sound);
            self.room.add_permits(1);
        }
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why rows could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    /// SQLite said no.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row is not there, though rows before and after it are.
    #[error("offset {0} is missing in the file")]
    Gap(Offset),
}

/// Reads rows of `table` from `from` up to `end`, which lies after it.
pub(crate) fn read_rows(
    connection: &Connection,
    table: &str,
    from: Offset,
    end: Offset,
    limits: ReadLimits,
) -> Result<Vec<Stored>, ReadFault> {
    let mut select = connection.prepare_cached(&schema::select_sql(table))?;
    let mut rows = select.query((schema::sql_offset(from), schema::sql_offset(end)))?;
    let mut allowance = Allowance::new(limits);
    let mut records = Vec::new();
    let mut expected = from;
    while let Some(row) = rows.next()? {
        let record = read_row(row, expected)?;
        if !allowance.admits(record.payload.len()) {
            return Ok(records);
        }
        records.push(record);
        expected += 1;
    }
    if expected == end { Ok(records) } else { Err(ReadFault::Gap(expected)) }
}

fn read_row(row: &Row<'_>, expected: Offset) -> Result<Stored, ReadFault> {
    if row.get::<_, i64>(0)? != schema::sql_offset(expected) {
        return Err(ReadFault::Gap(expected));
    }
    let blob = |index| -> Result<&[u8], ReadFault> {
        Ok(row.get_ref(index)?.as_blob().map_err(rusqlite::Error::from)?)
    };
    Ok(Stored {
        offset: expected,
        log_time: Timestamp::from_millis(row.get(1)?),
        key: Bytes::copy_from_slice(blob(2)?),
        // Damaged headers are no reason to stop the partition: what a record without them is
        // worth is the reader's to say.
        headers: headers::decode(blob(3)?).unwrap_or_default(),
        payload: Bytes::copy_from_slice(blob(4)?),
    })
}

/// Reads bounds and, if `from` lies within them, rows, all in one transaction.
pub(crate) fn read_snapshot(
    connection: &Connection,
    table: &str,
    from: Offset,
    limits: ReadLimits,
) -> Result<(Bounds, Option<Batch>), ReadFault> {
    let transaction = connection.unchecked_transaction()?;
    let bounds = schema::bounds(&transaction, table)?;
    if from < bounds.start || from > bounds.end {
        return Ok((bounds, None));
    }
    let records = read_rows(&transaction, table, from, bounds.end, limits)?;
    Ok((bounds, Some(Batch { records, end: bounds.end })))
}
