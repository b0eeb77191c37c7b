//! When an issuer is asked for its keys: every ten minutes, sooner if somebody waits, never twice
//! within ten seconds. Must not know how it is asked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use platform::jitter::{SplitMix64, spread};
use platform::shutdown::ShutdownToken;

use super::Shared;
use super::fetch::IssuerClient;
use super::published::PublishedKeys;

/// How old keys get before they are asked for again.
const REFRESH_INTERVAL: Duration = Duration::from_secs(600);
/// When to try again after a failure that nobody waits for.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// Least time between the starts of two attempts: unknown keys are free to make up.
pub(super) const ATTEMPT_PAUSE: Duration = Duration::from_secs(10);

/// Attempts at fetching an issuer's keys, by outcome.
const REFRESHES: &str = "timedeal_oidc_refreshes_total";

/// Says what the metrics of this module mean.
pub(crate) fn describe_metrics() {
    metrics::describe_counter!(
        REFRESHES,
        "Attempts at fetching the keys of the OIDC issuer, by outcome: unchanged, changed, failed."
    );
}

/// What came of asking the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OidcOutcome {
    /// Its keys are the same.
    Unchanged,
    /// Its keys are others, which are in force now.
    Changed,
    /// They could not be had; the ones before stay until they are too old.
    Failed,
}

impl OidcOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Failed => "failed",
        }
    }
}

/// Keeps the keys of an [`OidcVerifier`](super::OidcVerifier) fresh.
pub struct OidcWatch {
    shared: Arc<Shared>,
    client: IssuerClient,
    random: SplitMix64,
    /// When the last attempt began, by the clock's monotonic time.
    last_ms: Option<u64>,
    due_ms: u64,
    /// What was warned of already.
    warned: Option<String>,
}

impl OidcWatch {
    pub(super) fn new(shared: Arc<Shared>, client: IssuerClient) -> Self {
        // Without the system's randomness the intervals are merely even.
        let random = SplitMix64::from_system().unwrap_or_else(|_| SplitMix64::new(0));
        Self { shared, client, random, last_ms: None, due_ms: 0, warned: None }
    }

    /// Steps until shutdown.
    pub async fn run(mut self, shutdown: ShutdownToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                _outcome = self.step() => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Waits until the keys are due or somebody wants them, then asks the issuer once; the first
    /// time at once.
    pub async fn step(&mut self) -> OidcOutcome {
        let shared = Arc::clone(&self.shared);
        let clock = &*shared.clock;
        let until = |moment_ms: u64| {
            Duration::from_millis(moment_ms.saturating_sub(clock.elapsed_millis()))
        };
        tokio::select! {
            () = clock.sleep(until(self.due_ms)) => {}
            () = shared.wanted.notified() => {}
        }
        if let Some(last_ms) = self.last_ms {
            clock.sleep(until(last_ms.saturating_add(millis(ATTEMPT_PAUSE)))).await;
        }
        // Whoever asked up to now is served by this attempt; only later wishes are for the next.
        let _served = shared.wanted.notified().now_or_never();
        let started_ms = clock.elapsed_millis();
        self.last_ms = Some(started_ms);
        shared.attempts.send_modify(|attempts| attempts.started += 1);
        let outcome = match self.client.keys(&shared.options).await {
            Ok(keys) => self.take(keys, started_ms),
            Err(fault) => {
                self.warn_once(fault.to_string());
                OidcOutcome::Failed
            }
        };
        let interval =
            if outcome == OidcOutcome::Failed { RETRY_INTERVAL } else { REFRESH_INTERVAL };
        let wait = spread(interval, &mut || self.random.draw());
        self.due_ms = started_ms.saturating_add(millis(wait));
        // After the keys: whoever hears of the attempt finds what it brought.
        shared.attempts.send_modify(|attempts| {
            attempts.ended = attempts.started;
            attempts.last_succeeded = outcome != OidcOutcome::Failed;
        });
        metrics::counter!(REFRESHES, "outcome" => outcome.as_str()).increment(1);
        outcome
    }

    fn take(&mut self, keys: PublishedKeys, started_ms: u64) -> OidcOutcome {
        self.warned = None;
        // Replaced only if they are others: whatever was verified under the same keys stays so.
        let outcome = if self.shared.keys.load().is_same(&keys) {
            OidcOutcome::Unchanged
        } else {
            self.shared.keys.replace(keys);
            tracing::info!(issuer = self.shared.options.issuer(), "took the issuer's keys");
            OidcOutcome::Changed
        };
        self.shared.confirmed_ms.store(started_ms, Ordering::Release);
        outcome
    }

    fn warn_once(&mut self, cause: String) {
        if self.warned.as_ref() != Some(&cause) {
            let issuer = self.shared.options.issuer();
            tracing::warn!(issuer, cause, "the issuer's keys cannot be had, those before stay");
            self.warned = Some(cause);
        }
    }
}

impl fmt::Debug for OidcWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcWatch")
            .field("issuer", &self.shared.options.issuer())
            .finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("the intervals above are short")
}
