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
use super::reading::{
    Consumer, Copier, consumer, glancer, is_final, is_outside, learn_leaders, place,
};
use crate::contract::{ReadLimits, Stored};
use crate::weight::Allowance;

/// Reads that go on at once; each has a client for as long as it is used.
const THREADS: usize = 4;
/// Clients that stay at their place when nobody reads through them.
const IDLE_MAX: usize = 8;
/// How long a job that has no client of its own may wait for those that have one.
const PREFERENCE_MAX: Duration = Duration::from_millis(500);
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
    since: Instant,
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
    copier: Copier,
    partition: Partition,
    next: Offset,
    /// Read, but not given away yet.
    ahead: Option<Stored>,
    /// Whether nobody is to read on: the client was for one look, or has given away what is lost.
    is_spent: bool,
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
            line.jobs.push_back(Job { reading, since: Instant::now(), answer });
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

    /// Reads nothing more; who waits is told so.
    pub(super) fn refuse(&self) {
        let mut line = self.shared.line();
        line.closed = true;
        line.jobs.clear();
        self.shared.arrived.notify_all();
    }

    pub(super) fn join(&self) {
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
            let unused = line.idle.extract_if(.., |placed| placed.since.elapsed() >= IDLE_FOR);
            let unused: Vec<_> = unused.collect();
            if !unused.is_empty() {
                // A client takes its time to end, and callers wait for the line.
                drop(line);
                drop(unused);
                line = self.line();
                continue;
            }
            if let Some(found) = line.next() {
                return Some(found);
            }
            let waited = self.arrived.wait_timeout(line, IDLE_FOR);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn keep(&self, placed: Placed) {
        let mut line = self.line();
        let oldest = (line.idle.len() >= IDLE_MAX).then(|| line.idle.remove(0));
        line.idle.push(placed);
        drop(line);
        drop(oldest);
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
            Ok(records) => (Ok(records), (!placed.is_spent).then_some(placed)),
            // Nobody knows where it stands.
            Err(missed) => (Err(missed), None),
        }
    }

    /// A client at the place where the read begins.
    fn place(&self, reading: &Reading) -> KafkaResult<Placed> {
        let Reading { partition, from: next, limits, .. } = *reading;
        // Whoever wants a single record looks what it is, and does not go on from there.
        let is_glance = limits.records_max <= 1;
        let consumer = match is_glance {
            true => glancer(&self.connection),
            false => consumer(&self.connection, QUEUED_KBYTES),
        }?;
        learn_leaders(&consumer, &self.topic);
        consumer.assign(&place(&self.topic, partition, next))?;
        Ok(Placed {
            consumer,
            copier: Copier::default(),
            partition,
            next,
            ahead: None,
            is_spent: is_glance,
            since: Instant::now(),
        })
    }
}

impl Line {
    /// The job to do next, with the client that stands where it begins, if there is one. Jobs that
    /// have one come first: with more readers than clients every one of them would find its client
    /// taken away. Nobody waits for long because of that.
    fn next(&mut self) -> Option<(Job, Option<Placed>)> {
        let place = |job: &Job, idle: &[Placed]| {
            let Reading { partition, from, .. } = job.reading;
            idle.iter().position(|it| (it.partition, it.next) == (partition, from))
        };
        let has_waited = self.jobs.front()?.since.elapsed() >= PREFERENCE_MAX;
        let placed = |(index, job)| Some((index, Some(place(job, &self.idle)?)));
        let preferred = self.jobs.iter().enumerate().find_map(placed).filter(|_| !has_waited);
        let (index, client) = preferred.unwrap_or_else(|| (0, place(&self.jobs[0], &self.idle)));
        let job = self.jobs.remove(index)?;
        Some((job, client.map(|client| self.idle.swap_remove(client))))
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
                Some(read) => read.and_then(|record| self.following(record)),
            };
            let record = match record {
                Ok(record) => record,
                Err(missed) if records.is_empty() => return Err(missed),
                // What comes before it is in order.
                Err(_) => {
                    self.is_spent = true;
                    break;
                }
            };
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

    /// The record, if it is the one that comes next.
    fn following(&self, record: Stored) -> Result<Stored, Missed> {
        if record.offset == self.next {
            return Ok(record);
        }
        let reason = format!("{} is missing before {}", self.next, record.offset);
        Err(Missed::Because(reason.into()))
    }

    /// The next record within `wait`. Errors that pass by themselves count as none: the client
    /// connects again.
    fn poll(&mut self, wait: Duration) -> Option<Result<Stored, Missed>> {
        match self.consumer.poll(wait)? {
            Ok(message) => {
                let read = self.copier.stored(&message).map(|(_, record)| record);
                Some(read.map_err(|reason| Missed::Because(reason.into())))
            }
            Err(error) if is_outside(&error) => Some(Err(Missed::Outside)),
            Err(error) if is_final(&error) => Some(Err(Missed::Because(error.to_string().into()))),
            Err(error) => {
                tracing::debug!(%error, "a reader met an error");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use tokio::sync::oneshot;

    use super::*;
    use crate::kafka::Sasl;

    fn job(partition: Partition, since: Instant) -> Job {
        let limits = ReadLimits { records_max: 1, bytes_max: 1 };
        let reading = Reading { partition, from: 9, end: 10, limits };
        Job { reading, since, answer: oneshot::channel().0 }
    }

    fn nobody() -> Connection {
        let url = "kafka://127.0.0.1:1/nobody".parse().unwrap();
        Connection { url, sasl: Sasl::None, ca_file: None, client_id: "nobody".to_owned() }
    }

    /// A client that has never asked anybody.
    fn placed(partition: Partition) -> Placed {
        let consumer = consumer(&nobody(), QUEUED_KBYTES).unwrap();
        Placed {
            consumer,
            copier: Copier::default(),
            partition,
            next: 9,
            ahead: None,
            is_spent: false,
            since: Instant::now(),
        }
    }

    #[test]
    fn who_reads_on_comes_before_who_begins_but_not_for_long() {
        let now = Instant::now();
        let mut line = Line::default();
        line.jobs.extend([job(1, now), job(2, now), job(3, now)]);
        line.idle.push(placed(3));
        let partition = |found: Option<(Job, Option<Placed>)>| {
            let (job, client) = found.unwrap();
            (job.reading.partition, client.is_some())
        };
        assert_eq!(partition(line.next()), (3, true));
        assert_eq!(partition(line.next()), (1, false));
        assert_eq!(partition(line.next()), (2, false));
        let Some(long_ago) = now.checked_sub(PREFERENCE_MAX) else { return };
        line.jobs.extend([job(4, long_ago), job(5, now)]);
        line.idle.push(placed(5));
        assert_eq!(partition(line.next()), (4, false), "it has waited long enough");
        assert_eq!(partition(line.next()), (5, true));
        assert!(line.next().is_none());
    }

    #[tokio::test]
    async fn who_waits_when_the_log_is_closed_is_told_so() {
        let catch_up = CatchUp::new("nowhere".to_owned(), &nobody(), Duration::from_secs(60));
        let shared = Arc::clone(&catch_up.shared);
        let (answer, told) = oneshot::channel();
        shared.line().jobs.push_back(Job { answer, ..job(0, Instant::now()) });
        catch_up.refuse();
        assert!(told.await.is_err());
    }
}
