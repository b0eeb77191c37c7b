//! News of deals: the latest state for everybody who watches, whatever they missed. A change of
//! status goes out at once, counters at the next tick; each piece of news is written once.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use hashbrown::HashMap;
use read_model::DealRow;
use schemas::http::DealStatus;
use schemas::{DealId, Offset, Timestamp};
use tokio::sync::watch;

use crate::answer::deal_status;

/// A deal as of an instant, shared by all who watch it.
#[derive(Debug)]
pub struct DealNews {
    /// Its row.
    pub row: Arc<DealRow>,
    /// What it could do for a buyer at `at`.
    pub status: DealStatus,
    /// The gateway's clock.
    pub at: Timestamp,
    /// Next decision to read in its partition.
    pub read_offset: Offset,
    frame: OnceLock<Bytes>,
}

impl DealNews {
    fn new(row: Arc<DealRow>, at: Timestamp, read_offset: Offset) -> Self {
        let status = deal_status(&row, at);
        Self { row, status, at, read_offset, frame: OnceLock::new() }
    }

    /// The bytes in which this goes out: made by the first who asks, shared by all.
    pub fn frame(&self, make: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.frame.get_or_init(|| make(self)).clone()
    }

    /// Whether what cannot wait is different: anything but the counters, or whether some are left.
    fn is_urgent_after(&self, before: &Self) -> bool {
        let (old, new) = (&before.row, &self.row);
        self.status != before.status
            || (old.terms != new.terms || old.adjusted != new.adjusted)
            || (old.paused, old.closed, old.retired) != (new.paused, new.closed, new.retired)
    }
}

/// Who watches which deal.
#[derive(Clone, Debug, Default)]
pub(super) struct DealWatches(Arc<Mutex<Deals>>);

#[derive(Debug, Default)]
struct Deals {
    watched: HashMap<DealId, Watched>,
}

#[derive(Debug)]
struct Watched {
    sender: watch::Sender<Arc<DealNews>>,
    /// Not sent yet: only counters have changed.
    next: Option<Arc<DealNews>>,
}

impl DealWatches {
    /// A watch of a deal that stands so now.
    pub(super) fn watch(&self, row: Arc<DealRow>, at: Timestamp, read_offset: Offset) -> DealWatch {
        let deal_id = row.deal_id;
        let mut deals = self.lock();
        let watched = deals.watched.entry(deal_id).or_insert_with(|| {
            let news = Arc::new(DealNews::new(row, at, read_offset));
            Watched { sender: watch::Sender::new(news), next: None }
        });
        let receiver = watched.sender.subscribe();
        DealWatch { deal_id, receiver: Some(receiver), watches: self.clone() }
    }

    /// Whether somebody watches any deal.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().watched.is_empty()
    }

    /// Takes note of how a deal stands now; goes out at once if it cannot wait.
    pub(super) fn note(&self, row: Arc<DealRow>, at: Timestamp, read_offset: Offset) {
        let mut deals = self.lock();
        let Some(watched) = deals.watched.get_mut(&row.deal_id) else { return };
        let news = Arc::new(DealNews::new(row, at, read_offset));
        let sent = Arc::clone(&watched.sender.borrow());
        let latest = watched.next.as_ref().unwrap_or(&sent);
        if news.read_offset <= latest.read_offset {
            return;
        }
        if !news.is_urgent_after(&sent) {
            watched.next = Some(news);
            return;
        }
        watched.next = None;
        // Under the lock, so that nobody sends older news after these.
        watched.sender.send_replace(news);
    }

    /// Sends what has waited, and what the clock alone has changed: deals open and close by it.
    /// To be called every 250 ms.
    pub(super) fn tick(&self, now: Timestamp) {
        for watched in self.lock().watched.values_mut() {
            let sent = Arc::clone(&watched.sender.borrow());
            let latest = watched.next.take().unwrap_or_else(|| Arc::clone(&sent));
            let status = deal_status(&latest.row, now);
            let news = if status == latest.status {
                latest
            } else {
                Arc::new(DealNews::new(Arc::clone(&latest.row), now, latest.read_offset))
            };
            if !Arc::ptr_eq(&news, &sent) {
                watched.sender.send_replace(news);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Deals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Interest in one deal.
#[derive(Debug)]
pub struct DealWatch {
    deal_id: DealId,
    /// None only while it is being dropped.
    receiver: Option<watch::Receiver<Arc<DealNews>>>,
    watches: DealWatches,
}

impl DealWatch {
    /// The latest news; counts as heard.
    ///
    /// # Panics
    /// Never.
    pub fn latest(&mut self) -> Arc<DealNews> {
        let receiver = self.receiver.as_mut().expect("it is not being dropped");
        Arc::clone(&receiver.borrow_and_update())
    }

    /// Ends once there are news that [`DealWatch::latest`] has not given. Safe to drop and call
    /// again.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_err()
        {
            // The sender stays as long as somebody listens.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for DealWatch {
    fn drop(&mut self) {
        let mut deals = self.watches.lock();
        drop(self.receiver.take());
        let watched = deals.watched.get(&self.deal_id);
        if watched.is_some_and(|watched| watched.sender.receiver_count() == 0) {
            deals.watched.remove(&self.deal_id);
        }
    }
}
