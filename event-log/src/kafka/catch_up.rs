//! Reading what lies before the tails: a few clients, each of which stays where it has read to, so
//! that whoever reads on is served without looking for the place again.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use schemas::{Offset, Partition};
use tokio::sync::oneshot;

use super::connection::Connection;
use super::own_thread::OwnThread;
use super::reading::{Consumer, consumer, is_outside, place, stored};
use crate::contract::{ReadLimits, Stored};
use crate::weight::Allowance;

/// Reads that go on at once; each has a client for as long as it is used.
const THREADS: usize = 4;
/// Clients that stay at their place when nobody reads through them.
const IDLE_MAX: usize = 8;
/// How long such a client is kept.
const IDLE_FOR: Duration = Duration::from_secs(10);
/// Reads that may wait.
const WAITING_MAX: usize = 4_096;
/// Room for records that were fetched and not read yet.
const QUEUED_KBYTES: usize = 32 << 10;
/// How long a read that has something waits for more that is known to be there.
const MORE_PATIENCE: Duration = Duration::from_millis(20);

/// Why older records were not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// There is nothing at this offset: it is before the beginning or behind the end.
    Outside,
    /// In a few words.
    Because(Box<str>),
}

/// One read: up to `end`, which lies behind `from`.
pub(super) struct Reading {
    pub(super) partition: Partition,
    pub(super) from: Offset,
    pub(super) end: Offset,
    pub(super) limits: ReadLimits,
}

struct Job {
    reading: Reading,
    answer: oneshot::Sender<Result<Vec<Stored>, Missed>>,
}

/// The clients and their threads.
pub(super) struct CatchUp {
    shared: Arc<Shared>,
    threads: Mutex<Vec<OwnThread>>,
}

struct Shared {
    topic: String,
    connection: Connection,
    patience: Duration,
    line: Mutex<Line>,
    arrived: Condvar,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    idle: Vec<Placed>,
    closed: bool,
}

/// A client that will give `next` of `partition` when it is asked.
struct Placed {
    consumer: Consumer,
    partition: Partition,
    next: Offset,
    /// Read, but not given away yet.
    ahead: Option<Stored>,
    since: Instant,
}

impl CatchUp {
    pub(super) fn new(topic: String, connection: &Connection, patience: Duration) -> Self {
        let (connection, line) = (connection.clone(), Mutex::default());
        let shared = Shared { topic, connection, patience, line, arrived: Condvar::new() };
        Self { shared: Arc::new(shared), threads: Mutex::default() }
    }

