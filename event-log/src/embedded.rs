//! The embedded backend: the three logs of a node in one SQLite file, so that one group commit
//! serves all of them. One process writes; any number of others may read beside it.
//!
//! `append` → queue → writer thread → one transaction, `synchronous=FULL` → the tails, which wake
//! readers → receipts. Reads are answered from the tail in memory, older ones by a small pool of
//! threads with read-only connections.

mod error;
mod follower;
mod headers;
mod insert;
mod lock;
mod log;
mod queue;
mod reader;
mod schema;
mod tables;
mod writer;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use schemas::Partition;

pub use error::OpenError;

use crate::Clock;
use crate::contract::Log;
use crate::tail::TailLimits;
use follower::Follower;
use lock::DirectoryLock;
use log::{EmbeddedLog, Shared};
use queue::{AppendQueue, Capacity};
use reader::ReaderPool;
use schema::{LogName, PARTITIONS_MAX, WriterFile};
use tables::Tables;
use writer::Writer;

/// How long opening waits for readers of another process, once, so that what an earlier writer left
/// in the write-ahead log is surely on disk.
const OPENING_PATIENCE: Duration = Duration::from_secs(5);

/// How the embedded logs are kept. [`Options::new`] has a sensible value for everything but the
/// first two.
#[derive(Clone)]
pub struct Options {
    /// Partitions of each log, 1 to 256. Fixed when the file is created.
    pub partitions: Partition,
    /// Where log times come from.
    pub clock: Clock,
    /// What a second process is told about this one.
    pub command: Box<str>,
    /// Most records that wait for the writer; further appends are refused as full.
    pub queue_records_max: usize,
    /// Most bytes that wait for the writer; further appends are refused as full.
    pub queue_bytes_max: usize,
    /// Most records in one transaction, unless one append alone has more.
    pub group_records_max: usize,
    /// Most bytes in one transaction, unless one append alone has more.
    pub group_bytes_max: usize,
    /// Newest records of each partition of each log that are kept in memory.
    pub tail_records_max: usize,
    /// Bytes of memory for the newest records of all partitions and logs together. The bytes are
    /// those that were appended: a slice of a larger buffer keeps the whole buffer.
    pub tail_bytes_max: usize,
    /// Threads that read older records from the file.
    pub readers: usize,
    /// Most bytes of the file; `None` is as much as the disk has. Appends beyond are refused.
    pub file_bytes_max: Option<u64>,
    /// Bytes that the write-ahead log may reach before a commit waits to shorten it.
    pub wal_bytes_max: u64,
}

impl Options {
    /// `partitions` partitions with log times from `clock`, and defaults for the rest.
    #[must_use]
    pub fn new(partitions: Partition, clock: Clock) -> Self {
        Self {
            partitions,
            clock,
            command: "unnamed".into(),
            queue_records_max: 65_536,
            queue_bytes_max: 64 << 20,
            group_records_max: 8_192,
            group_bytes_max: 8 << 20,
            tail_records_max: 65_536,
            tail_bytes_max: 64 << 20,
            readers: 2,
            file_bytes_max: None,
            wal_bytes_max: 64 << 20,
        }
    }
}

