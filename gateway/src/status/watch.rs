//! Waiting for one order or command: woken when it is decided or changed, and only then, however
//! many wait for others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use schemas::Offset;
use tokio::sync::watch;

type Senders = HashMap<Offset, watch::Sender<()>>;

/// Who waits for what, in one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderWatches(Arc<Mutex<Senders>>);

impl OrderWatches {
    pub(super) fn watch(&self, offset: Offset) -> OrderWatch {
        let receiver = self.lock().entry(offset).or_default().subscribe();
        OrderWatch { offset, receiver: Some(receiver), watches: self.clone() }
    }

    /// Wakes those who wait for one of `offsets`. To be called after the view has applied.
    pub(super) fn wake(&self, offsets: &[Offset]) {
        let senders = self.lock();
        if senders.is_empty() {
            return;
        }
        let woken: Vec<_> = offsets.iter().filter_map(|it| senders.get(it)).cloned().collect();
        drop(senders);
        for sender in woken {
            sender.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Senders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Interest in one order or command. Made before the first look at it, so that nothing is missed.
#[derive(Debug)]
pub struct OrderWatch {
    offset: Offset,
    /// None only while it is being dropped.
    receiver: Option<watch::Receiver<()>>,
    watches: OrderWatches,
}

impl OrderWatch {
    /// Ends once the order was decided or changed since this watch was made, or since this last
    /// ended. Safe to drop and call again.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_err()
        {
            // The sender stays as long as somebody listens.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for OrderWatch {
    fn drop(&mut self) {
        let mut senders = self.watches.lock();
        drop(self.receiver.take());
        if senders.get(&self.offset).is_some_and(|sender| sender.receiver_count() == 0) {
            senders.remove(&self.offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OrderWatches;
    use futures_util::task::ArcWake;
    use futures_util::{FutureExt, task};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Context;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl ArcWake for Wakes {
        fn wake_by_ref(this: &Arc<Self>) {
            this.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn ten_thousand_watchers_are_woken_each_by_its_own_order() {
        const COUNT: u64 = 10_000;
        let watches = OrderWatches::default();
        let mut waiting: Vec<_> = (0..COUNT).map(|offset| watches.watch(offset)).collect();
        let wakes: Vec<Arc<Wakes>> = waiting.iter().map(|_| Arc::default()).collect();
        let mut changes: Vec<_> = waiting.iter_mut().map(|it| Box::pin(it.changed())).collect();
        for (change, wakes) in changes.iter_mut().zip(&wakes) {
            let waker = task::waker(Arc::clone(wakes));
            assert!(change.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        }

        // Batches of other offsets, then of every hundredth order that somebody waits for.
        watches.wake(&(COUNT..COUNT + 5_000).collect::<Vec<_>>());
        watches.wake(&(0..COUNT).step_by(100).collect::<Vec<_>>());

        let woken = |offset: usize| wakes[offset].0.load(Ordering::Relaxed);
        assert!((0..wakes.len()).all(|offset| woken(offset) == usize::from(offset % 100 == 0)));
        assert!(changes[100].as_mut().now_or_never().is_some());
        assert!(changes[101].as_mut().now_or_never().is_none());
    }

    #[test]
    fn a_change_between_making_the_watch_and_waiting_is_not_missed() {
        let watches = OrderWatches::default();
        let mut watch = watches.watch(7);
        watches.wake(&[7, 8]);
        assert!(watch.changed().now_or_never().is_some());
        assert!(watch.changed().now_or_never().is_none());
        watches.wake(&[7]);
        assert!(watch.changed().now_or_never().is_some());
    }

    #[test]
    fn nothing_is_left_of_watches_that_are_gone() {
        let watches = OrderWatches::default();
        let (one, two) = (watches.watch(1), watches.watch(1));
        drop(one);
        assert_eq!(watches.lock().len(), 1);
        drop(two);
        assert!(watches.lock().is_empty());
    }
}
