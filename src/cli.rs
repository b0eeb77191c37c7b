//! The command line: what can be asked of the program, and every flag's variable. Only results go
//! to stdout; all else is logged to stderr.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use loadtest::Arrivals;
use platform::config::parse_duration;
use uuid::Uuid;

/// Ordering for flash sales. Without a command: `serve --demo`.
#[derive(Debug, Parser)]
#[command(name = "timedeal", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: gateway, order-worker, projector, log and read model.
    Serve(ServeFlags),
    /// Print tokens, one a line, each for a new customer unless a subject is given.
    Token(TokenFlags),
    /// Check promises I1 to I9: exit 0 all hold, 1 violated, 2 could not look.
    Audit(AuditFlags),
    /// Send a crowd and check what it was told: exit 1 on a violation.
    Rush(RushFlags),
    /// Look at partitions, or resume a parked one.
    #[command(subcommand)]
    Partition(PartitionCommand),
}

/// Where the data is.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataFlags {
    /// Directory of log, read model, keys and snapshots.
    #[arg(long, env = "TIMEDEAL_DATA_DIR", default_value = "./timedeal-data")]
    pub(crate) data_dir: PathBuf,
    /// Which log: `embedded`, in the data directory.
    #[arg(long, env = "TIMEDEAL_LOG_URL", default_value = "embedded", value_parser = log_url)]
    pub(crate) log_url: String,
    /// Which read model: `sqlite`, in the data directory.
    #[arg(long, env = "TIMEDEAL_DATABASE_URL", default_value = "sqlite",
          value_parser = database_url)]
    pub(crate) database_url: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeFlags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    /// Address for customers and operators.
    #[arg(long, env = "TIMEDEAL_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Address for health checks, metrics and partitions.
    #[arg(long, env = "TIMEDEAL_OPS_LISTEN", default_value = "127.0.0.1:8081")]
    pub(crate) ops_listen: SocketAddr,
    /// error, warn, info, debug, trace, or a filter such as `info,gateway=debug`.
    #[arg(long, env = "TIMEDEAL_LOG_LEVEL", default_value = "info")]
    pub(crate) log_level: String,
    /// Announce a deal if there is none, and give the page a customer and a payer.
    #[arg(long, env = "TIMEDEAL_DEMO")]
    pub(crate) demo: bool,
    /// Partitions of a new log; fixed at its creation.
    #[arg(long, env = "TIMEDEAL_PARTITIONS", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) partitions: u16,
    /// Most connections at once.
    #[arg(long, env = "TIMEDEAL_MAX_CONNECTIONS", default_value_t = 15_000)]
    pub(crate) max_connections: usize,
    /// Networks of proxies whose X-Forwarded-For is believed; turns on rates per address.
    #[arg(long, env = "TIMEDEAL_TRUSTED_PROXIES", value_delimiter = ',')]
    pub(crate) trusted_proxies: Vec<gateway::AddressRange>,
    /// Origins whose pages may call.
    #[arg(long, env = "TIMEDEAL_CORS_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub(crate) cors_origins: Vec<Box<str>>,
    /// A deal is retired so long after it closed.
    #[arg(long, env = "TIMEDEAL_RETIRE_AFTER", default_value = "30d", value_parser = duration)]
    pub(crate) retire_after: Duration,
}

