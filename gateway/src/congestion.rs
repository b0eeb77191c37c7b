//! How many purchases may be on their way into the log at once: as many as it takes in a short
//! while. When more come than the log and this machine take, a line would only grow, and whoever
//! joined it would wait longer and longer for the same answer; so it is kept short, and the rest is
//! turned away at once, with nothing taken. If the processors are what is short, the line is made
//! shorter still: letting somebody in costs several times what it costs to turn somebody away. Must
//! not know what a purchase is.

mod comeback;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comeback::Comeback;
use platform::clock::Clock;
use platform::shutdown::ShutdownToken;
use tokio::time::Instant;

use crate::config::GatewayConfig;
use crate::server::TURNED_AWAY;

/// So many a second find a place however short the processors are.
const ALWAYS_PER_SECOND: u64 = 1_000;
/// Over this the rate is counted.
const WINDOW_MS: u64 = 100;
/// How late the process may be for what it has to do before the line is made shorter.
const LATE_MAX: Duration = Duration::from_micros(1_200);
/// How often somebody looks how late the process is.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The best of so many windows counts: a moment in which little came says nothing.
const WINDOWS: usize = 30;

/// The line, as long as it may be now. By Little's law a line of `rate × wait` is waited in for
/// `wait`; so it grows as long as the log takes less than that.
pub(crate) struct Congestion {
    clock: Arc<dyn Clock>,
    wait: Duration,
    /// The line is never shorter, unless the processors are short.
    most_min: u64,
    under_way: AtomicU64,
    /// How late the process is, in microseconds.
    late_us: AtomicU64,
    done: AtomicU64,
    /// How many went through a second at best, lately.
    per_second: AtomicU64,
    rates: Mutex<Rates>,
    comeback: Comeback,
    turned_away: metrics::Counter,
}

/// How many were done in each of the last windows.
#[derive(Debug, Default)]
struct Rates {
    since_ms: u64,
    per_window: [u64; WINDOWS],
    next: usize,
}

/// A place in the line, until it is dropped.
pub(crate) struct Place(Arc<Congestion>);

