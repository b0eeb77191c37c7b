//! The command line: what can be asked of the program, and every flag's variable. Only results go
//! to stdout; all else is logged to stderr.

mod flags;
mod plan;
mod roles;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use loadtest::Arrivals;
use uuid::Uuid;

pub(crate) use flags::{
    DataDirFlags, DatabaseFlags, HttpFlags, KeyFlags, LogFlags, OidcFlags, ProcessFlags,
    WorkerFlags,
};
pub(crate) use plan::PlanFlags;
pub(crate) use roles::{GatewayFlags, OrderWorkerFlags, ProjectorFlags};
pub(crate) use values::{LogUrl, SaslKind};
use values::{duration, scope};

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
    Serve(Box<ServeFlags>),
    /// Print tokens, one a line, each for a new customer unless a subject is given.
    Token(TokenFlags),
    /// Check promises I1 to I9: exit 0 all hold, 1 violated, 2 could not look.
    Audit(AuditFlags),
    /// Send a crowd and check what it was told: exit 1 on a violation.
    Rush(RushFlags),
    /// Say what a peak needs and what breaks first: exit 0 it fits, 1 it does not, 2 no prices.
    Plan(PlanFlags),
    /// Look at partitions, or resume a parked one.
    #[command(subcommand)]
    Partition(PartitionCommand),
    /// Make the topics of a broker, or check them.
    #[command(subcommand)]
    Topics(TopicsCommand),
    /// Bring the tables of a MySQL read model up to date.
    Migrate(MigrateFlags),
    /// Make the keys that all gateways of a broker share.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Ask a process whether it may be sent work: exit 0 if so, else 1 and why not.
    Healthcheck(OpsFlags),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeFlags {
    #[command(flatten)]
    pub(crate) data: DataDirFlags,
    #[command(flatten)]
    pub(crate) http: HttpFlags,
    #[command(flatten)]
    pub(crate) process: ProcessFlags,
    #[command(flatten)]
    pub(crate) log: LogFlags,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
    #[command(flatten)]
    pub(crate) keys: KeyFlags,
    #[command(flatten)]
    pub(crate) oidc: OidcFlags,
    #[command(flatten)]
    pub(crate) worker: WorkerFlags,
    /// Announce a deal if there is none, and give the page a customer and a payer.
    #[arg(long, env = "TIMEDEAL_DEMO")]
    pub(crate) demo: bool,
    /// Partitions of a new embedded log; fixed at its creation.
    #[arg(long, env = "TIMEDEAL_PARTITIONS", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) partitions: u16,
}

