//! Where the brokers are, who we are to them, and the settings that all our clients share, each
//! with its reason. Must not know what a client is for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// Brokers and the prefix of the topics: `kafka://host:port,host:port/prefix`, or `kafkas://…` for
/// TLS. Without a prefix it is `timedeal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaUrl {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// Topics are called `{prefix}.commands`, `{prefix}.decisions`, `{prefix}.dead-letters`.
    pub prefix: String,
    /// Whether the link is encrypted.
    pub tls: bool,
}

/// Why a text is no address of a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KafkaUrlFault {
    /// It begins otherwise.
    #[error("an address begins with kafka:// or kafkas://")]
    Scheme,
    /// Something else than `host:port` stands in the list of brokers.
    #[error("brokers are host:port, separated by commas")]
    Brokers,
    /// The prefix cannot be part of a topic's name.
    #[error("a topic prefix is 1 to 200 of A-Z a-z 0-9 . _ -")]
    Prefix,
}

impl FromStr for KafkaUrl {
    type Err = KafkaUrlFault;

    fn from_str(text: &str) -> Result<Self, KafkaUrlFault> {
        let (tls, rest) = match (text.strip_prefix("kafka://"), text.strip_prefix("kafkas://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(KafkaUrlFault::Scheme),
        };
        let (brokers, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = if prefix.is_empty() { "timedeal" } else { prefix };
        if !brokers.split(',').all(is_broker) {
            return Err(KafkaUrlFault::Brokers);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if prefix.len() > 200 || !prefix.bytes().all(is_plain) {
            return Err(KafkaUrlFault::Prefix);
        }
        Ok(Self { brokers: brokers.to_owned(), prefix: prefix.to_owned(), tls })
    }
}

fn is_broker(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-[]:".contains(&byte);
    !host.is_empty() && host.bytes().all(is_plain) && port.parse::<u16>().is_ok()
}

/// Which of the two hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScramMechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512, the only one that MSK takes.
    Sha512,
}

impl ScramMechanism {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }
}

/// A token that a broker takes, until it expires.
#[derive(Clone)]
pub struct OauthToken {
    /// The token.
    pub token: String,
    /// Whom it names.
    pub principal: String,
    /// Unix milliseconds at which it is good no more.
    pub expires_at_ms: i64,
}

/// The present token, as somebody else keeps it fresh. Called on librdkafka's threads, so nobody
/// may wait in it. The error is a reason for the log and holds no secret.
pub type TokenSource = Arc<dyn Fn() -> Result<OauthToken, String> + Send + Sync>;

/// Who we are to the brokers.
#[derive(Clone, Default)]
pub enum Sasl {
    /// Nobody in particular.
    #[default]
    None,
    /// A user with a password, that the broker knows as a salted hash.
    Scram {
        /// Which hash.
        mechanism: ScramMechanism,
        /// Name of the user.
        user: String,
        /// Its password.
        password: String,
    },
    /// Whoever the token says: MSK's IAM.
    Oauth(TokenSource),
}

/// How to reach the brokers. Prints without passwords and tokens.
#[derive(Clone)]
pub struct Connection {
    /// Where they are.
    pub url: KafkaUrl,
    /// Who we are.
    pub sasl: Sasl,
    /// Certificates of the authorities that signed the brokers' (PEM); the system's if none.
    pub ca_file: Option<PathBuf>,
    /// Name of this process in the brokers' logs and quotas.
    pub client_id: String,
}

impl Connection {
    /// Name of one of our topics.
    #[must_use]
    pub fn topic(&self, log: &str) -> String {
        format!("{}.{log}", self.url.prefix)
    }

    /// What every client has in common.
    pub(super) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        // What is worth printing is decided by our own filter.
        config.set_log_level(RDKafkaLogLevel::Info);
        config
            .set("bootstrap.servers", &self.url.brokers)
            .set("client.id", &self.client_id)
            // A dead peer is noticed although nothing is being sent.
            .set("socket.keepalive.enable", "true")
            // Small requests are answered at once.
            .set("socket.nagle.disable", "true")
            // A broker that hangs is given up before appends give up (their limit is 8 s).
            .set("socket.timeout.ms", "6000")
            .set("socket.connection.setup.timeout.ms", "3000")
            // After a failover the next attempt comes soon, whoever has tried for long.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // A leader that moved is found without waiting for the next refresh.
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("topic.metadata.refresh.fast.interval.ms", "100");
        let has_sasl = !matches!(self.sasl, Sasl::None);
        config.set("security.protocol", protocol(self.url.tls, has_sasl));
        if self.url.tls {
            // The name in the certificate is the name that was asked for.
            config.set("ssl.endpoint.identification.algorithm", "https");
            if let Some(path) = &self.ca_file {
                config.set("ssl.ca.location", path.to_string_lossy());
            }
        }
        match &self.sasl {
            Sasl::None => {}
            Sasl::Scram { mechanism, user, password } => {
                config
                    .set("sasl.mechanism", mechanism.as_str())
                    .set("sasl.username", user)
                    .set("sasl.password", password);
            }
            Sasl::Oauth(_) => {
                config.set("sasl.mechanism", "OAUTHBEARER");
            }
        }
        config
    }
}

fn protocol(tls: bool, sasl: bool) -> &'static str {
    match (tls, sasl) {
        (false, false) => "plaintext",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    }
}

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Scram { mechanism, user, .. } => {
                f.debug_struct("Scram").field("mechanism", mechanism).field("user", user).finish()
            }
            Self::Oauth(_) => f.write_str("Oauth"),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, sasl, ca_file, client_id } = self;
        f.debug_struct("Connection")
            .field("url", url)
            .field("sasl", sasl)
            .field("ca_file", ca_file)
            .field("client_id", client_id)
            .finish()
    }
}

impl fmt::Debug for OauthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthToken").field("principal", &self.principal).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Connection, KafkaUrl, KafkaUrlFault, Sasl, ScramMechanism};

    #[test]
    fn an_address_names_brokers_prefix_and_whether_it_is_encrypted() {
        let url: KafkaUrl = "kafka://a:9092,b.example:9093/shop-1".parse().unwrap();
        assert_eq!(url.brokers, "a:9092,b.example:9093");
        assert_eq!((url.prefix.as_str(), url.tls), ("shop-1", false));
        let url: KafkaUrl = "kafkas://a:9092".parse().unwrap();
        assert_eq!((url.prefix.as_str(), url.tls), ("timedeal", true));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, fault) in [
            ("a:9092", KafkaUrlFault::Scheme),
            ("kafka://", KafkaUrlFault::Brokers),
            ("kafka://a", KafkaUrlFault::Brokers),
            ("kafka://a:9092,", KafkaUrlFault::Brokers),
            ("kafka://a:port", KafkaUrlFault::Brokers),
            ("kafka://user:word@a:9092", KafkaUrlFault::Brokers),
            ("kafka://a:9092/x y", KafkaUrlFault::Prefix),
            ("kafka://a:9092/x/y", KafkaUrlFault::Prefix),
        ] {
            assert_eq!(text.parse::<KafkaUrl>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_connection_prints_without_its_password() {
        let (mechanism, user) = (ScramMechanism::Sha512, "shop".to_owned());
        let connection = Connection {
            url: "kafkas://a:9092".parse().unwrap(),
            sasl: Sasl::Scram { mechanism, user, password: "hunter2".to_owned() },
            ca_file: None,
            client_id: "gateway".to_owned(),
        };
        let printed = format!("{connection:?}");
        assert!(printed.contains("shop") && !printed.contains("hunter2"), "{printed}");
    }
}
