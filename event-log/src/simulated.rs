//! The simulated backend: one log in memory, without threads, runtime or chance. The same calls in
//! the same order give the same log and wake the same readers in the same order.
//!
//! Appends land at once unless their [`Fate`] says otherwise. Fates are the seam for a scheduler:
//! [`SimulatedLog::set_fates`] asks it about every append; tests that need one fault use
//! [`SimulatedLog::fate_next`]. What is held lands when [`SimulatedLog::release`] says so, and
//! [`SimulatedLog::append_raw`] places what a fenced writer would have sent.

mod fate;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures_util::future::{BoxFuture, FutureExt};
use schemas::{Offset, Partition};
use tokio::sync::oneshot;

pub use fate::Fate;

use crate::Clock;
use crate::contract::{AppendError, Appended, Batch, Log, ReadError, ReadLimits, Receipt, Record};
use crate::weight::{RECORD_BYTES_MAX, record_bytes};
use fate::{Answer, FateSource, Held};
use state::State;

/// One log in memory. Clones share it: keep one to control what the parts under test hold.
#[derive(Clone)]
pub struct SimulatedLog {
    name: Arc<str>,
    partitions: Partition,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl SimulatedLog {
    /// An empty log. Log times come from `clock`.
    #[must_use]
    pub fn new(name: &str, partitions: Partition, clock: Clock) -> Self {
        let state = Arc::new(Mutex::new(State::new(partitions)));
        Self { name: name.into(), partitions, clock, state }
    }

    /// The same with log times that fall when the clock does, as those of a broker may when its
    /// leader changes.
    #[must_use]
    pub fn with_falling_times(self) -> Self {
        self.state().times_fall = true;
        self
    }

    /// Asks `source` about every append from now on that has no fate of its own yet.
    pub fn set_fates(&self, source: impl FnMut(Partition, &[Record]) -> Fate + Send + 'static) {
        self.state().fates.source = Some(FateSource(Box::new(source)));
    }

    /// Decides about the next append to `partition` that nothing was decided about yet.
    pub fn fate_next(&self, partition: Partition, fate: Fate) {
        self.state().fates.decide(partition, fate);
    }

    /// The next append to `partition` never lands; its caller is told that nobody knows.
    pub fn lose_next(&self, partition: Partition) {
        self.fate_next(partition, Fate::Lost);
    }

    /// The next append to `partition` never lands and its receipt never answers.
    pub fn lose_next_silently(&self, partition: Partition) {
        self.fate_next(partition, Fate::LostSilently);
    }

    /// The next append to `partition` neither lands nor is answered before
    /// [`SimulatedLog::release`].
    pub fn hold_next(&self, partition: Partition) {
        self.fate_next(partition, Fate::Held);
    }

    /// How many appends to `partition` are held or late.
    #[must_use]
    pub fn held(&self, partition: Partition) -> usize {
        self.state().held(partition)
    }

    /// Lands every held and late append to `partition`, in the order in which they were called, and
    /// answers the held ones. Tells how many there were.
    pub fn release(&self, partition: Partition) -> usize {
        let held = self.state().take_held(partition);
        let count = held.len();
        for Held { records, answer } in held {
            let appended = self.land(partition, records);
            answer.give(Ok(appended));
        }
        count
    }

    /// Loses every held and late append to `partition`; held ones are answered as unknown. Tells
    /// how many there were.
    pub fn discard(&self, partition: Partition) -> usize {
        let held = self.state().take_held(partition);
        let count = held.len();
        for Held { answer, .. } in held {
            answer.give(Err(self.unknown(partition)));
        }
        count
    }

    /// Places a record at the end at once, whatever fates there are: another writer's.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn append_raw(&self, partition: Partition, record: Record) -> Appended {
        assert!(partition < self.partitions, "there is no partition {partition}");
        let appended = self.land(partition, vec![record]);
        *appended.first().expect("one record was placed")
    }

    /// Forgets all records from `end` on, as a log restored from an old backup would.
    pub fn truncate(&self, partition: Partition, end: Offset) {
        self.state().truncate(partition, end);
    }

    /// Forgets all records before `start`, as retention would.
    pub fn trim(&self, partition: Partition, start: Offset) {
        self.state().trim(partition, start);
    }

