//! The crowd's clock: what every moment of a rush is measured by. Must not know what happens when.

use tokio::time::Instant;

use crate::history::Moment;

/// Begins with the rush, never goes back, and is the same for every gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock that shows moment 0 now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Moment {
        Moment::default().plus(self.0.elapsed())
    }

    pub(crate) async fn sleep_until(self, moment: Moment) {
        let wait = moment.since(Moment::default());
        tokio::time::sleep_until(self.0 + wait).await;
    }
}
