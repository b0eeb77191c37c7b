//! Following the decisions log: one follower for each partition, a loop around a step.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use decision_log::{Entry, Reader, ReaderError, Verdict};
use metrics::counter;
use platform::jitter::{Backoff, SplitMix64};
use platform::shutdown::ShutdownToken;
use schemas::log::FilterState;
use schemas::{DealId, Partition, Timestamp};

use super::telemetry::{RECORDS, VIOLATIONS};
use super::{Shared, StatusView};
use crate::view::{Asked, Touched};

/// A park is looked at again after this.
const PARK_AGAIN: Duration = Duration::from_secs(10);

/// What a batch consisted of, beside the effective decisions.
#[derive(Default)]
struct Counts {
    effective: u64,
    fenced: u64,
    repeats: u64,
    differing: u64,
    gaps: u64,
    owners: u64,
}

/// Follows one partition, batch by batch.
#[derive(Debug)]
pub struct Follower {
    status: StatusView,
    reader: Reader,
}

impl Follower {
    /// Reads and applies what there is, within the limits; tells how many records that were, 0 at
    /// the end of the log. Whoever waits for one of them is woken after all were applied.
    ///
    /// # Errors
    /// If the log cannot be read, or going on could break a promise.
    pub async fn step(&mut self) -> Result<usize, ReaderError> {
        let step = self.read_on().await;
        if let Some(tracked) = self.status.shared.tracked(self.reader.partition()) {
            tracked.note_stuck(step.is_err());
        }
        step
    }

    async fn read_on(&mut self) -> Result<usize, ReaderError> {
        let shared = &*self.status.shared;
        let (at_ms, at) = (shared.clock.elapsed_millis(), shared.now());
        let entries = self.reader.next().await?;
        // Each batch tells the log's end as well: a busy view is fresh without being told.
        let asked = Asked { at_ms, at, end: self.reader.end_seen() };
        shared.apply(self.reader.partition(), &entries, self.reader.state(), asked);
        Ok(entries.len())
    }

    /// Ends when there is something to read, or a little early.
    pub async fn wait(&self) {
        self.reader.wait().await;
    }
}

impl StatusView {
    /// A follower of a partition, from where its view stands. One at a time.
    ///
    /// # Panics
    /// If there is no such partition.
    #[must_use]
    pub fn follower(&self, partition: Partition) -> Follower {
        let shared = &self.shared;
        let tracked = shared.tracked(partition).expect("the caller knows the partitions");
        let filter = tracked.read().view.filter().clone();
        let decisions = Arc::clone(&shared.decisions);
        let reader = Reader::new(decisions, partition, filter, shared.limits.read);
        Follower { status: self.clone(), reader }
    }

    /// Follows a partition until shutdown. A fault is waited out: meanwhile the view gets stale.
    pub async fn follow(&self, partition: Partition, shutdown: ShutdownToken) {
        let mut follower = self.follower(partition);
        let mut random = SplitMix64::new(u64::from(partition));
        let mut backoff = Backoff::new();
        while !shutdown.is_cancelled() {
            let idle = match follower.step().await {
                Ok(read) => {
                    backoff.reset();
                    if read > 0 {
                        continue;
                    }
                    tokio::select! {
                        () = follower.wait() => continue,
                        () = shutdown.cancelled() => return,
                    }
                }
                Err(error @ ReaderError::Parked { .. }) => {
                    tracing::error!(partition, %error, "the status view cannot go on");
                    PARK_AGAIN
                }
                Err(error @ ReaderError::Read(_)) => {
                    tracing::warn!(partition, %error, "decisions were not read");
                    backoff.next_delay(&mut || random.draw())
                }
            };
            tokio::select! {
                () = self.shared.clock.sleep(idle) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }
}

impl Shared {
    fn apply(&self, partition: Partition, entries: &[Entry], filter: &FilterState, asked: Asked) {
        let tracked = self.tracked(partition).expect("followers are of partitions that exist");
        let (mut touched, mut counts) = (Touched::default(), Counts::default());
        let now_ms = self.clock.elapsed_millis();
        let news = tracked.change(|state| {
            for entry in entries {
                if let Some(decision) = counts.note(entry) {
                    state.view.apply(decision, &mut touched);
                }
            }
            state.view.advance(filter.clone());
            state.ends.note(asked, filter.read_offset);
            state.settle(now_ms, counts.effective);
            // Under the lock: whoever sees the announcement decided finds the deal as well.
            self.place_deals(partition, &touched);
            let rows = touched.deals.iter().filter_map(|&id| state.view.deal(id).cloned());
            rows.collect::<Vec<_>>()
        });
        tracked.progress.send_replace(filter.decided_next);
        tracked.watches.wake(&touched.offsets);
        let now = self.now();
        for row in news {
            self.deal_watches.note(row, now, filter.read_offset);
        }
        counts.publish(partition, now);
    }

    /// Remembers where deals live that were announced just now.
    fn place_deals(&self, partition: Partition, touched: &Touched) {
        let known = self.deals.read().unwrap_or_else(PoisonError::into_inner);
        let is_new = |deal_id: &DealId| !known.contains_key(deal_id);
        let new: Vec<_> = touched.deals.iter().copied().filter(is_new).collect();
        drop(known);
        if !new.is_empty() {
            let mut deals = self.deals.write().unwrap_or_else(PoisonError::into_inner);
            deals.extend(new.into_iter().map(|deal_id| (deal_id, partition)));
        }
    }
}

impl Counts {
    /// Counts an entry; gives the decision if it is effective.
    fn note<'a>(&mut self, entry: &'a Entry) -> Option<&'a schemas::log::Decision> {
        let Entry::Decision { decision, verdict, .. } = entry else {
            self.owners += 1;
            return None;
        };
        match verdict {
            Verdict::Effective => {
                self.effective += 1;
                return Some(decision);
            }
            Verdict::Fenced => self.fenced += 1,
            Verdict::Repeat { differs } => {
                self.repeats += 1;
                self.differing += u64::from(*differs);
            }
            Verdict::Gap => self.gaps += 1,
            Verdict::Genesis | Verdict::Owner | Verdict::StaleOwner => self.owners += 1,
        }
        None
    }

    fn publish(&self, partition: Partition, now: Timestamp) {
        let by_verdict = [
            ("effective", self.effective),
            ("fenced", self.fenced),
            ("repeat", self.repeats),
            ("gap", self.gaps),
            ("control", self.owners),
        ];
        for (verdict, count) in by_verdict.into_iter().filter(|(_, count)| *count > 0) {
            counter!(RECORDS, "verdict" => verdict).increment(count);
        }
        if self.differing > 0 {
            counter!(VIOLATIONS, "invariant" => "I4").increment(self.differing);
            let count = self.differing;
            tracing::error!(partition, count, %now, "promise I4: repeated decisions differ");
        }
    }
}
