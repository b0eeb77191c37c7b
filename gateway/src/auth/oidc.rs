//! Tokens of an OIDC issuer, verified with the keys that it publishes.
//!
//! [`OidcVerifier`] judges with the keys that are here; [`OidcWatch`], a task of its own, is the
//! only one that asks the issuer: however many tokens name unknown keys, it is asked once in ten
//! seconds at most. Must not know of other issuers.

mod fetch;
mod options;
mod published;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use platform::clock::Clock;
use platform::secrets::Rotating;
use tokio::sync::{Notify, Semaphore, watch as channel};

use super::verifier::{TokenFault, Verified, VerifyToken};
use published::PublishedKeys;

pub use fetch::OidcFault;
pub use options::{OidcAlgorithm, OidcOptions};
pub(crate) use watch::describe_metrics;
pub use watch::{OidcOutcome, OidcWatch};

/// How old keys may be that the issuer has not confirmed since: longer outages are attended to, and
/// a key that was taken back must not be good for ever because its issuer is out of reach.
const KEYS_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Most calls that wait for new keys at once. More are told to come again.
const WAITING_MAX: usize = 256;
/// Longest wait of a call: the pause between two attempts, an attempt, and some air.
const WAIT_MAX: Duration = Duration::from_secs(25);
const _: () = assert!(
    WAIT_MAX.as_secs() > watch::ATTEMPT_PAUSE.as_secs() + 2 * fetch::REQUEST_TIMEOUT.as_secs()
);
/// Stands for keys that never came.
const NEVER: u64 = u64::MAX;

/// Verifies tokens of one OIDC issuer; clones share its keys.
#[derive(Clone)]
pub struct OidcVerifier {
    shared: Arc<Shared>,
}

/// What the verifier and the watch share.
struct Shared {
    options: OidcOptions,
    clock: Arc<dyn Clock>,
    keys: Rotating<PublishedKeys>,
    /// When the issuer last confirmed the keys, by the clock's monotonic time.
    confirmed_ms: AtomicU64,
    /// Asks the watch not to wait for the next interval.
    wanted: Notify,
    attempts: channel::Sender<Attempts>,
    seats: Semaphore,
}

/// Attempts at fetching keys. They follow one another, so of all that have ended the last is the
/// one with the highest number.
#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    started: u64,
    ended: u64,
    last_succeeded: bool,
}

impl OidcVerifier {
    /// A verifier that has no keys yet, and the watch that fetches them once it runs.
    ///
    /// # Errors
    /// If there is no client for HTTPS: the process has to install a provider for rustls before.
    pub fn new(
        options: OidcOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, OidcWatch), OidcFault> {
        let client = fetch::IssuerClient::new(&options)?;
        let shared = Arc::new(Shared {
            options,
            clock,
            keys: Rotating::new(PublishedKeys::default()),
            confirmed_ms: AtomicU64::new(NEVER),
            wanted: Notify::new(),
            attempts: channel::Sender::new(Attempts::default()),
            seats: Semaphore::new(WAITING_MAX),
        });
        let watch = OidcWatch::new(Arc::clone(&shared), client);
        Ok((Self { shared }, watch))
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.shared.options.issuer()
    }
}

impl Shared {
    /// How long the keys may still be used; none if that time is over, or there are none.
    fn keys_left(&self) -> Option<Duration> {
        let confirmed_ms = self.confirmed_ms.load(Ordering::Acquire);
        if confirmed_ms == NEVER {
            return None;
        }
        let age = self.clock.elapsed_millis().saturating_sub(confirmed_ms);
        KEYS_AGE_MAX.checked_sub(Duration::from_millis(age)).filter(|left| !left.is_zero())
    }
}

#[async_trait]
impl VerifyToken for OidcVerifier {
    fn generation(&self) -> u64 {
        self.shared.keys.load().number()
    }

    fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault> {
        let (kid, algorithm) = self.shared.options.claimed(token)?;
        let left = self.shared.keys_left().ok_or(TokenFault::UnknownKey)?;
        let keys = self.shared.keys.load();
        let mut verified = keys.find(kid.as_deref(), algorithm)?.verify(token, now_seconds)?;
        // Remembered no longer than the keys are good, if nobody confirms them again.
        let left_seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
        let keys_until_seconds = now_seconds.saturating_add(left_seconds);
        verified.until_seconds = verified.until_seconds.min(keys_until_seconds);
        Ok(verified)
    }

    async fn renew(&self, _token: &str) -> Result<(), TokenFault> {
        let shared = &*self.shared;
        let seat = shared.seats.try_acquire().map_err(|_| TokenFault::Unavailable)?;
        let mut attempts = shared.attempts.subscribe();
        let before = attempts.borrow_and_update().started;
        shared.wanted.notify_one();
        // Only an attempt that begins after the token came can know a key that came before it.
        let answered = async {
            let ended = attempts.wait_for(|attempts| attempts.ended > before).await;
            ended.is_ok_and(|attempts| attempts.last_succeeded)
        };
        let succeeded = tokio::select! {
            succeeded = answered => succeeded,
            () = shared.clock.sleep(WAIT_MAX) => false,
        };
        drop(seat);
        if succeeded { Ok(()) } else { Err(TokenFault::Unavailable) }
    }
}

/// Judges a token by a set of keys as [`OidcVerifier`] does once it has fetched them; none if the
/// set has no key that can be used.
pub(crate) fn judge(
    options: &OidcOptions,
    keys: &[u8],
    token: &str,
    now_seconds: i64,
) -> Option<Result<Verified, TokenFault>> {
    let keys = PublishedKeys::read(keys, options).ok()?;
    let verify = |(kid, algorithm): (Option<String>, _)| {
        keys.find(kid.as_deref(), algorithm)?.verify(token, now_seconds)
    };
    Some(options.claimed(token).and_then(verify))
}

impl fmt::Debug for OidcVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcVerifier").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
