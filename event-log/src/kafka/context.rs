//! What a client reports beside its answers: log lines, errors that belong to no call, and its wish
//! for a new token. Must not know what the client is for.

use std::error::Error;

use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Statistics};
use tracing::{debug, error, info, trace, warn};

use super::connection::{Connection, Sasl, TokenSource};

/// Told of an error that belongs to no call, with librdkafka's sentence, which names the broker.
pub(super) type OnError = Box<dyn Fn(&KafkaError, &str) + Send + Sync>;

/// The context of every client. All of it runs on the thread that polls the client: a client that
/// nobody polls reports nothing and never gets a token.
pub(super) struct ClientEvents {
    tokens: Option<TokenSource>,
    on_error: Option<OnError>,
}

impl ClientEvents {
    pub(super) fn new(connection: &Connection) -> Self {
        let tokens = match &connection.sasl {
            Sasl::None | Sasl::Scram { .. } => None,
            Sasl::Oauth(tokens) => Some(TokenSource::clone(tokens)),
        };
        Self { tokens, on_error: None }
    }

    /// Tells of errors, beside logging them. Must not block.
    pub(super) fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = Some(on_error);
        self
    }
}

impl ClientContext for ClientEvents {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    /// librdkafka calls every lost connection an error, although it connects again by itself.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                error!(facility, line, "the Kafka client failed");
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
                warn!(facility, line, "the Kafka client complains");
            }
            RDKafkaLogLevel::Notice => info!(facility, line, "the Kafka client says"),
            RDKafkaLogLevel::Info => debug!(facility, line, "the Kafka client says"),
            RDKafkaLogLevel::Debug => trace!(facility, line, "the Kafka client says"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        warn!(%error, reason, "a Kafka client met an error");
        if let Some(on_error) = &self.on_error {
            on_error(&error, reason);
        }
    }

    /// Whoever sets `statistics.interval.ms` wraps this context and reads them.
    fn stats(&self, _: Statistics) {}

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let tokens = self.tokens.as_ref().ok_or("this client signs in without a token")?;
        let token = tokens().inspect_err(|reason| warn!(reason, "no token for the brokers"))?;
        debug!(principal = token.principal, "the client takes a new token");
        Ok(OAuthToken {
            token: token.token,
            principal_name: token.principal,
            lifetime_ms: token.expires_at_ms,
        })
    }
}

impl ConsumerContext for ClientEvents {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rdkafka::ClientContext;

    use super::super::connection::{Connection, OauthToken, Sasl};
    use super::ClientEvents;

    fn events(sasl: Sasl) -> ClientEvents {
        let url = "kafka://a:9092".parse().unwrap();
        ClientEvents::new(&Connection { url, sasl, ca_file: None, client_id: "test".to_owned() })
    }

    #[test]
    fn the_present_token_is_handed_over() {
        let source = || {
            let (token, principal) = ("secret".to_owned(), "shop".to_owned());
            Ok(OauthToken { token, principal, expires_at_ms: 7 })
        };
        let token = events(Sasl::Oauth(Arc::new(source))).generate_oauth_token(None).unwrap();
        assert_eq!((token.token.as_str(), token.lifetime_ms), ("secret", 7));
    }

    #[test]
    fn without_a_token_the_reason_is_handed_over() {
        let sasl = Sasl::Oauth(Arc::new(|| Err("no token yet".to_owned())));
        let reason = events(sasl).generate_oauth_token(None).err().unwrap();
        assert_eq!(reason.to_string(), "no token yet");
        assert!(events(Sasl::None).generate_oauth_token(None).is_err());
    }
}
