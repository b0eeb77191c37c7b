//! What every part of the simulated world shares: virtual time, the oracle of faults, the wire, the
//! counts, and the trace by which two runs are compared. Must not know any part.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use platform::clock::{Clock, ManualClock};

use crate::dice::{Dice, mix};
use crate::faults::{Fault, Oracle, Site};
use crate::wire::{Parcel, Wire};

/// Start of every run's wall time.
pub(crate) const START_MS: i64 = 1_800_000_000_000;
/// The site of what happens to the world as a whole.
pub(crate) const WORLD: Site = 999;

/// Something that runs on a machine.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What all share.
pub(crate) struct Universe {
    pub(crate) clock: ManualClock,
    state: Mutex<State>,
}

struct State {
    oracle: Oracle,
    wire: Wire,
    delays: Dice,
    counts: BTreeMap<&'static str, u64>,
    trace: Trace,
    spawned: Vec<(Site, Task)>,
    connections: u64,
    requests: u64,
}

/// Everything that happened, as one number, and in words if somebody wants them.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl fmt::Debug for Universe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Universe").finish_non_exhaustive()
    }
}

impl Universe {
    pub(crate) fn new(seed: u64, oracle: Oracle, in_words: bool) -> Arc<Self> {
        let trace = Trace { hash: seed, lines: in_words.then(Vec::new) };
        let state = State {
            oracle,
            wire: Wire::default(),
            delays: Dice::new(mix(&[seed, 3])),
            counts: BTreeMap::new(),
            trace,
            spawned: Vec::new(),
            connections: 0,
            requests: 0,
        };
        Arc::new(Self { clock: ManualClock::new(START_MS), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Virtual milliseconds since the run began.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.elapsed_millis()
    }

    /// Whether the next chance of a fault is taken; it is counted and traced.
    pub(crate) fn fires(&self, fault: Fault, site: Site) -> Option<Dice> {
        let dice = self.state().oracle.fires(fault, site)?;
        if fault != Fault::Session {
            self.count(fault.name());
        }
        self.trace(&[1, fault as u64, site.into()], || format!("fault {} at {site}", fault.name()));
        Some(dice)
    }

    /// Looks at, or changes, which faults happen.
    pub(crate) fn oracle<T>(&self, look: impl FnOnce(&mut Oracle) -> T) -> T {
        look(&mut self.state().oracle)
    }

    /// Looks at, or changes, what is on its way.
    pub(crate) fn wire<T>(&self, look: impl FnOnce(&mut Wire) -> T) -> T {
        look(&mut self.state().wire)
    }

    /// Sends something that arrives after so many milliseconds.
    pub(crate) fn post(&self, after_ms: u64, parcel: Parcel) {
        let due_ms = self.now_ms() + after_ms;
        self.state().wire.post(due_ms, parcel);
    }

    /// How long something takes as a rule.
    pub(crate) fn delay_ms(&self, low: u64, high: u64) -> u64 {
        self.state().delays.between(low, high)
    }

    /// A number of a connection that nobody had.
    pub(crate) fn connect(&self) -> u64 {
        let mut state = self.state();
        state.connections += 1;
        state.connections
    }

    /// A number of a request that nobody had.
    pub(crate) fn request(&self) -> u64 {
        let mut state = self.state();
        state.requests += 1;
        state.requests
    }

    /// Lets a task run on a machine from now on.
    pub(crate) fn spawn(&self, site: Site, task: impl Future<Output = ()> + Send + 'static) {
        self.state().spawned.push((site, Box::pin(task)));
    }

    pub(crate) fn take_spawned(&self) -> Vec<(Site, Task)> {
        std::mem::take(&mut self.state().spawned)
    }

    pub(crate) fn is_spawning_nothing(&self) -> bool {
        self.state().spawned.is_empty()
    }

    pub(crate) fn count(&self, what: &'static str) {
        self.count_more(what, 1);
    }

    pub(crate) fn count_more(&self, what: &'static str, many: u64) {
        *self.state().counts.entry(what).or_default() += many;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.state().counts.clone()
    }

    /// Notes that something happened.
    pub(crate) fn trace(&self, facts: &[u64], words: impl FnOnce() -> String) {
        let now_ms = self.now_ms();
        let trace = &mut self.state().trace;
        trace.hash = mix(&[trace.hash, now_ms]);
        trace.hash = facts.iter().fold(trace.hash, |hash, fact| mix(&[hash, *fact]));
        if let Some(lines) = &mut trace.lines {
            lines.push(format!("{:>10.3} {}", now_ms as f64 / 1_000.0, words()));
        }
    }

    pub(crate) fn trace_hash(&self) -> u64 {
        self.state().trace.hash
    }

    pub(crate) fn take_lines(&self) -> Vec<String> {
        self.state().trace.lines.take().unwrap_or_default()
    }

    /// A moment in which others come first, and in which a process may end.
    pub(crate) async fn pass(&self) {
        let mut passed = false;
        poll_fn(|context| {
            if passed {
                return Poll::Ready(());
            }
            passed = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }
}
