//! One partition's view behind its lock, with what is measured about it. Locks are short and never
//! held across an await.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use schemas::Offset;
use tokio::sync::watch;

use super::watch::OrderWatches;
use crate::answer::QueuedPurchase;
use crate::view::{Ends, Rate, View};

/// A partition as this gateway follows it.
#[derive(Debug)]
pub(super) struct Tracked {
    state: RwLock<State>,
    /// `decided_next` of the view; sent after it was applied.
    pub(super) progress: watch::Sender<Offset>,
    pub(super) watches: OrderWatches,
    has_started: AtomicBool,
    is_stuck: AtomicBool,
    load: AtomicUsize,
    backlog: AtomicU64,
}

/// What the lock protects.
#[derive(Debug)]
pub(super) struct State {
    pub(super) view: View,
    pub(super) ends: Ends,
    rate: Rate,
    /// The highest end of the commands log that is known here.
    commands_end: Offset,
    /// Purchases that this gateway let in and that the view has not seen decided.
    pub(super) queued: BTreeMap<Offset, QueuedPurchase>,
}

impl State {
    /// Commands that wait for their decision.
    pub(super) fn backlog(&self) -> u64 {
        self.commands_end.saturating_sub(self.decided_next())
    }

    pub(super) fn decided_next(&self) -> Offset {
        self.view.filter().decided_next
    }

    pub(super) fn rate_per_second(&self) -> Option<f64> {
        self.rate.per_second()
    }

    /// How long until so many commands are decided.
    pub(super) fn wait_for(&self, commands: u64) -> Option<Duration> {
        self.rate.time_for(commands)
    }

    /// Takes note that the commands log reaches to `end` at least.
    pub(super) fn note_commands_end(&mut self, end: Offset) {
        self.commands_end = self.commands_end.max(end);
    }

    /// Takes note at `now_ms` (monotonic) of the view's progress by so many decisions.
    pub(super) fn settle(&mut self, now_ms: u64, decided: u64) {
        let filter = self.view.filter();
        let (read_offset, decided_next) = (filter.read_offset, filter.decided_next);
        self.ends.reach(read_offset);
        self.note_commands_end(decided_next);
        self.rate.observe(now_ms, decided, self.backlog());
        self.queued = self.queued.split_off(&decided_next);
    }
}

impl Tracked {
    pub(super) fn new(view: View) -> Self {
        let decided_next = view.filter().decided_next;
        let state = State {
            view,
            ends: Ends::default(),
            rate: Rate::default(),
            commands_end: decided_next,
            queued: BTreeMap::new(),
        };
        Self {
            state: RwLock::new(state),
            progress: watch::Sender::new(decided_next),
            watches: OrderWatches::default(),
            has_started: AtomicBool::new(false),
            is_stuck: AtomicBool::new(false),
            load: AtomicUsize::new(0),
            backlog: AtomicU64::new(0),
        }
    }

    /// A poisoned lock is passed through: a panic in the view stops its follower, and what the
    /// others see gets stale, which the door and the readiness check notice.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then publishes what is read without the lock.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state: RwLockWriteGuard<'_, State> =
            self.state.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        self.load.store(state.view.load(), Ordering::Relaxed);
        self.backlog.store(state.backlog(), Ordering::Relaxed);
        let read_offset = state.view.filter().read_offset;
        if state.ends.first().is_some_and(|first| first <= read_offset) {
            self.has_started.store(true, Ordering::Release);
        }
        result
    }

    /// Whether the view has reached the end that the decisions log had at the start.
    pub(super) fn has_started(&self) -> bool {
        self.has_started.load(Ordering::Acquire)
    }

    /// Takes note whether the last step of its follower failed.
    pub(super) fn note_stuck(&self, is_stuck: bool) {
        self.is_stuck.store(is_stuck, Ordering::Relaxed);
    }

    /// Whether there is nothing to wait for: it cannot be followed, or the log does not say where
    /// it ends.
    pub(super) fn is_out_of_reach(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed) || self.read().ends.first().is_none()
    }

    /// Records in the view that configuration bounds.
    pub(super) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// As [`State::backlog`], without the lock.
    pub(super) fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }
}
