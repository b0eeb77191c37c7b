//! What all buyers of a rush share: the gateways, the deal, chance, patience, what any of them has
//! been shown, and who is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use schemas::DealId;
use tokio::sync::Semaphore;

use crate::client::Answer;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::frontier::Frontier;
use crate::gateways::Gateways;
use crate::progress::Observer;

/// First and longest wait before a request is sent again, if the service names none.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// No wait that the service asks for is longer; the API promises as much.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// The surroundings of every buyer.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) gateways: Gateways,
    pub(crate) deal_id: DealId,
    /// Seed of the plan.
    pub(crate) seed: u64,
    pub(crate) dice: Dice,
    pub(crate) patience: Duration,
    /// Nobody comes back who is told to.
    pub(crate) once: bool,
    /// Who asks with `?wait` keeps a connection busy, so few may at once.
    pub(crate) waits: Semaphore,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) retries: AtomicU64,
    /// What gateways have shown to anybody.
    pub(crate) frontier: Mutex<Frontier>,
}

impl World {
    /// Counts a request that has to be sent again.
    pub(crate) fn note_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.observer.retried();
    }

    /// Notes how far an answer shows that the log is decided.
    pub(crate) fn note_shown(&self, answer: &Answer) {
        let mut frontier = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        for seen in answer.seen() {
            frontier.note(seen, answer.received);
        }
    }

    /// How long to wait before the request is sent again for the `tries`-th time (from 1). The
    /// service's own word counts, a little later for some, so that they do not come together.
    pub(crate) fn pause(&self, tries: u32, retry_after: Option<Duration>) -> Duration {
        match retry_after {
            Some(wait) => {
                let wait = wait.min(RETRY_AFTER_MAX);
                wait + self.dice.up_to(wait / 5)
            }
            None => {
                let ceiling = RETRY_FIRST.saturating_mul(1 << tries.min(10)).min(RETRY_MAX);
                self.dice.up_to(ceiling)
            }
        }
    }
}

/// The header value of a token.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
