//! Where appends wait for each other before the client has them. Who comes alone is handed over at
//! once, a crowd together: each batch on its way wakes three threads and costs both sides a
//! request, however little it carries. Must not know what is handed over.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long what comes after a hand-over of a few records waits for more …
const PAUSE_AFTER_FEW: Duration = Duration::from_millis(1);
/// … and what comes after one of many.
const PAUSE_AFTER_MANY: Duration = Duration::from_millis(4);
/// As many as these are many.
pub(super) const MANY: usize = 16;
/// As many as these wait for no more.
const ENOUGH: usize = 128;

/// What waits, in the order of its coming.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    state: Mutex<State<T>>,
    due: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    /// How many records wait.
    records: usize,
    /// Whether the last hand-over was just now.
    is_pausing: bool,
    is_closed: bool,
    is_spent: bool,
}

impl<T> State<T> {
    fn is_due(&self) -> bool {
        let is_enough = !self.is_pausing || self.records >= ENOUGH;
        self.is_closed || !self.waiting.is_empty() && is_enough
    }
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        let (waiting, records) = (Vec::new(), 0);
        let (is_pausing, is_closed, is_spent) = (false, false, false);
        let state = State { waiting, records, is_pausing, is_closed, is_spent };
        Self { state: Mutex::new(state), due: Condvar::new() }
    }
}

impl<T> Outbox<T> {
    /// Takes something that counts as so many records. Never waits.
    ///
    /// # Errors
    /// What was put, if the outbox is closed.
    pub(super) fn put(&self, one: T, records: usize) -> Result<(), T> {
        let mut state = self.state();
        if state.is_closed {
            return Err(one);
        }
        let was_due = state.is_due();
        state.waiting.push(one);
        state.records += records;
        if !was_due && state.is_due() {
            self.due.notify_one();
        }
        Ok(())
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.due.notify_one();
    }

    /// Whether nothing will be handed over any more.
    pub(super) fn is_spent(&self) -> bool {
        self.state().is_spent
    }

    /// Hands over what is put, as long as the outbox is open and until it is empty. For one thread.
    pub(super) fn serve(&self, mut hand_over: impl FnMut(Vec<T>)) {
        while let Some((together, records)) = self.take() {
            hand_over(together);
            self.pause(if records < MANY { PAUSE_AFTER_FEW } else { PAUSE_AFTER_MANY });
        }
        self.state().is_spent = true;
    }

    /// What waits, and how many records it counts as; none at the end.
    fn take(&self) -> Option<(Vec<T>, usize)> {
        let waited = self.due.wait_while(self.state(), |state| !state.is_due());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let records = std::mem::take(&mut state.records);
        let together = std::mem::take(&mut state.waiting);
        (!together.is_empty()).then_some((together, records))
    }

    fn pause(&self, pause: Duration) {
        let mut state = self.state();
        state.is_pausing = true;
        let waited = self.due.wait_timeout_while(state, pause, |state| !state.is_due());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_pausing = false;
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, Outbox, State};

    #[test]
    fn who_comes_alone_waits_for_nobody_and_a_crowd_until_it_is_large() {
        let state = |records, is_pausing, is_closed| {
            let waiting = vec![(); usize::from(records > 0)];
            State { waiting, records, is_pausing, is_closed, is_spent: false }
        };
        for (records, is_pausing, is_closed, is_due) in [
            (0, false, false, false),
            (1, false, false, true),
            (ENOUGH - 1, true, false, false),
            (ENOUGH, true, false, true),
            (0, true, true, true),
        ] {
            let state = state(records, is_pausing, is_closed);
            assert_eq!(state.is_due(), is_due, "{state:?}");
        }
    }

    #[test]
    fn a_single_one_goes_at_once_and_who_comes_meanwhile_goes_together() {
        let (outbox, mut handed) = (Outbox::default(), Vec::new());
        outbox.put(1, 1).unwrap();
        outbox.serve(|together| {
            if handed.is_empty() {
                outbox.put(2, 1).unwrap();
                outbox.put(3, 1).unwrap();
                outbox.close();
            }
            handed.push(together);
        });
        assert_eq!(handed, [vec![1], vec![2, 3]]);
    }

    #[test]
    fn a_closed_outbox_takes_nothing_and_hands_over_what_it_has() {
        let (outbox, mut handed) = (Outbox::default(), Vec::new());
        outbox.put(1, 1).unwrap();
        outbox.close();
        assert_eq!(outbox.put(2, 1), Err(2));
        assert!(!outbox.is_spent());
        outbox.serve(|together| handed.push(together));
        assert_eq!(handed, [vec![1]]);
        assert!(outbox.is_spent());
    }

    #[test]
    fn who_waits_for_the_first_one_is_woken() {
        let outbox = Outbox::default();
        let handed = std::thread::scope(|scope| {
            let serving = scope.spawn(|| {
                let mut handed = Vec::new();
                outbox.serve(|together| handed.extend(together));
                handed
            });
            (0..100).for_each(|one| outbox.put(one, 1).unwrap());
            outbox.close();
            serving.join().unwrap()
        });
        assert!(handed.into_iter().eq(0..100));
    }
}