    /// Refuses appends and reads from now on, answers what is held as unknown, and lets waiting
    /// readers go.
    pub fn close(&self) {
        for partition in 0..self.partitions {
            self.discard(partition);
        }
        let woken = self.state().close();
        woken.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places records at the end and wakes who waited for them.
    fn land(&self, partition: Partition, records: Vec<Record>) -> Vec<Appended> {
        let now = (self.clock)();
        let (appended, woken) = self.state().land(partition, records, now);
        woken.into_iter().for_each(Waker::wake);
        appended
    }

    fn unavailable(&self, partition: Partition, reason: &str) -> AppendError {
        AppendError::Unavailable { log: (&*self.name).into(), partition, reason: reason.into() }
    }

    fn unknown(&self, partition: Partition) -> AppendError {
        let reason = "simulated".into();
        AppendError::Unknown { log: (&*self.name).into(), partition, reason }
    }

    fn unreadable(&self, partition: Partition, reason: &str) -> ReadError {
        ReadError::Unavailable { log: (&*self.name).into(), partition, reason: reason.into() }
    }

    fn hold(&self, partition: Partition, records: Vec<Record>) -> Receipt {
        let (answer, answered) = oneshot::channel();
        self.state().hold(partition, Held { records, answer: Answer::Awaited(answer) });
        let gone = self.unknown(partition);
        Receipt::new(async move { answered.await.unwrap_or(Err(gone)) })
    }

    /// Checks what every read checks, then asks `read`.
    fn look<T>(
        &self,
        partition: Partition,
        read: impl FnOnce(&state::Contents) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let state = self.state();
        if state.closed {
            return Err(self.unreadable(partition, "the log is closed"));
        }
        match state.contents(partition) {
            Some(contents) => read(contents),
            None => Err(self.unreadable(partition, "there is no such partition")),
        }
    }
}

impl Log for SimulatedLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn partitions(&self) -> Partition {
        self.partitions
    }

    fn append(&self, partition: Partition, records: Vec<Record>) -> Receipt {
        if partition >= self.partitions {
            return Receipt::ready(Err(self.unavailable(partition, "there is no such partition")));
        }
        if let Some(bytes) = records.iter().map(record_bytes).find(|it| *it > RECORD_BYTES_MAX) {
            let (log, bytes_max) = ((&*self.name).into(), RECORD_BYTES_MAX);
            let error = AppendError::TooLarge { log, partition, bytes, bytes_max };
            return Receipt::ready(Err(error));
        }
        let fate = {
            let mut state = self.state();
            if state.closed {
                return Receipt::ready(Err(self.unavailable(partition, "the log is closed")));
            }
            state.fates.next(partition, &records)
        };
        match fate {
            Fate::Lands => Receipt::ready(Ok(self.land(partition, records))),
            Fate::LandsUnknown => {
                self.land(partition, records);
                Receipt::ready(Err(self.unknown(partition)))
            }
            Fate::Refused => Receipt::ready(Err(self.unavailable(partition, "simulated"))),
            Fate::Lost => Receipt::ready(Err(self.unknown(partition))),
            Fate::LostSilently => Receipt::new(std::future::pending()),
            Fate::Held => self.hold(partition, records),
            Fate::Late => {
                self.state().hold(partition, Held { records, answer: Answer::Given });
                Receipt::ready(Err(self.unknown(partition)))
            }
        }
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> BoxFuture<'_, Result<Batch, ReadError>> {
        async move {
            self.look(partition, |contents| {
                contents.read(from, limits).ok_or_else(|| ReadError::OutOfRange {
                    log: (&*self.name).into(),
                    partition,
                    offset: from,
                    start: contents.start(),
                    end: contents.end(),
                })
            })
        }
        .boxed()
    }

    fn wait(&self, partition: Partition, offset: Offset) -> BoxFuture<'_, ()> {
        let mut place = Place { log: self, number: None };
        std::future::poll_fn(move |context| {
            let mut state = self.state();
            if let Some(number) = place.number.take() {
                state.forget_waiting(number);
            }
            if state.is_ready(partition, offset) {
                return Poll::Ready(());
            }
            place.number = Some(state.remember_waiting(partition, offset, context.waker().clone()));
            Poll::Pending
        })
        .boxed()
    }

    fn start(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        async move { self.look(partition, |contents| Ok(contents.start())) }.boxed()
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        async move { self.look(partition, |contents| Ok(contents.end())) }.boxed()
    }
}

impl fmt::Debug for SimulatedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedLog").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A reader's place among those who wait, given up when it loses interest.
struct Place<'a> {
    log: &'a SimulatedLog,
    number: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number.take() {
            self.log.state().forget_waiting(number);
        }
    }
}
