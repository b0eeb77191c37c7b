//! A broker by its flags: how it is reached, and its logs once they are there.

use anyhow::Context;
use event_log::kafka::{
    Connection, KafkaLogs, KafkaOpenError, KafkaOptions, KafkaUrl, Sasl, ScramMechanism,
};
use platform::jitter::SplitMix64;

use crate::cli::{LogFlags, LogUrl, SaslKind};
#[cfg(feature = "cloud")]
use crate::msk_iam;
use crate::msk_iam::MskTokens;
use crate::patience::{Obstacle, Patience};
use crate::secret;

/// How a broker is reached, for as long as this lives.
pub(crate) struct Broker {
    pub(crate) connection: Connection,
    /// Signs anew before the last token expires.
    _tokens: Option<MskTokens>,
}

impl Broker {
    /// The broker that the flags name. `client_id` is how it knows this process.
    ///
    /// # Errors
    /// If they name none, or not all that is needed to be let in.
    pub(crate) async fn of(flags: &LogFlags, client_id: &str) -> anyhow::Result<Self> {
        let LogUrl::Kafka(url) = &flags.log_url else {
            anyhow::bail!("an embedded log is one process's own: --log-url kafka://… is needed");
        };
        Self::at(url, flags, client_id).await
    }

    /// The broker at this address.
    pub(crate) async fn at(
        url: &KafkaUrl,
        flags: &LogFlags,
        client_id: &str,
    ) -> anyhow::Result<Self> {
        let (sasl, tokens) = match flags.kafka_sasl {
            SaslKind::None => (Sasl::None, None),
            SaslKind::ScramSha256 => (scram(flags, ScramMechanism::Sha256).await?, None),
            SaslKind::ScramSha512 => (scram(flags, ScramMechanism::Sha512).await?, None),
            SaslKind::AwsMskIam => {
                let tokens = aws_tokens(flags).await?;
                (Sasl::Oauth(tokens.source()), Some(tokens))
            }
        };
        let (url, ca_file) = (url.clone(), flags.kafka_ca_file.clone());
        let connection = Connection { url, sasl, ca_file, client_id: client_id.to_owned() };
        Ok(Self { connection, _tokens: tokens })
    }

    /// Its logs; waits until it answers and has them.
    pub(crate) async fn logs(
        &self,
        options: KafkaOptions,
        patience: &Patience,
    ) -> anyhow::Result<KafkaLogs> {
        let open = async || {
            let connection = self.connection.clone();
            let opened = tokio::task::spawn_blocking(move || KafkaLogs::open(&connection, options));
            let opened = opened.await.context("opening the logs broke down")?;
            opened.map_err(obstacle)
        };
        patience.wait_for(open).await
    }
}

/// Topics that are not there yet are waited for; those that are not as they have to be, no wait
/// mends.
fn obstacle(fault: KafkaOpenError) -> Obstacle {
    match fault {
        KafkaOpenError::Topics(_) | KafkaOpenError::Missing { .. } | KafkaOpenError::Client(_) => {
            Obstacle::ForNow(format!("the log: {}", in_full(&fault)))
        }
        KafkaOpenError::OtherPartitionCount { .. }
        | KafkaOpenError::TooManyPartitions { .. }
        | KafkaOpenError::OtherTime { .. } => Obstacle::ForGood(fault.into()),
    }
}

async fn scram(flags: &LogFlags, mechanism: ScramMechanism) -> anyhow::Result<Sasl> {
    let user = flags.kafka_user.clone().context("--kafka-user is missing")?;
    let source = flags.kafka_password.as_ref().context("--kafka-password is missing")?;
    let password = secret::text(source).await.context("the broker's password")?;
    Ok(Sasl::Scram { mechanism, user, password: password.expose().clone() })
}

async fn aws_tokens(flags: &LogFlags) -> anyhow::Result<MskTokens> {
    let region = flags.aws_region.as_deref().context("--aws-region is missing")?;
    let seed = SplitMix64::from_system().context("draw a seed")?.draw();
    let mut tokens = start_tokens(region, seed).await?;
    // Without the first token a client would wait ten seconds before it asks again. That there is
    // none may pass; the broker's refusal will say so.
    if let Err(fault) = tokens.first().await {
        tracing::warn!(fault, "no token for the broker yet");
    }
    Ok(tokens)
}

#[cfg(feature = "cloud")]
async fn start_tokens(region: &str, seed: u64) -> anyhow::Result<MskTokens> {
    let sign = msk_iam::aws_signer(region).await.map_err(anyhow::Error::msg)?;
    Ok(MskTokens::start(sign, std::sync::Arc::new(platform::clock::SystemClock::new()), seed))
}

#[cfg(not(feature = "cloud"))]
async fn start_tokens(_region: &str, _seed: u64) -> anyhow::Result<MskTokens> {
    anyhow::bail!("this build has no AWS: build with `--features cloud`")
}

/// An error with its causes, on one line.
pub(crate) fn in_full(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