/// Whose keys sign tokens.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyFlags {
    /// Data directory of the service.
    #[arg(long, env = "TIMEDEAL_DATA_DIR", default_value = "./timedeal-data")]
    pub(crate) data_dir: PathBuf,
    /// A key instead of the data directory's: JSON, base64 or hex secret, or EdDSA PKCS#8 PEM.
    #[arg(long, env = "TIMEDEAL_SIGNING_KEY")]
    pub(crate) signing_key: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TokenFlags {
    #[command(flatten)]
    pub(crate) key: KeyFlags,
    /// What the token allows: shop, admin, support; several with commas.
    #[arg(long, env = "TIMEDEAL_SCOPE", default_value = "shop", value_delimiter = ',',
          value_parser = scope)]
    pub(crate) scope: Vec<gateway::auth::Scope>,
    /// The customer.
    #[arg(long, env = "TIMEDEAL_SUBJECT")]
    pub(crate) subject: Option<Uuid>,
    /// How many.
    #[arg(long, env = "TIMEDEAL_COUNT", default_value_t = 1)]
    pub(crate) count: u32,
    /// How long they last.
    #[arg(long, env = "TIMEDEAL_TTL", default_value = "1h", value_parser = duration)]
    pub(crate) ttl: Duration,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct AuditFlags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    /// One JSON document instead of lines.
    #[arg(long, env = "TIMEDEAL_JSON")]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RushFlags {
    #[command(flatten)]
    pub(crate) key: KeyFlags,
    /// The service.
    #[arg(long, env = "TIMEDEAL_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// How many want to buy.
    #[arg(long, env = "TIMEDEAL_BUYERS", default_value_t = 20_000)]
    pub(crate) buyers: u32,
    /// How many units there are.
    #[arg(long, env = "TIMEDEAL_STOCK", default_value_t = 500)]
    pub(crate) stock: u32,
    /// Share of buyers who send their purchase twice.
    #[arg(long, env = "TIMEDEAL_DUPLICATES", default_value_t = 0.1)]
    pub(crate) duplicates: f64,
    /// `burst`, all at the opening, or `steady:RATE` purchases per second.
    #[arg(long, env = "TIMEDEAL_ARRIVALS", default_value = "burst")]
    pub(crate) arrivals: Arrivals,
    /// Seed of the plan: who comes when, and who comes twice.
    #[arg(long, env = "TIMEDEAL_SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Seconds that an order is held for a payment that never comes; 0: confirmed at once.
    #[arg(long, env = "TIMEDEAL_HOLD_SECONDS", default_value_t = 0)]
    pub(crate) hold_seconds: u32,
    /// Connections that the crowd shares.
    #[arg(long, env = "TIMEDEAL_CONNECTIONS", default_value_t = 512)]
    pub(crate) connections: usize,
    /// How long a buyer goes on trying.
    #[arg(long, env = "TIMEDEAL_PATIENCE", default_value = "120s", value_parser = duration)]
    pub(crate) patience: Duration,
    /// Allow a service on another machine: only ever one of your own.
    #[arg(long, env = "TIMEDEAL_ALLOW_REMOTE")]
    pub(crate) allow_remote: bool,
    /// One JSON document instead of lines.
    #[arg(long, env = "TIMEDEAL_JSON")]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PartitionCommand {
    /// Every partition: phase, epoch, offsets, and why it is parked.
    List(OpsFlags),
    /// Let a parked partition try again now.
    Resume {
        /// Which partition.
        partition: u16,
        /// Go on although log time runs ahead of the worker's clock.
        #[arg(long)]
        accept_log_time: bool,
        /// Start a fresh state for a log that replaced the one that is known.
        #[arg(long)]
        new_log: bool,
        #[command(flatten)]
        ops: OpsFlags,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct OpsFlags {
    /// The service's ops listener.
    #[arg(long, env = "TIMEDEAL_OPS_URL", default_value = "http://127.0.0.1:8081")]
    pub(crate) ops_url: String,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|fault| fault.to_string())
}

/// An origin as browsers send it: scheme and authority, no path.
fn origin(text: &str) -> Result<Box<str>, String> {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
    };
    match authority.filter(|name| is_plain(name)) {
        Some(_) => Ok(text.into()),
        None => Err("an origin such as https://shop.example".to_owned()),
    }
}

fn scope(text: &str) -> Result<gateway::auth::Scope, String> {
    let known = gateway::auth::Scope::ALL.into_iter().find(|scope| scope.as_str() == text);
    known.ok_or_else(|| "one of shop, admin, support".to_owned())
}

fn log_url(text: &str) -> Result<String, String> {
    match text {
        "embedded" => Ok(text.to_owned()),
        _ => Err("this build knows `embedded`".to_owned()),
    }
}

fn database_url(text: &str) -> Result<String, String> {
    match text {
        "sqlite" => Ok(text.to_owned()),
        _ => Err("this build knows `sqlite`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_origin_is_scheme_and_authority() {
        for good in ["https://shop.example", "http://127.0.0.1:3000"] {
            assert!(super::origin(good).is_ok(), "{good}");
        }
        for bad in ["", "*", "shop.example", "https://", "https://a/b", "https://a b"] {
            assert!(super::origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_flag_has_the_variable_of_its_name() {
        fn check(command: &clap::Command) {
            for flag in command.get_arguments().filter(|flag| flag.get_long().is_some()) {
                let name = flag.get_long().unwrap_or_default();
                if ["help", "version", "accept-log-time", "new-log"].contains(&name) {
                    continue;
                }
                let expected = format!("TIMEDEAL_{}", name.replace('-', "_").to_uppercase());
                let found = flag.get_env().and_then(|name| name.to_str());
                assert_eq!(found, Some(&*expected), "{} --{name}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
