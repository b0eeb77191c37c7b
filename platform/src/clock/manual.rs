//! A clock that stands still until it is told to move. Needs no runtime: it wakes plain wakers, in
//! one fixed order, so a run that is repeated repeats.

use super::{BoxFuture, Clock, saturate};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// When a sleeper is due (monotonic time), then the order of its call of `sleep`.
type Due = (Duration, u64);

#[derive(Debug)]
struct State {
    wall_millis_at_zero: i64,
    elapsed: Duration,
    sleeps_started: u64,
    /// Who waits; `None` until the sleep was polled for the first time.
    sleepers: BTreeMap<Due, Option<Waker>>,
}

/// A clock moved by hand; clones share one time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

impl ManualClock {
    /// A clock that stands at `now_millis` of wall time and 0 of monotonic time.
    pub fn new(now_millis: i64) -> Self {
        let state = State {
            wall_millis_at_zero: now_millis,
            elapsed: Duration::ZERO,
            sleeps_started: 0,
            sleepers: BTreeMap::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Moves both times forward and wakes every sleeper that is due, the earliest first and equal
    /// ones in the order of their calls.
    ///
    /// All of them see the time after the whole step. A caller that wants each to run at its own
    /// moment uses [`ManualClock::advance_to_next`].
    pub fn advance(&self, step: Duration) {
        let mut state = self.lock();
        state.elapsed = state.elapsed.saturating_add(step);
        let due = take_due(&mut state);
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Moves both times to the moment of the earliest sleeper, wakes all sleepers of that moment in
    /// the order of their calls, and returns how far it moved. `None` if nobody sleeps.
    pub fn advance_to_next(&self) -> Option<Duration> {
        let mut state = self.lock();
        let (next, _) = *state.sleepers.keys().next()?;
        let step = next.saturating_sub(state.elapsed);
        state.elapsed = state.elapsed.max(next);
        let due = take_due(&mut state);
        drop(state);
        due.into_iter().for_each(Waker::wake);
        Some(step)
    }

    /// How long until the earliest sleeper is due; `None` if nobody sleeps.
    pub fn until_next(&self) -> Option<Duration> {
        let state = self.lock();
        let (next, _) = *state.sleepers.keys().next()?;
        Some(next.saturating_sub(state.elapsed))
    }

    /// Moves the wall time alone, as an operator or NTP does; no sleeper notices.
    pub fn step_wall(&self, by_millis: i64) {
        let mut state = self.lock();
        state.wall_millis_at_zero = state.wall_millis_at_zero.saturating_add(by_millis);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Clock for ManualClock {
    fn now_millis(&self) -> i64 {
        let state = self.lock();
        state.wall_millis_at_zero.saturating_add(saturate(state.elapsed))
    }

    fn elapsed_millis(&self) -> u64 {
        u64::try_from(self.lock().elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let mut state = self.lock();
        let due = (state.elapsed.saturating_add(duration), state.sleeps_started);
        state.sleeps_started += 1;
        // Known before its first poll, so that a simulator never steps past a fresh sleeper.
        state.sleepers.insert(due, None);
        drop(state);
        Box::pin(Sleep { state: Arc::clone(&self.state), due })
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    due: Due,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.elapsed >= self.due.0 {
            state.sleepers.remove(&self.due);
            return Poll::Ready(());
        }
        state.sleepers.insert(self.due, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let forgotten = lock(&self.state).sleepers.remove(&self.due);
        // The waker may own a task that owns this clock: dropped after the lock.
        drop(forgotten);
    }
}

fn take_due(state: &mut State) -> Vec<Waker> {
    let mut due = Vec::new();
    while let Some(sleeper) = state.sleepers.first_entry() {
        if sleeper.key().0 > state.elapsed {
            break;
        }
        due.extend(sleeper.remove());
    }
    due
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no code path panics while it holds this lock")
}

#[cfg(test)]
mod tests {
    use super::{Clock, ManualClock};
    use futures_util::FutureExt;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Wake, Waker};
    use std::time::Duration;

    const START_MILLIS: i64 = 1_000_000;

    struct Note {
        name: &'static str,
        woken: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.woken.lock().unwrap().push(self.name);
        }
    }

    fn note(name: &'static str, woken: &Arc<Mutex<Vec<&'static str>>>) -> Waker {
        Waker::from(Arc::new(Note { name, woken: Arc::clone(woken) }))
    }

    #[test]
    fn sleepers_wake_by_time_then_by_call() {
        let clock = ManualClock::new(START_MILLIS);
        let woken = Arc::default();
        let mut sleeps: Vec<_> = [("late", 30), ("first", 10), ("second", 10), ("never", 99)]
            .map(|(name, ms)| (name, clock.sleep(Duration::from_millis(ms))))
            .into();
        // Polled backwards: the order of the calls counts, not that of the polls.
        for (name, sleep) in sleeps.iter_mut().rev() {
            let waker = note(name, &woken);
            assert!(sleep.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        }
        clock.advance(Duration::from_millis(30));
        assert_eq!(*woken.lock().unwrap(), ["first", "second", "late"]);
        let ready: Vec<_> =
            sleeps.iter_mut().map(|(_, sleep)| sleep.now_or_never().is_some()).collect();
        assert_eq!(ready, [true, true, true, false]);
    }

    #[test]
    fn time_moves_only_by_hand() {
        let clock = ManualClock::new(START_MILLIS);
        let twin = clock.clone();
        assert_eq!((clock.now_millis(), clock.elapsed_millis()), (START_MILLIS, 0));
        clock.advance(Duration::from_micros(1_500));
        assert_eq!((twin.now_millis(), twin.elapsed_millis()), (START_MILLIS + 1, 1));
        clock.step_wall(-3_000);
        assert_eq!((twin.now_millis(), twin.elapsed_millis()), (START_MILLIS - 2_999, 1));
    }

    #[test]
    fn each_moment_can_be_visited_alone() {
        let clock = ManualClock::new(START_MILLIS);
        let mut early = clock.sleep(Duration::from_millis(5));
        let mut late = clock.sleep(Duration::from_millis(8));
        assert_eq!(clock.until_next(), Some(Duration::from_millis(5)));
        assert_eq!(clock.advance_to_next(), Some(Duration::from_millis(5)));
        assert!((&mut early).now_or_never().is_some());
        assert!((&mut late).now_or_never().is_none());
        assert_eq!(clock.advance_to_next(), Some(Duration::from_millis(3)));
        assert!(late.now_or_never().is_some());
        assert_eq!(clock.advance_to_next(), None);
    }

    #[test]
    fn a_dropped_sleep_is_forgotten() {
        let clock = ManualClock::new(START_MILLIS);
        drop(clock.sleep(Duration::from_millis(5)));
        assert_eq!(clock.until_next(), None);
    }

    #[test]
    fn a_sleep_of_nothing_is_over_at_once() {
        let clock = ManualClock::new(START_MILLIS);
        assert!(clock.sleep(Duration::ZERO).now_or_never().is_some());
        assert_eq!(clock.until_next(), None);
    }
}
