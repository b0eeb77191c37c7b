//! What callers were told of their appends, held against what stands in the log in the end.

use std::time::Instant;

use event_log::{AppendError, Appended, Log, Receipt};
use schemas::Partition;

use crate::backends::{PATIENCE, block_on, record};

/// Calls of one record each, by one caller, and what they were told.
#[derive(Default)]
pub(crate) struct Outcomes(Vec<(String, Result<Vec<Appended>, AppendError>)>);

/// Calls that have no answer yet.
#[derive(Default)]
pub(crate) struct Pending(Vec<(String, Receipt)>);

impl Pending {
    /// One call more, that says `text`, which no other says.
    pub(crate) fn append(&mut self, log: &dyn Log, partition: Partition, text: impl Into<String>) {
        let text = text.into();
        let receipt = log.append(partition, vec![record(text.clone())]);
        self.0.push((text, receipt));
    }

    pub(crate) fn outcomes(self) -> Outcomes {
        let told = |(text, receipt)| (text, block_on::<Result<_, _>>(receipt));
        Outcomes(self.0.into_iter().map(told).collect())
    }
}

impl Outcomes {
    pub(crate) fn appended(&self) -> usize {
        self.0.iter().filter(|(_, outcome)| outcome.is_ok()).count()
    }

    pub(crate) fn unknown(&self) -> usize {
        let is_unknown = |it: &Result<_, _>| matches!(it, Err(AppendError::Unknown { .. }));
        self.0.iter().filter(|(_, outcome)| is_unknown(outcome)).count()
    }

    /// Each record that was acknowledged stands where it was said to stand, and nowhere else, in
    /// the order of the calls; of what failed for certain there is nothing; what is unknown stands
    /// there once or not at all. `stored` is the whole partition, from offset 0 on.
    #[track_caller]
    pub(crate) fn check(&self, stored: &[String]) {
        let mut last = None;
        for (text, outcome) in &self.0 {
            let count = stored.iter().filter(|it| *it == text).count();
            match outcome {
                Ok(appended) => {
                    let offset = appended[0].offset;
                    assert_eq!(stored.get(offset as usize), Some(text), "at {offset}");
                    assert_eq!(count, 1, "{text}");
                    assert!(last < Some(offset), "{text} at {offset} after {last:?}");
                    last = Some(offset);
                }
                Err(AppendError::Unknown { .. }) => assert!(count <= 1, "{text}: {count} times"),
                Err(certain) => assert_eq!(count, 0, "{text}: {certain}"),
            }
        }
    }
}

/// Looks again until it is as expected.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "still not so");
        std::thread::yield_now();
    }
}
