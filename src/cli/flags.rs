//! Groups of flags that several commands and programs share, so that each has one name, one
//! variable and one meaning everywhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use platform::secrets::SecretSource;
use platform::telemetry::LogFormat;

use super::values::{DatabaseUrl, LogUrl, SaslKind, discreet, duration, interval, notice, origin};

/// Where a single machine keeps its data.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataDirFlags {
    /// Directory of embedded log, SQLite read model, keys and snapshots.
    #[arg(long, env = "TIMEDEAL_DATA_DIR", default_value = "./timedeal-data")]
    pub(crate) data_dir: PathBuf,
}

/// Which log, and who we are to it.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogFlags {
    /// `embedded`, in the data directory, or kafka://host:port,host:port/prefix, with kafkas:// for
    /// TLS; topics are called {prefix}.commands and so on, `timedeal` without a prefix.
    #[arg(long, env = "TIMEDEAL_LOG_URL", default_value = "embedded",
          value_parser = discreet::<LogUrl>())]
    pub(crate) log_url: LogUrl,
    /// Who this process is to the broker.
    #[arg(long, env = "TIMEDEAL_KAFKA_SASL", value_enum, default_value_t)]
    pub(crate) kafka_sasl: SaslKind,
    /// User of SCRAM.
    #[arg(long, env = "TIMEDEAL_KAFKA_USER")]
    pub(crate) kafka_user: Option<String>,
    /// Where the password of SCRAM is: file:PATH, env:NAME or aws-sm:SECRET.
    #[arg(long, env = "TIMEDEAL_KAFKA_PASSWORD", hide_env_values = true,
          value_parser = discreet::<SecretSource>())]
    pub(crate) kafka_password: Option<SecretSource>,
    /// Certificates of the authorities that signed the brokers' (PEM), in place of the system's.
    #[arg(long, env = "TIMEDEAL_KAFKA_CA_FILE")]
    pub(crate) kafka_ca_file: Option<PathBuf>,
    /// Region of the cluster, for `--kafka-sasl aws-msk-iam`.
    #[arg(long, env = "TIMEDEAL_AWS_REGION")]
    pub(crate) aws_region: Option<String>,
}

/// Which read model.
#[derive(Clone, Debug, Args)]
pub(crate) struct DatabaseFlags {
    /// `sqlite`, in the data directory, or mysql://user@host:3306/name (?ssl-mode=VERIFY_IDENTITY
    /// &ssl-ca=PATH for TLS), or where such an address is: file:PATH, env:NAME, aws-sm:SECRET.
    #[arg(long, env = "TIMEDEAL_DATABASE_URL", default_value = "sqlite", hide_env_values = true)]
    pub(crate) database_url: DatabaseUrl,
    /// Where the password for that address is: file:PATH, env:NAME or aws-sm:SECRET.
    #[arg(long, env = "TIMEDEAL_DATABASE_PASSWORD", hide_env_values = true,
          value_parser = discreet::<SecretSource>())]
    pub(crate) database_password: Option<SecretSource>,
}

/// What every process that serves has.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProcessFlags {
    /// Address for health checks, metrics and partitions.
    #[arg(long, env = "TIMEDEAL_OPS_LISTEN", default_value = "127.0.0.1:8081")]
    pub(crate) ops_listen: SocketAddr,
    /// error, warn, info, debug, trace, or a filter such as `info,gateway=debug`.
    #[arg(long, env = "TIMEDEAL_LOG_LEVEL", default_value = "info")]
    pub(crate) log_level: String,
    /// `human` or `json`.
    #[arg(long, env = "TIMEDEAL_LOG_FORMAT", default_value = "human", value_parser = log_format)]
    pub(crate) log_format: LogFormat,
}

