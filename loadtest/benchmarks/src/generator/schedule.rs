//! When the next request is due. Must not know what is sent.

use std::cell::Cell;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Before the first arrival of an open loop, so that it does not begin late.
const BEFORE_FIRST: Duration = Duration::from_millis(50);

/// How requests follow each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// One after the other on each connection; what is answered before `warm` is over is not
    /// counted.
    Closed { warm: Duration, counted: Duration },
    /// So many in all, one after the other on each connection.
    Count(u64),
    /// So many a second, whether or not earlier ones are answered. Latency counts from the moment
    /// that was planned, so waiting for a connection counts too.
    Open { per_second: f64, counted: Duration },
}

/// A pace that has begun.
pub(super) struct Schedule {
    pace: Pace,
    start: Instant,
    next: Cell<u64>,
    /// A permit for each arrival that is due; none for a closed loop.
    due: Option<Arc<Semaphore>>,
}

impl Schedule {
    pub(super) fn start(pace: Pace, connections: usize) -> Self {
        let now = Instant::now();
        let (start, due) = match pace {
            Pace::Closed { .. } | Pace::Count(_) => (now, None),
            Pace::Open { .. } => {
                let (start, due) = (now + BEFORE_FIRST, Arc::new(Semaphore::new(0)));
                let schedule = Self { pace, start, next: Cell::new(0), due: None };
                schedule.ring(Arc::clone(&due), connections);
                (start, Some(due))
            }
        };
        Self { pace, start, next: Cell::new(0), due }
    }

    /// Gives a permit at each arrival. On a thread of its own: the runtime's timer knows whole
    /// milliseconds only, and they would count as the service's.
    fn ring(&self, due: Arc<Semaphore>, connections: usize) {
        let (total, start, interval) = (self.total(), self.start, self.interval());
        thread::spawn(move || {
            let mut given = 0;
            while given < total {
                let at = start + interval.mul_f64(as_f64(given));
                thread::sleep(at.saturating_duration_since(Instant::now()));
                due.add_permits(1);
                given += 1;
            }
            // Everybody who waits still hears that this was all.
            due.add_permits(connections);
        });
    }

    /// Number and moment of the next request; none if there are no more.
    pub(super) async fn next(&self) -> Option<(u64, Instant)> {
        if let Some(due) = &self.due {
            due.acquire().await.expect("nobody closes it").forget();
        }
        let number = self.next.get();
        let now = Instant::now();
        let moment = match self.pace {
            Pace::Closed { .. } if now >= self.end() => return None,
            Pace::Count(total) if number >= total => return None,
            Pace::Open { .. } if number >= self.total() => return None,
            Pace::Closed { .. } | Pace::Count(_) => now,
            Pace::Open { .. } => self.start + self.interval().mul_f64(as_f64(number)),
        };
        self.next.set(number + 1);
        Some((number, moment))
    }

    /// Whether what happens now is part of the rate.
    pub(super) fn counts(&self, now: Instant) -> bool {
        match self.pace {
            Pace::Closed { warm, .. } => now >= self.start + warm && now < self.end(),
            Pace::Count(_) | Pace::Open { .. } => true,
        }
    }

    /// For how long was counted, in seconds.
    pub(super) fn counted_seconds(&self) -> f64 {
        match self.pace {
            Pace::Closed { counted, .. } => counted.as_secs_f64(),
            Pace::Count(_) | Pace::Open { .. } => self.start.elapsed().as_secs_f64(),
        }
    }

    fn end(&self) -> Instant {
        match self.pace {
            Pace::Closed { warm, counted } => self.start + warm + counted,
            Pace::Open { counted, .. } => self.start + counted,
            Pace::Count(_) => self.start,
        }
    }

    fn interval(&self) -> Duration {
        match self.pace {
            Pace::Open { per_second, .. } => Duration::from_secs_f64(1.0 / per_second),
            Pace::Closed { .. } | Pace::Count(_) => Duration::ZERO,
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few millions")]
    fn total(&self) -> u64 {
        match self.pace {
            Pace::Open { per_second, counted } => (per_second * counted.as_secs_f64()) as u64,
            Pace::Closed { .. } => u64::MAX,
            Pace::Count(total) => total,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a few millions")]
fn as_f64(number: u64) -> f64 {
    number as f64
}
