//! How long a silent store is waited for. Must not know what it is asked.

use std::time::Duration;

use platform::clock::Clock;

/// A listing, or the first byte of an object. Without a snapshot the whole log is read: that takes
/// longer than this, and yet it ends.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// All bytes of an object: a hundred megabytes over a slow network.
pub(super) const BODY_WITHIN: Duration = Duration::from_secs(20);

/// A store that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store has not answered within {0:?}")]
pub(crate) struct Silent(Duration);

/// Whether an answer is waited for without end.
#[derive(Clone, Copy)]
pub(crate) enum Patience<'a> {
    Endless,
    /// As long as is sensible by this clock.
    By(&'a dyn Clock),
}

impl Patience<'_> {
    pub(crate) async fn wait<T>(
        self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Silent> {
        match self {
            Self::Endless => Ok(work.await),
            Self::By(clock) => tokio::select! {
                biased;
                done = work => Ok(done),
                () = clock.sleep(limit) => Err(Silent(limit)),
            },
        }
    }
}
