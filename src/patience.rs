//! Waiting for the servers that a process stands on. Processes start in any order: whoever misses
//! something says so, in its log and to operators, and tries again until it is there.

use std::time::Duration;

use platform::clock::{Clock, SystemClock};
use platform::jitter::{Backoff, SplitMix64};
use platform::shutdown::ShutdownToken;

use crate::standing::Standing;

/// Why an attempt failed.
pub(crate) enum Obstacle {
    /// It may work later: what is missing, and what can be done about it.
    ForNow(String),
    /// It never will without somebody's help.
    ForGood(anyhow::Error),
}

impl From<anyhow::Error> for Obstacle {
    fn from(fault: anyhow::Error) -> Self {
        Self::ForGood(fault)
    }
}

/// The process was asked to stop before it had started: no fault.
#[derive(Debug, thiserror::Error)]
#[error("stopped while waiting for {0}")]
pub(crate) struct Stopped(pub(crate) String);

/// Who waits: its standing, and when it stops.
#[derive(Clone)]
pub(crate) struct Patience {
    pub(crate) standing: Standing,
    pub(crate) stop: ShutdownToken,
}

impl Patience {
    /// Of a process that stops with `stop`, and that nobody watches while it starts.
    pub(crate) fn new(stop: ShutdownToken) -> Self {
        Self { standing: Standing::new(stop.clone()), stop }
    }

    /// What `attempt` gives, tried until it does.
    ///
    /// # Errors
    /// If it never will; [`Stopped`] if the process is to stop first.
    pub(crate) async fn wait_for<T>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, Obstacle>,
    ) -> anyhow::Result<T> {
        let mut random = SplitMix64::from_system()?;
        let (mut backoff, clock) = (Backoff::new(), SystemClock::new());
        loop {
            let obstacle = match attempt().await {
                Ok(there) => return Ok(there),
                Err(Obstacle::ForGood(fault)) => return Err(fault),
                Err(Obstacle::ForNow(what)) => what,
            };
            if self.standing.wait_for(&obstacle) {
                tracing::warn!("waiting for {obstacle}");
            }
            let pause: Duration = backoff.next_delay(&mut || random.draw());
            tokio::select! {
                () = clock.sleep(pause) => {}
                () = self.stop.cancelled() => return Err(Stopped(obstacle).into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        Patience::new(ShutdownToken::new())
    }

    #[tokio::test]
    async fn what_comes_later_is_waited_for() {
        let mut tries = 0;
        let patience = patience();
        let waited = patience.wait_for(async || {
            tries += 1;
            if tries < 3 { Err(Obstacle::ForNow("Kafka".to_owned())) } else { Ok(tries) }
        });
        assert_eq!(waited.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn what_never_comes_is_not_waited_for() {
        let patience = patience();
        let refused = patience.wait_for(async || -> Result<(), _> {
            Err(Obstacle::ForGood(anyhow::anyhow!("no such thing")))
        });
        assert_eq!(refused.await.unwrap_err().to_string(), "no such thing");
    }

    #[tokio::test]
    async fn a_process_that_is_to_stop_does_not_go_on_waiting() {
        let patience = patience();
        patience.stop.trigger();
        let waited = patience
            .wait_for(async || -> Result<(), _> { Err(Obstacle::ForNow("Kafka".to_owned())) });
        assert!(waited.await.unwrap_err().to_string().contains("waiting for Kafka"));
    }
}
