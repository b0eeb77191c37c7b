//! Why the embedded logs of a directory could not be opened. Written for the person at the
//! terminal: each message names the path and what is wrong with it.

use std::path::PathBuf;

use schemas::{Partition, Timestamp};

/// Why the embedded logs of a directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes there.
    #[error(
        "{directory} is in use by process {pid} ({command}) since {since}; \
         only one process can write to a data directory",
        directory = directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The other process.
        pid: u32,
        /// What it called itself.
        command: Box<str>,
        /// When it took the directory.
        since: Timestamp,
    },
    /// Another process has just taken the directory and has not yet said who it is.
    #[error(
        "{directory} is in use by a process that is just starting or stopping; try again",
        directory = directory.display()
    )]
    InUseByStarting {
        /// The directory.
        directory: PathBuf,
    },
    /// There is nothing to read.
    #[error("there is no log at {path}", path = path.display())]
    Missing {
        /// Where the log file would be.
        path: PathBuf,
    },
    /// The log has another partition count, which is fixed at creation.
    #[error(
        "{path} was created with {found} partitions, not {wanted}; \
         the partition count of a log cannot change",
        path = path.display()
    )]
    Partitions {
        /// The log file.
        path: PathBuf,
        /// Partitions that it has.
        found: Partition,
        /// Partitions that were asked for.
        wanted: Partition,
    },
    /// The partition count asked for cannot be had.
    #[error("{wanted} partitions were asked for; the embedded log takes 1 to {max}")]
    PartitionCount {
        /// Partitions that were asked for.
        wanted: Partition,
        /// Most partitions of an embedded log.
        max: Partition,
    },
    /// The file is a log, written in a format that this program does not know.
    #[error(
        "{path} has format version {found}, this program knows version {known}; \
         it was written by another version of the program",
        path = path.display()
    )]
    Format {
        /// The log file.
        path: PathBuf,
        /// Its format version.
        found: i64,
        /// The version that this program reads and writes.
        known: i64,
    },
    /// The file is a database, but not a log.
    #[error("{path} is not a log: {reason}", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: Box<str>,
    },
    /// The file is damaged.
    #[error(
        "{path} is damaged ({reason}); restore it from a backup, or move it away to start empty",
        path = path.display()
    )]
    Corrupt {
        /// The log file.
        path: PathBuf,
        /// What SQLite said.
        reason: Box<str>,
    },
    /// The directory or its lock file could not be created or read, or no thread could be started.
    #[error("{path}: {source}", path = path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Anything else that SQLite said.
    #[error("{path} could not be opened: {reason}", path = path.display())]
    Database {
        /// The log file.
        path: PathBuf,
        /// What SQLite said.
        reason: Box<str>,
    },
}
