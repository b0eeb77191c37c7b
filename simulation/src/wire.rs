//! What is on its way: appends that have not landed, answers that have not arrived, work that takes
//! its time. Parcels of one connection land in the order in which they were sent, unless one is
//! meant to be late. Must not know what decides about them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use event_log::{AppendError, Appended, Record, SimulatedLog};
use schemas::Partition;
use tokio::sync::oneshot;

/// What the caller of an append is told.
pub(crate) type Outcome = Result<Vec<Appended>, AppendError>;

/// Where records of one append have landed so far.
pub(crate) type Landed = Arc<Mutex<Vec<Appended>>>;

/// Something on its way.
pub(crate) enum Parcel {
    /// Records that land.
    Land(Landing),
    /// An answer.
    Answer(oneshot::Sender<Outcome>, Outcome),
    /// Work.
    Work(Box<dyn FnOnce() + Send>),
}

/// Records on their way into a log.
pub(crate) struct Landing {
    pub(crate) connection: u64,
    pub(crate) log: SimulatedLog,
    pub(crate) partition: Partition,
    pub(crate) records: Vec<Record>,
    /// Where records of the same append went, these included.
    pub(crate) landed: Landed,
    /// Who is told once they have landed, after so many milliseconds.
    pub(crate) answer: Option<(oneshot::Sender<Outcome>, u64)>,
}

/// Parcels by when they arrive, then by when they were sent.
#[derive(Default)]
pub(crate) struct Wire {
    parcels: BTreeMap<(u64, u64), Parcel>,
    sent: u64,
}

impl Wire {
    pub(crate) fn post(&mut self, due_ms: u64, parcel: Parcel) {
        self.sent += 1;
        self.parcels.insert((due_ms, self.sent), parcel);
    }

    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.parcels.keys().next().map(|(due_ms, _)| *due_ms)
    }

    pub(crate) fn take_due(&mut self, now_ms: u64) -> Option<Parcel> {
        let first = self.parcels.first_entry()?;
        (first.key().0 <= now_ms).then(|| first.remove())
    }

    /// How many appends a connection has on their way.
    pub(crate) fn of(&self, connection: u64) -> usize {
        let is_of = |parcel: &&Parcel| match parcel {
            Parcel::Land(landing) => landing.connection == connection,
            Parcel::Answer(..) | Parcel::Work(_) => false,
        };
        self.parcels.values().filter(is_of).count()
    }

    /// Takes away what a connection has on its way and `is_lost` says is lost; counts them.
    pub(crate) fn cut(&mut self, connection: u64, mut is_lost: impl FnMut() -> bool) -> u64 {
        let before = self.parcels.len();
        self.parcels.retain(|_, parcel| match parcel {
            Parcel::Land(landing) if landing.connection == connection => !is_lost(),
            Parcel::Land(_) | Parcel::Answer(..) | Parcel::Work(_) => true,
        });
        (before - self.parcels.len()) as u64
    }

    /// Whatever is on its way arrives by then.
    pub(crate) fn hurry(&mut self, due_ms: u64) {
        let parcels = std::mem::take(&mut self.parcels);
        for ((at_ms, number), parcel) in parcels {
            self.parcels.insert((at_ms.min(due_ms), number), parcel);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }
}

impl Landing {
    /// Places the records in the log. What is left to do is told.
    pub(crate) fn land(self) -> Option<(u64, Parcel)> {
        let Self { log, partition, records, landed, answer, .. } = self;
        let appended: Vec<_> =
            records.into_iter().map(|record| log.append_raw(partition, record)).collect();
        let mut landed = landed.lock().unwrap_or_else(PoisonError::into_inner);
        landed.extend(appended);
        answer.map(|(sender, after_ms)| (after_ms, Parcel::Answer(sender, Ok(landed.clone()))))
    }
}
