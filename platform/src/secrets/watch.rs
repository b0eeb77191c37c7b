//! Secrets that are read again and again, so that a rotation needs no restart. What cannot be read,
//! or must not be taken, leaves the one before in force. Must not know what the secrets are for.

use super::rotating::Rotating;
use super::{SecretBytes, SecretError, SecretReader, SecretSource};
use crate::clock::Clock;
use crate::jitter::{SplitMix64, spread};
use crate::shutdown::ShutdownToken;
use std::fmt;
use std::time::Duration;

/// How often a secret is read again, unless something else is said.
pub const SECRET_INTERVAL: Duration = Duration::from_secs(30);

/// Secrets read again, by name and by what came of it.
const SECRET_READS: &str = "timedeal_secret_reads_total";

/// Says what the metrics of this module mean.
pub fn describe_metrics() {
    metrics::describe_counter!(
        SECRET_READS,
        "Secrets read again, by name and outcome: unchanged, changed, unreadable, refused."
    );
}

/// Makes a value of the secret's bytes, or says why not without showing them. It is also given the
/// value in force: what must not follow it is refused.
type Parse<T> = Box<dyn Fn(&[u8], Option<&T>) -> Result<T, String> + Send + Sync>;

/// What came of reading a secret again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretOutcome {
    /// It is the same.
    Unchanged,
    /// It is another, which is in force now.
    Changed,
    /// It could not be had; the one before stays.
    Unreadable,
    /// It is another that cannot be taken; the one before stays.
    Refused,
}

impl SecretOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
        }
    }
}

/// Watches one secret and keeps a [`Rotating`] value up to date with it.
pub struct SecretWatch<T> {
    name: &'static str,
    source: SecretSource,
    reader: SecretReader,
    parse: Parse<T>,
    interval: Duration,
    last: SecretBytes,
    current: Rotating<T>,
    /// What was warned of already.
    warned: Option<String>,
}

impl<T> SecretWatch<T> {
    /// Reads the secret for the first time. `name` stands in logs and metrics. `parse` is also
    /// given the value in force, none at first, and refuses what must not follow it; what it says
    /// is logged, so it never shows content.
    ///
    /// # Errors
    /// If the secret cannot be read or parsed.
    pub async fn open(
        name: &'static str,
        source: SecretSource,
        reader: SecretReader,
        parse: impl Fn(&[u8], Option<&T>) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, SecretError> {
        let last = source.read(&reader).await?;
        let value = parse(last.expose(), None)
            .map_err(|reason| SecretError::Unusable { place: source.clone(), reason })?;
        let (parse, current) = (Box::new(parse), Rotating::new(value));
        let interval = SECRET_INTERVAL;
        Ok(Self { name, source, reader, parse, interval, last, current, warned: None })
    }

    /// Reads every so often; not the same for all, see [`SecretWatch::run`].
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The value in force, now and later.
    pub fn current(&self) -> Rotating<T> {
        self.current.clone()
    }

    /// Reads the secret once more.
    pub async fn step(&mut self) -> SecretOutcome {
        let outcome = match self.source.read(&self.reader).await {
            Err(error) => {
                self.warn_once(error.to_string());
                SecretOutcome::Unreadable
            }
            Ok(bytes) if bytes == self.last => {
                self.warned = None;
                SecretOutcome::Unchanged
            }
            Ok(bytes) => self.take(bytes),
        };
        let labels = [("secret", self.name), ("outcome", outcome.as_str())];
        metrics::counter!(SECRET_READS, &labels).increment(1);
        outcome
    }

    /// Steps until shutdown, at intervals spread by a fifth, so that many processes do not ask at
    /// once.
    pub async fn run(mut self, clock: impl AsRef<dyn Clock>, shutdown: ShutdownToken) {
        let clock = clock.as_ref();
        // Without the system's randomness the intervals are merely even.
        let mut random = SplitMix64::from_system().unwrap_or_else(|_| SplitMix64::new(0));
        while !shutdown.is_cancelled() {
            let wait = spread(self.interval, &mut || random.draw());
            tokio::select! {
                () = clock.sleep(wait) => drop(self.step().await),
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn take(&mut self, bytes: SecretBytes) -> SecretOutcome {
        match (self.parse)(bytes.expose(), Some(&self.current.load())) {
            Err(reason) => {
                self.warn_once(reason);
                SecretOutcome::Refused
            }
            Ok(value) => {
                self.current.replace(value);
                self.last = bytes;
                self.warned = None;
                tracing::info!(secret = self.name, source = %self.source, "secret was replaced");
                SecretOutcome::Changed
            }
        }
    }

    fn warn_once(&mut self, cause: String) {
        if self.warned.as_ref() != Some(&cause) {
            let (secret, source) = (self.name, &self.source);
            tracing::warn!(secret, %source, cause, "the secret before stays in force");
            self.warned = Some(cause);
        }
    }
}

impl<T> fmt::Debug for SecretWatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SecretWatch");
        shown.field("name", &self.name).field("source", &self.source);
        shown.field("current", &self.current).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
