//! Whether the brokers can be reached, and let us in: asked once, with an answer within seconds. A
//! client by itself would try for ever and only log why. Must not know what is asked of them later.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::connection::{Connection, Sasl};
use super::context::ClientEvents;

/// How long brokers may take to answer at all.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a refusal may still turn out to be that of one broker that has not started fully.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);
/// One attempt; between two of them the client's reports are read.
const ATTEMPT_PATIENCE: Duration = Duration::from_millis(300);

/// Why there is no link to the brokers.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// They do not take us for who we say we are.
    #[error("the brokers at {brokers} refuse {identity}: {reason}")]
    Refused {
        /// `host:port`, comma-separated.
        brokers: String,
        /// Mechanism, and user if there is one.
        identity: String,
        /// As the client put it, with the name of the broker.
        reason: String,
    },
    /// They are not who we take them for, or do not speak TLS.
    #[error(
        "no TLS with the brokers at {brokers}: {reason} (their certificate has to be signed by \
         {authority}, and to name the host that was asked for)"
    )]
    Tls {
        /// `host:port`, comma-separated.
        brokers: String,
        /// Whose signature was asked for.
        authority: String,
        /// As the client put it, with the name of the broker.
        reason: String,
    },
    /// Nobody answers.
    #[error("no broker at {brokers} answers: {reason}")]
    Unreachable {
        /// `host:port`, comma-separated.
        brokers: String,
        /// The last complaint of the client, or that there was none.
        reason: String,
    },
    /// The client itself cannot be set up.
    #[error("the Kafka client cannot be set up")]
    Client(#[from] KafkaError),
    /// The system has no thread left.
    #[error("no thread for the Kafka client")]
    Thread(#[from] io::Error),
}

/// A client for questions, which has got an answer already.
pub(super) struct Link {
    consumer: BaseConsumer<ClientEvents>,
}

impl Link {
    /// Reaches the brokers. Blocks, for twelve seconds at most.
    pub(super) fn open(connection: &Connection) -> Result<Self, LinkError> {
        let complaints = Complaints::default();
        let noted = complaints.clone();
        let events = ClientEvents::new(connection)
            .on_error(Box::new(move |error, reason| noted.note(error, reason)));
        // A consumer without a group: its questions never create a topic.
        let consumer = connection.client_config().create_with_context(events)?;
        let link = Self { consumer };
        let topic = connection.topic("commands");
        let deadline = Instant::now() + ANSWER_PATIENCE;
        loop {
            link.serve(Duration::ZERO);
            if link.metadata(&topic, ATTEMPT_PATIENCE).is_ok() {
                return Ok(link);
            }
            // A broker that refuses is left waiting between attempts, not asked in a tight loop.
            link.serve(ATTEMPT_PATIENCE / 3);
            let is_over = Instant::now() >= deadline;
            if let Some(error) = complaints.verdict(connection, is_over) {
                return Err(error);
            }
        }
    }

    /// What the brokers say of one topic; of one that they do not know, that they do not.
    pub(super) fn metadata(&self, topic: &str, patience: Duration) -> KafkaResult<Metadata> {
        self.consumer.fetch_metadata(Some(topic), patience)
    }

    /// Reads the client's reports for `patience`; a new token is handed over in here.
    pub(super) fn serve(&self, patience: Duration) {
        // Errors have been noted by the context, and nothing is subscribed to.
        drop(self.consumer.poll(patience));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Identity,
    Tls,
}

#[derive(Default)]
struct Noted {
    refusal: Option<(Refusal, String, Instant)>,
    last: Option<String>,
}

/// What the client complained of since it was set up. It says the same thing only once.
#[derive(Clone, Default)]
struct Complaints(Arc<Mutex<Noted>>);

impl Complaints {
    fn note(&self, error: &KafkaError, reason: &str) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
                Refusal::Identity
            }
            Some(RDKafkaErrorCode::SSL) => Refusal::Tls,
            // Says nothing that the complaints before it did not say.
            Some(RDKafkaErrorCode::AllBrokersDown) => return,
            _ => {
                noted.last = Some(reason.to_owned());
                return;
            }
        };
        noted.refusal.get_or_insert((refusal, reason.to_owned(), Instant::now()));
    }

    /// What is wrong, once it is sure; at the end of our patience in any case.
    fn verdict(&self, connection: &Connection, is_over: bool) -> Option<LinkError> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let brokers = connection.url.brokers.clone();
        if let Some((refusal, reason, since)) = &noted.refusal
            && (is_over || since.elapsed() >= REFUSAL_PATIENCE)
        {
            let reason = reason.clone();
            return Some(match refusal {
                Refusal::Identity => {
                    LinkError::Refused { brokers, identity: identity(&connection.sasl), reason }
                }
                Refusal::Tls => {
                    LinkError::Tls { brokers, authority: authority(connection), reason }
                }
            });
        }
        is_over.then(|| {
            let reason = noted.last.clone().unwrap_or_else(|| "it says nothing".to_owned());
            LinkError::Unreachable { brokers, reason }
        })
    }
}

fn identity(sasl: &Sasl) -> String {
    match sasl {
        Sasl::None => "a client without a name".to_owned(),
        Sasl::Scram { mechanism, user, .. } => format!("{} user {user}", mechanism.as_str()),
        Sasl::Oauth(_) => "OAUTHBEARER token".to_owned(),
    }
}

fn authority(connection: &Connection) -> String {
    let file = connection.ca_file.as_ref();
    file.map_or_else(
        || "an authority that this system trusts".to_owned(),
        |path| format!("an authority in {}", path.display()),
    )
}
