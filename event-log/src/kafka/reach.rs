//! Whether any broker answers, as the clients of one log learn it. While none does, an append is
//! refused at once instead of being left to wait for its timeout; but now and then one is let
//! through, so that a broker that is back is found.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often an append is let through while no broker answers.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Shared by producer, readers and whoever asks for ends.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// When the last probe was let through; none while brokers answer.
    down: Mutex<Option<Instant>>,
}

impl Reach {
    /// A broker has answered.
    pub(super) fn answered(&self) {
        let mut down = self.down();
        if down.take().is_some() {
            tracing::info!("a broker answers again");
        }
    }

    /// No broker answers.
    pub(super) fn lost(&self) {
        let mut down = self.down();
        if down.is_none() {
            tracing::warn!("no broker answers");
            *down = Some(Instant::now());
        }
    }

    /// Whether an append may be tried now.
    pub(super) fn lets_through(&self) -> bool {
        self.lets_through_at(Instant::now())
    }

    fn lets_through_at(&self, now: Instant) -> bool {
        let mut down = self.down();
        match *down {
            None => true,
            Some(probed) if now.saturating_duration_since(probed) < PROBE_EVERY => false,
            Some(_) => {
                *down = Some(now);
                true
            }
        }
    }

    fn down(&self) -> MutexGuard<'_, Option<Instant>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{PROBE_EVERY, Reach};

    #[test]
    fn while_no_broker_answers_appends_are_refused_until_one_does() {
        let reach = Reach::default();
        assert!(reach.lets_through());
        reach.lost();
        assert!(!reach.lets_through());
        reach.answered();
        assert!(reach.lets_through());
    }

    #[test]
    fn while_no_broker_answers_one_append_in_a_while_finds_out() {
        let reach = Reach::default();
        reach.lost();
        let later = Instant::now() + PROBE_EVERY;
        assert!(reach.lets_through_at(later));
        assert!(!reach.lets_through_at(later), "one is enough");
        assert!(reach.lets_through_at(later + PROBE_EVERY));
    }
}
