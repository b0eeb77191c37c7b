//! The keys of a gateway, which may be replaced while it serves, and the watches that replace them.
//! Must not know what is signed, nor which flags name the sources.

use std::sync::Arc;
use std::time::Duration;

use platform::clock::Clock;
use platform::secrets::{
    KeySources, Rotating, SecretBytes, SecretError, SecretOutcome, SecretReader, SecretWatch,
    parse_webhook,
};
use platform::shutdown::ShutdownToken;

use crate::auth::TokenKeys;
use crate::ticket::Tickets;

/// Every key of a gateway; clones share them.
#[derive(Clone, Debug)]
pub struct GatewayKeys {
    /// Keys of order ids.
    pub tickets: Rotating<Tickets>,
    /// Keys of the tokens that this service issues itself.
    pub tokens: Rotating<TokenKeys>,
    /// Secrets with which a payment provider may sign; any of them will do.
    pub webhooks: Rotating<Vec<SecretBytes>>,
}

/// What keeps [`GatewayKeys`] up to date with where they come from.
#[derive(Debug)]
pub struct KeyWatches {
    tickets: SecretWatch<Tickets>,
    tokens: SecretWatch<TokenKeys>,
    webhooks: SecretWatch<Vec<SecretBytes>>,
}

impl KeyWatches {
    /// Reads all keys for the first time, and again every `interval` once it runs.
    ///
    /// # Errors
    /// If one of the sources cannot be read, or holds no keys of its kind.
    pub async fn open(
        sources: &KeySources,
        reader: &SecretReader,
        interval: Duration,
    ) -> Result<Self, SecretError> {
        let KeySources { signing, ticket, webhook } = sources.clone();
        let tickets = SecretWatch::open("ticket", ticket, reader.clone(), Tickets::read).await?;
        let tokens = SecretWatch::open("signing", signing, reader.clone(), TokenKeys::read).await?;
        let read = |bytes: &[u8], _before: Option<&Vec<SecretBytes>>| parse_webhook(bytes);
        let webhooks = SecretWatch::open("webhook", webhook, reader.clone(), read).await?;
        Ok(Self {
            tickets: tickets.every(interval),
            tokens: tokens.every(interval),
            webhooks: webhooks.every(interval),
        })
    }

    /// The keys, now and later.
    #[must_use]
    pub fn keys(&self) -> GatewayKeys {
        GatewayKeys {
            tickets: self.tickets.current(),
            tokens: self.tokens.current(),
            webhooks: self.webhooks.current(),
        }
    }

    /// Reads all of them once more: tickets, tokens, webhooks.
    pub async fn step(&mut self) -> [SecretOutcome; 3] {
        [self.tickets.step().await, self.tokens.step().await, self.webhooks.step().await]
    }

    /// Reads them again and again until shutdown.
    pub async fn run(self, clock: Arc<dyn Clock>, shutdown: ShutdownToken) {
        let Self { tickets, tokens, webhooks } = self;
        tokio::join!(
            tickets.run(Arc::clone(&clock), shutdown.clone()),
            tokens.run(Arc::clone(&clock), shutdown.clone()),
            webhooks.run(clock, shutdown),
        );
    }
}

#[cfg(test)]
mod tests;