/// Whose keys sign tokens.
#[derive(Clone, Debug, Args)]
pub(crate) struct SignerFlags {
    #[command(flatten)]
    pub(crate) data: DataDirFlags,
    /// A key instead of the data directory's: JSON, base64 or hex secret, or EdDSA PKCS#8 PEM.
    #[arg(long, env = "TIMEDEAL_SIGNING_KEY")]
    pub(crate) signing_key: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TokenFlags {
    #[command(flatten)]
    pub(crate) key: SignerFlags,
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
    pub(crate) data: DataDirFlags,
    #[command(flatten)]
    pub(crate) log: LogFlags,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
    /// One JSON document instead of lines.
    #[arg(long, env = "TIMEDEAL_JSON")]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RushFlags {
    #[command(flatten)]
    pub(crate) key: SignerFlags,
    /// The service: each of its gateways, separated by commas.
    #[arg(
        long,
        env = "TIMEDEAL_URL",
        default_value = "http://127.0.0.1:8080",
        value_delimiter = ','
    )]
    pub(crate) url: Vec<String>,
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
    /// Send one purchase for each buyer, take the first answer, also one that says to come back
    /// later, and ask for orders when all have come: for more arrivals than the service takes.
    #[arg(long, env = "TIMEDEAL_ONCE")]
    pub(crate) once: bool,
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

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Make what is missing, begin the log if it is new, then check. Changes nothing that is there.
    Create(TopicsFlags),
    /// Say everything that is not as it should be: exit 1 if a fault is among it.
    Check(TopicsFlags),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TopicsFlags {
    #[command(flatten)]
    pub(crate) log: LogFlags,
    /// The read model, if there is one already: a new log takes an id that it does not know.
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
    /// Partitions of new topics; fixed at their creation.
    #[arg(long, env = "TIMEDEAL_TOPIC_PARTITIONS", default_value_t = 64,
          value_parser = clap::value_parser!(u16).range(1..=16_384))]
    pub(crate) topic_partitions: u16,
    /// Copies of every partition.
    #[arg(long, env = "TIMEDEAL_REPLICATION_FACTOR", default_value_t = 3)]
    pub(crate) replication_factor: u8,
    /// Copies that must have a record before it counts as written.
    #[arg(long, env = "TIMEDEAL_MIN_INSYNC_REPLICAS", default_value_t = 2)]
    pub(crate) min_insync_replicas: u8,
    /// One broker on a developer's machine: one copy is enough.
    #[arg(long, env = "TIMEDEAL_DEV")]
    pub(crate) dev: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct MigrateFlags {
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make signing, ticket and webhook keys in `keys/` of a directory, unless they are there.
    Create(DataDirFlags),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct OpsFlags {
    /// The service's ops listener.
    #[arg(long, env = "TIMEDEAL_OPS_URL", default_value = "http://127.0.0.1:8081")]
    pub(crate) ops_url: String,
}

#[cfg(test)]
mod deployment;

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, GatewayFlags, OrderWorkerFlags, ProjectorFlags};

    fn programs() -> [clap::Command; 4] {
        [
            Cli::command(),
            GatewayFlags::command(),
            OrderWorkerFlags::command(),
            ProjectorFlags::command(),
        ]
    }

    #[test]
    fn the_command_lines_are_consistent() {
        programs().into_iter().for_each(clap::Command::debug_assert);
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
        for program in programs() {
            check(&program);
        }
    }

    #[test]
    fn a_secret_in_place_of_where_it_is_does_not_stand_in_the_complaint() {
        let flags = ["--signing-keys", "--ticket-keys", "--webhook-keys", "--kafka-password"];
        for flag in flags.into_iter().chain(["--database-password"]) {
            for secret in ["hunter2", "{\"secret\":\"hunter2\"}", "env:hunter2 ", "file:"] {
                let refused = GatewayFlags::try_parse_from(["gateway", flag, secret]).unwrap_err();
                let text = refused.to_string();
                assert!(text.contains(flag) && !text.contains("hunter2"), "{text}");
                assert_eq!(refused.exit_code(), 2);
            }
        }
    }

    #[test]
    fn command_lines_print_without_secrets() {
        let url = "--database-url=mysql://me:hunter2@db/shop";
        let password = "--database-password=env:WORD";
        let line = |program| [program, url, password];
        let gateway = GatewayFlags::parse_from(line("gateway"));
        let projector = ProjectorFlags::parse_from(line("projector"));
        let serve = Cli::parse_from(["timedeal", "serve", url, password]);
        let audit = Cli::parse_from(["timedeal", "audit", url, password]);
        let printed = format!("{gateway:?}{projector:#?}{serve:?}{audit:#?}");
        assert!(!printed.contains("hunter2") && printed.contains("WORD"), "{printed}");
    }

    #[test]
    fn help_shows_no_value_of_a_variable_that_may_hold_a_secret() {
        fn check(command: &clap::Command) {
            for flag in command.get_arguments() {
                let name = flag.get_long().unwrap_or_default();
                let is_secret =
                    ["password", "keys", "database-url"].iter().any(|word| name.ends_with(word));
                assert!(!is_secret || flag.is_hide_env_values_set(), "--{name}");
            }
            command.get_subcommands().for_each(check);
        }
        for program in programs() {
            check(&program);
        }
    }
}