/// Where the keys are, if not in the data directory. All are read again now and then, so that they
/// can be exchanged without a restart.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyFlags {
    /// Keys that sign and verify tokens: file:PATH, env:NAME or aws-sm:SECRET.
    #[arg(long, env = "TIMEDEAL_SIGNING_KEYS", hide_env_values = true,
          value_parser = discreet::<SecretSource>())]
    pub(crate) signing_keys: Option<SecretSource>,
    /// Numbered keys of order ids, the same for every gateway: file:PATH, env:NAME or
    /// aws-sm:SECRET. The list only ever grows.
    #[arg(long, env = "TIMEDEAL_TICKET_KEYS", hide_env_values = true,
          value_parser = discreet::<SecretSource>())]
    pub(crate) ticket_keys: Option<SecretSource>,
    /// Secrets with which the payment provider signs: file:PATH, env:NAME or aws-sm:SECRET.
    #[arg(long, env = "TIMEDEAL_WEBHOOK_KEYS", hide_env_values = true,
          value_parser = discreet::<SecretSource>())]
    pub(crate) webhook_keys: Option<SecretSource>,
    /// How often keys are read again.
    #[arg(long, env = "TIMEDEAL_KEYS_REREAD", default_value = "30s", value_parser = interval)]
    pub(crate) keys_reread: Duration,
}

/// Who else issues tokens.
#[derive(Clone, Debug, Args)]
pub(crate) struct OidcFlags {
    /// Issuer whose tokens are good here too: its URL, as it stands in them.
    #[arg(long, env = "TIMEDEAL_OIDC_ISSUER")]
    pub(crate) oidc_issuer: Option<String>,
    /// Audience that its tokens must name.
    #[arg(long, env = "TIMEDEAL_OIDC_AUDIENCE", default_value = "timedeal")]
    pub(crate) oidc_audience: String,
    /// Where its keys are, if its discovery document does not say so.
    #[arg(long, env = "TIMEDEAL_OIDC_JWKS_URL", requires = "oidc_issuer")]
    pub(crate) oidc_jwks_url: Option<String>,
}

/// How customers are served.
#[derive(Clone, Debug, Args)]
pub(crate) struct HttpFlags {
    /// Address for customers and operators of the shop.
    #[arg(long, env = "TIMEDEAL_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Most connections at once.
    #[arg(long, env = "TIMEDEAL_MAX_CONNECTIONS", default_value_t = 15_000)]
    pub(crate) max_connections: usize,
    /// How long customers are still served after SIGTERM, while /readyz says that this is over: two
    /// looks of a load balancer.
    #[arg(long, env = "TIMEDEAL_STOP_NOTICE", default_value = "0s", value_parser = notice)]
    pub(crate) stop_notice: Duration,
    /// Networks of proxies whose X-Forwarded-For is believed. Turns on rates per address: 100
    /// requests a second, 200 at once, at each gateway.
    #[arg(long, env = "TIMEDEAL_TRUSTED_PROXIES", value_delimiter = ',')]
    pub(crate) trusted_proxies: Vec<gateway::AddressRange>,
    /// Origins whose pages may call.
    #[arg(long, env = "TIMEDEAL_CORS_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub(crate) cors_origins: Vec<Box<str>>,
}

/// How partitions are worked on.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkerFlags {
    /// Where snapshots go: file:///PATH or s3://BUCKET/PREFIX; the data directory's if not given.
    #[arg(long, env = "TIMEDEAL_SNAPSHOTS_URL")]
    pub(crate) snapshots_url: Option<String>,
    /// Name of this worker, the same after a restart and no other's: the host's if not given.
    #[arg(long, env = "TIMEDEAL_WORKER_NAME")]
    pub(crate) worker_name: Option<String>,
    /// A deal is retired so long after it closed.
    #[arg(long, env = "TIMEDEAL_RETIRE_AFTER", default_value = "30d", value_parser = duration)]
    pub(crate) retire_after: Duration,
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    let kind = LogFormat::kind();
    kind.parse(text).ok_or_else(|| kind.expected().to_owned())
}
