//! Waking readers of a log that another process writes. There is no signal between processes, so
//! while somebody waits, one thread looks at the file every 50 ms, and at its tables only if
//! something was committed.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::schema;
use super::tables::Tables;

const INTERVAL: Duration = Duration::from_millis(50);

/// The thread, until stopped.
#[derive(Debug)]
pub(crate) struct Follower {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Follower {
    pub(crate) fn start(connection: Connection, tables: Arc<Tables>) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("log-follower".to_owned())
            .spawn(move || follow(&connection, &tables, &stopped))?;
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) {
        *self.stop.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the log follower panicked");
        }
    }
}

impl Stop {
    /// Waits one interval; true if it is time to stop.
    fn pause(&self) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = self.changed.wait_timeout_while(stopped, INTERVAL, |stopped| !*stopped);
        *pause.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn follow(connection: &Connection, tables: &Tables, stop: &Stop) {
    let mut seen = None;
    while !stop.pause() {
        if !tables.iter().any(|table| table.tail.is_awaited()) {
            continue;
        }
        if let Err(error) = look(connection, tables, &mut seen) {
            tracing::warn!(%error, "log file not read");
        }
    }
    tables.close();
}

fn look(connection: &Connection, tables: &Tables, seen: &mut Option<i64>) -> rusqlite::Result<()> {
    // Changes whenever another connection has committed.
    let version = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
    if *seen == Some(version) {
        return Ok(());
    }
    for table in tables.iter() {
        let bounds = schema::bounds(connection, &table.sql_name)?;
        table.tail.advance(bounds.start, bounds.end);
    }
    *seen = Some(version);
    Ok(())
}