/// The logs `commands`, `decisions` and `dead-letters` of one directory. Handles that outlive it
/// are closed.
#[derive(Debug)]
pub struct EmbeddedLogs {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

/// What runs, and what ends with it.
#[derive(Debug)]
enum Threads {
    /// The lock is released when the writer has ended.
    Writing {
        writer: JoinHandle<()>,
        lock: DirectoryLock,
    },
    Following(Follower),
}

impl EmbeddedLogs {
    /// Opens the logs in `directory` for writing and reading; creates both if they are not there.
    /// A new log is empty: whatever its first records must be is for the caller to append.
    ///
    /// # Errors
    /// If another process writes there, or the file is not a sound log with the partitions that
    /// `options` state.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let wanted = options.partitions;
        if !(1..=PARTITIONS_MAX).contains(&wanted) {
            return Err(OpenError::PartitionCount { wanted, max: PARTITIONS_MAX });
        }
        let directory = directory.as_ref();
        let failed = |source| OpenError::Directory { path: directory.into(), source };
        create_directory(directory).map_err(failed)?;
        let lock = DirectoryLock::take(directory, &options.command, (options.clock)())?;
        let path = directory.join(schema::FILE);
        let file = WriterFile {
            path: path.clone(),
            file_bytes_max: options.file_bytes_max,
            wal_bytes_max: options.wal_bytes_max,
        };
        let connection = open_file(&file, wanted)?;
        let tables = Arc::new(load(&connection, &path, wanted, tail_limits(&options))?);
        let queue = Arc::new(AppendQueue::new(Capacity {
            records_max: options.queue_records_max,
            bytes_max: options.queue_bytes_max,
        }));
        let pool = ReaderPool::start(&path, options.readers).map_err(failed)?;
        let group =
            Capacity { records_max: options.group_records_max, bytes_max: options.group_bytes_max };
        let writer =
            Writer::new(Arc::clone(&tables), Arc::clone(&queue), file, options.clock, group);
        let started = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run(connection));
        let writer = started.map_err(failed).inspect_err(|_| pool.close())?;
        let shared = Shared { tables, pool, queue: Some(queue) };
        Ok(Self::new(shared, Threads::Writing { writer, lock }))
    }

    /// Opens the logs in `directory` for reading, beside a process that may be writing them. An
    /// append is refused as unavailable; a wait ends at most about 50 ms after the record came.
    ///
    /// # Errors
    /// If there is no log, or it is not a sound one.
    pub fn open_read_only(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = directory.as_ref().join(schema::FILE);
        let failed = |source| OpenError::Directory { path: path.clone(), source };
        if !path.try_exists().map_err(failed)? {
            return Err(OpenError::Missing { path });
        }
        let connection =
            schema::open_reader(&path).map_err(|error| schema::refusal(&path, error))?;
        let partitions = schema::check(&connection, &path)?;
        let limits = TailLimits { records_max: 0, bytes_max: 0 };
        let tables = Arc::new(load(&connection, &path, partitions, limits)?);
        let pool = ReaderPool::start(&path, 1).map_err(failed)?;
        let follower = Follower::start(connection, Arc::clone(&tables));
        let follower = follower.map_err(failed).inspect_err(|_| pool.close())?;
        let shared = Shared { tables, pool, queue: None };
        Ok(Self::new(shared, Threads::Following(follower)))
    }

    fn new(shared: Shared, threads: Threads) -> Self {
        Self { shared: Arc::new(shared), threads: Mutex::new(Some(threads)) }
    }

    /// The log of wishes.
    #[must_use]
    pub fn commands(&self) -> Arc<dyn Log> {
        self.log(LogName::Commands)
    }

    /// The log of answers.
    #[must_use]
    pub fn decisions(&self) -> Arc<dyn Log> {
        self.log(LogName::Decisions)
    }

    /// The log of what could not be read.
    #[must_use]
    pub fn dead_letters(&self) -> Arc<dyn Log> {
        self.log(LogName::DeadLetters)
    }

    fn log(&self, log: LogName) -> Arc<dyn Log> {
        Arc::new(EmbeddedLog { log, shared: Arc::clone(&self.shared) })
    }

    /// Refuses further appends and reads and lets waiting readers go, then writes and answers the
    /// appends that wait, and gives up the directory. Blocks until all that is done, at most as
    /// long as the disk takes. Calling it again does nothing.
    pub fn close(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(threads) = threads else { return };
        if let Some(queue) = &self.shared.queue {
            queue.close();
        }
        self.shared.tables.close();
        self.shared.pool.close();
        match threads {
            Threads::Writing { writer, lock } => {
                if writer.join().is_err() {
                    tracing::error!("the log writer panicked");
                }
                drop(lock);
            }
            Threads::Following(follower) => follower.stop(),
        }
    }
}

impl Drop for EmbeddedLogs {
    fn drop(&mut self) {
        self.close();
    }
}

fn tail_limits(options: &Options) -> TailLimits {
    let tails = LogName::ALL.len() * usize::from(options.partitions);
    let bytes_max = options.tail_bytes_max / tails;
    TailLimits { records_max: options.tail_records_max, bytes_max }
}

fn open_file(file: &WriterFile, partitions: Partition) -> Result<Connection, OpenError> {
    let path = &file.path;
    let failed = |error| schema::refusal(path, error);
    let mut connection = file.open_or_create().map_err(failed)?;
    schema::create_or_check(&mut connection, path, partitions)?;
    // A writer that was killed between a commit's writing and its sync may have left records that
    // can be read but are not on disk.
    if !schema::checkpoint(&connection, OPENING_PATIENCE).map_err(failed)? {
        let reason = "a process that reads it does not let go".into();
        return Err(OpenError::Database { path: path.clone(), reason });
    }
    Ok(connection)
}

fn load(
    connection: &Connection,
    path: &Path,
    partitions: Partition,
    limits: TailLimits,
) -> Result<Tables, OpenError> {
    let bounds = |table: &str| schema::bounds(connection, table);
    Tables::load(partitions, limits, bounds).map_err(|error| schema::refusal(path, error))
}

/// Creates `directory` so that it is still there after a power cut: each new name has to be synced
/// in the directory that it stands in. A process that made them may have ended before it did that,
/// so a directory without a log counts as new.
fn create_directory(directory: &Path) -> io::Result<()> {
    let directory = std::path::absolute(directory)?;
    if directory.join(schema::FILE).exists() {
        return Ok(());
    }
    let missing = directory.ancestors().take_while(|it| !it.is_dir()).count();
    std::fs::create_dir_all(&directory)?;
    for (made, parent) in directory.ancestors().skip(1).enumerate().take(missing.max(1)) {
        match File::open(parent).and_then(|parent| parent.sync_all()) {
            // Whoever was given a directory need not be allowed to look around it, nor need what is
            // around it be a file system that can be synced.
            Err(fault) if made >= missing => {
                tracing::debug!(%fault, parent = %parent.display(), "not synced");
            }
            synced => synced?,
        }
    }
    Ok(())
}