impl Congestion {
    pub(crate) fn new(config: &GatewayConfig, clock: Arc<dyn Clock>) -> Self {
        let (wait, most_min) = (config.purchase_wait, config.purchases_waiting_min.get());
        let rates = Mutex::new(Rates { since_ms: clock.elapsed_millis(), ..Rates::default() });
        let (under_way, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let (late_us, per_second) = (AtomicU64::new(0), AtomicU64::new(0));
        let turned_away = metrics::counter!(TURNED_AWAY);
        let comeback = Comeback::default();
        Self {
            clock,
            wait,
            most_min,
            under_way,
            late_us,
            done,
            per_second,
            rates,
            comeback,
            turned_away,
        }
    }

    /// A place in the line; none if it is as long as it may be.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        if before < self.most() {
            return Some(Place(Arc::clone(self)));
        }
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// Whether the processors are short and nobody would get a place: then nothing else is to be
    /// done for somebody who needs one.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.late() > LATE_MAX && self.under_way.load(Ordering::Relaxed) >= self.most()
    }

    /// Counts somebody who gets no place, and says when there is likely one.
    pub(crate) fn turn_away(&self) -> Duration {
        self.turned_away.increment(1);
        let now = Duration::from_millis(self.clock.elapsed_millis());
        // Others come meanwhile as well.
        let per_second = self.per_second.load(Ordering::Relaxed) * 3 / 4;
        self.comeback.next(now, per_second.max(ALWAYS_PER_SECOND), self.wait)
    }

    /// Looks how late the process is, for as long as it serves.
    pub(crate) async fn watch(&self, shutdown: &ShutdownToken) {
        loop {
            let due = Instant::now() + LOOK_EVERY;
            tokio::select! {
                () = tokio::time::sleep_until(due) => self.note_late(due.elapsed()),
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// A mean over the last tenth of a second: one long task is no congestion.
    fn note_late(&self, late: Duration) {
        let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let before_us = self.late_us.load(Ordering::Relaxed);
        self.late_us
            .store((before_us.saturating_mul(7)).saturating_add(late_us) / 8, Ordering::Relaxed);
    }

    fn most(&self) -> u64 {
        self.count();
        let per_second = self.per_second.load(Ordering::Relaxed);
        let most_of_all = (per_second.saturating_mul(self.wait_ms()) / 1_000).max(self.most_min);
        let late = self.late();
        if late <= LATE_MAX {
            return most_of_all;
        }
        // Squared, so that it is much shorter before much waits for the processors.
        let share = (LATE_MAX.as_secs_f64() / late.as_secs_f64()).powi(2);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
        #[allow(clippy::cast_precision_loss, reason = "a line is short")]
        let most = (most_of_all as f64 * share) as u64;
        // However short the processors are: they, and not every little pause of a service in usual
        // use, are what is to be spared.
        most.max(ALWAYS_PER_SECOND * self.wait_ms() / 1_000).clamp(1, most_of_all)
    }

    fn late(&self) -> Duration {
        Duration::from_micros(self.late_us.load(Ordering::Relaxed))
    }

    fn wait_ms(&self) -> u64 {
        u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX)
    }

    /// Ends a window whose time is over. Whoever finds another one at it goes on.
    fn count(&self) {
        let Ok(mut rates) = self.rates.try_lock() else { return };
        let now_ms = self.clock.elapsed_millis();
        let passed_ms = now_ms - rates.since_ms;
        if passed_ms < WINDOW_MS {
            return;
        }
        let done = self.done.swap(0, Ordering::Relaxed);
        rates.note(done * WINDOW_MS / passed_ms, passed_ms / WINDOW_MS);
        rates.since_ms = now_ms;
        self.per_second.store(rates.best() * 1_000 / WINDOW_MS, Ordering::Relaxed);
    }
}

impl Place {
    /// The log has taken it: only that says how much goes through.
    pub(crate) fn went_through(self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Rates {
    /// Windows in which nobody looked have the same mean rate.
    fn note(&mut self, rate: u64, windows: u64) {
        for _ in 0..windows.min(WINDOWS as u64) {
            self.per_window[self.next] = rate;
            self.next = (self.next + 1) % WINDOWS;
        }
    }

    fn best(&self) -> u64 {
        self.per_window.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;
    use std::time::Duration;

    use platform::clock::ManualClock;
    use schemas::Timestamp;

    use super::{Congestion, LATE_MAX, Place};
    use crate::config::GatewayConfig;

    const WAIT: Duration = Duration::from_millis(50);
    const FLOOR: u64 = 128;

    fn line() -> (Arc<Congestion>, Arc<ManualClock>) {
        line_of(WAIT)
    }

    fn line_of(purchase_wait: Duration) -> (Arc<Congestion>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH.as_millis()));
        let config = GatewayConfig { purchase_wait, ..GatewayConfig::new("gateway") };
        (Arc::new(Congestion::new(&config, Arc::clone(&clock) as _)), clock)
    }

    fn fill(line: &Arc<Congestion>) -> Vec<Place> {
        std::iter::from_fn(|| line.enter()).collect()
    }

    /// `rate` a second go through, for `millis`.
    fn go_through(line: &Arc<Congestion>, clock: &ManualClock, rate: u64, millis: u64) {
        for _ in 0..millis / 10 {
            for _ in 0..rate / 100 {
                line.enter().unwrap().went_through();
            }
            clock.advance(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_place_that_is_left_is_free_again() {
        let (line, _) = line();
        let mut places = fill(&line);
        assert_eq!(places.len() as u64, FLOOR);
        places.truncate(100);
        assert_eq!(fill(&line).len() as u64, FLOOR - 100);
    }

    #[test]
    fn it_is_never_shorter_than_configured() {
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH.as_millis()));
        let purchases_waiting_min = NonZeroU64::MIN;
        let config = GatewayConfig { purchases_waiting_min, ..GatewayConfig::new("gateway") };
        let line = Arc::new(Congestion::new(&config, clock));
        assert_eq!(fill(&line).len(), 1);
    }

    #[test]
    fn the_line_is_as_long_as_what_goes_through_while_one_may_wait() {
        let (line, clock) = line();
        go_through(&line, &clock, 40_000, 1_000);
        assert_eq!(fill(&line).len(), 2_000);
    }

    #[test]
    fn a_short_pause_does_not_shorten_it_and_a_long_one_does() {
        let (line, clock) = line();
        go_through(&line, &clock, 40_000, 1_000);
        clock.advance(Duration::from_millis(300));
        assert_eq!(fill(&line).len(), 2_000);
        clock.advance(Duration::from_secs(5));
        assert_eq!(fill(&line).len() as u64, FLOOR);
    }

    #[test]
    fn where_processors_are_short_it_is_much_shorter_but_some_always_get_in() {
        let (line, clock) = line();
        go_through(&line, &clock, 40_000, 1_000);
        for (tenths_of_most, expected) in [(10, 2_000), (20, 500), (100, 50), (100_000, 50)] {
            let late = LATE_MAX * tenths_of_most / 10;
            (0..100).for_each(|_| line.note_late(late));
            let places = fill(&line).len();
            // A mean of whole microseconds never gets quite there.
            assert!(places.abs_diff(expected) <= 1 + expected / 100, "{late:?}: {places}");
            let places = fill(&line);
            assert_eq!(line.is_hopeless(), late > LATE_MAX, "{late:?}: {}", places.len());
        }
    }

    #[test]
    fn one_long_task_is_no_congestion() {
        let (line, _) = line();
        line.note_late(7 * LATE_MAX);
        assert_eq!(fill(&line).len() as u64, FLOOR);
    }

    #[test]
    fn those_turned_away_count_for_nothing() {
        let (line, clock) = line();
        let places = fill(&line);
        assert!(!line.is_hopeless(), "there is time to tell each why");
        for _ in 0..100 {
            clock.advance(Duration::from_millis(10));
            for _ in 0..1_000 {
                assert!(line.enter().is_none());
            }
        }
        drop(places);
        assert_eq!(fill(&line).len() as u64, FLOOR);
    }

    #[test]
    fn those_turned_away_come_again_as_fast_as_purchases_go_through() {
        let (line, clock) = line();
        go_through(&line, &clock, 10_000, 1_000);
        assert_eq!(line.turn_away(), WAIT);
        let last = (0..7_500).fold(WAIT, |_, _| line.turn_away());
        // Three quarters of 10,000 a second: others come as well.
        assert!(last.abs_diff(WAIT + Duration::from_secs(1)) < WAIT);
    }

    #[test]
    fn a_log_that_is_slow_by_itself_does_not_keep_the_line_short() {
        let (line, clock) = line_of(Duration::from_millis(250));
        // Each takes 100 ms, however many there are.
        for _ in 0..5 {
            let places = fill(&line);
            clock.advance(Duration::from_millis(100));
            places.into_iter().for_each(Place::went_through);
        }
        assert!(fill(&line).len() > 5_000);
    }

    #[test]
    fn what_fails_or_is_given_up_does_not_make_it_longer() {
        let (line, clock) = line();
        for _ in 0..200 {
            drop(fill(&line));
            clock.advance(Duration::from_millis(10));
        }
        assert_eq!(fill(&line).len() as u64, FLOOR);
    }
}