    /// Records from `from` on, at least one.
    pub(super) async fn read(&self, reading: Reading) -> Result<Vec<Stored>, Missed> {
        let (answer, answered) = oneshot::channel();
        let closed = || Missed::Because("the log is closed".into());
        {
            let mut line = self.shared.line();
            if line.closed {
                return Err(closed());
            }
            if line.jobs.len() >= WAITING_MAX {
                return Err(Missed::Because("too many reads are waiting".into()));
            }
            line.jobs.push_back(Job { reading, answer });
        }
        self.start_threads();
        self.shared.arrived.notify_one();
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Most processes never read anything old: threads start with the first read.
    fn start_threads(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while threads.len() < THREADS {
            let shared = Arc::clone(&self.shared);
            match OwnThread::start("kafka-catch-up", move || shared.serve()) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    tracing::warn!(%error, "no thread to read a log");
                    return;
                }
            }
        }
    }

    pub(super) fn close(&self) {
        self.shared.line().closed = true;
        self.shared.arrived.notify_all();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.iter().for_each(OwnThread::join);
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until the line is closed; what waits then is not read.
    fn serve(&self) {
        while let Some((job, placed)) = self.take() {
            let (read, placed) = self.read(&job.reading, placed);
            // Back in its place before the answer, or whoever reads on would find another.
            if let Some(placed) = placed {
                self.keep(placed);
            }
            drop(job.answer.send(read));
        }
    }

    /// The next job, with the client that stands where it begins, if there is one.
    fn take(&self) -> Option<(Job, Option<Placed>)> {
        let mut line = self.line();
        loop {
            if line.closed {
                return None;
            }
            line.idle.retain(|placed| placed.since.elapsed() < IDLE_FOR);
            if let Some(job) = line.jobs.pop_front() {
                let Reading { partition, from, .. } = job.reading;
                let fits = |it: &Placed| (it.partition, it.next) == (partition, from);
                let index = line.idle.iter().position(fits);
                return Some((job, index.map(|index| line.idle.swap_remove(index))));
            }
            let waited = self.arrived.wait_timeout(line, IDLE_FOR);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn keep(&self, placed: Placed) {
        let mut line = self.line();
        if line.idle.len() >= IDLE_MAX {
            line.idle.remove(0);
        }
        line.idle.push(placed);
    }

    fn read(
        &self,
        reading: &Reading,
        placed: Option<Placed>,
    ) -> (Result<Vec<Stored>, Missed>, Option<Placed>) {
        let because = |error: &dyn std::fmt::Display| Missed::Because(error.to_string().into());
        let placed = match placed {
            Some(placed) => Ok(placed),
            None => self.place(reading),
        };
        let mut placed = match placed {
            Ok(placed) => placed,
            Err(error) => return (Err(because(&error)), None),
        };
        match placed.read(reading, self.patience) {
            Ok(records) => (Ok(records), Some(placed)),
            // Nobody knows where it stands.
            Err(missed) => (Err(missed), None),
        }
    }

    /// A client at the place where the read begins.
    fn place(&self, reading: &Reading) -> KafkaResult<Placed> {
        let Reading { partition, from: next, .. } = *reading;
        let consumer = consumer(&self.connection, QUEUED_KBYTES)?;
        consumer.assign(&place(&self.topic, partition, next))?;
        Ok(Placed { consumer, partition, next, ahead: None, since: Instant::now() })
    }
}

impl Placed {
    fn read(&mut self, reading: &Reading, patience: Duration) -> Result<Vec<Stored>, Missed> {
        let mut allowance = Allowance::new(reading.limits);
        let mut records = Vec::new();
        let deadline = Instant::now() + patience;
        while self.next < reading.end {
            let wait = if records.is_empty() {
                deadline.saturating_duration_since(Instant::now())
            } else {
                MORE_PATIENCE
            };
            if records.len() >= reading.limits.records_max.max(1) {
                break;
            }
            let polled = match self.ahead.take() {
                Some(record) => Some(Ok(record)),
                None => self.poll(wait),
            };
            let record = match polled {
                None if records.is_empty() && Instant::now() >= deadline => {
                    let reason = format!("the brokers did not give {} in time", self.next);
                    return Err(Missed::Because(reason.into()));
                }
                None if records.is_empty() => continue,
                None => break,
                Some(Err(missed)) => return Err(missed),
                Some(Ok(record)) => record,
            };
            if record.offset != self.next {
                let reason = format!("{} is missing before {}", self.next, record.offset);
                return Err(Missed::Because(reason.into()));
            }
            if !allowance.admits(record.payload.len()) {
                // The client has given it away, and would not give it again.
                self.ahead = Some(record);
                break;
            }
            self.next += 1;
            records.push(record);
        }
        self.since = Instant::now();
        Ok(records)
    }

    /// The next record within `wait`. Errors that pass by themselves count as none: the client
    /// connects again.
    fn poll(&self, wait: Duration) -> Option<Result<Stored, Missed>> {
        match self.consumer.poll(wait)? {
            Ok(message) => {
                let read = stored(&message).map(|(_, record)| record);
                Some(read.map_err(|reason| Missed::Because(reason.into())))
            }
            Err(error) if is_outside(&error) => Some(Err(Missed::Outside)),
            Err(error) => {
                tracing::debug!(%error, "a reader met an error");
                None
            }
        }
    }
}
