//! Command lines of the programs that are one role each. They take no subcommand and are usually
//! set by variables alone.

use clap::Parser;

use super::flags::{
    DatabaseFlags, HttpFlags, KeyFlags, LogFlags, OidcFlags, ProcessFlags, WorkerFlags,
};

/// The gateway of Timedeal: admits purchases into the log and answers polls.
#[derive(Clone, Debug, Parser)]
#[command(name = "gateway", version)]
pub(crate) struct GatewayFlags {
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
}

/// The order-worker of Timedeal: owns partitions and decides their commands in order.
#[derive(Clone, Debug, Parser)]
#[command(name = "order-worker", version)]
pub(crate) struct OrderWorkerFlags {
    #[command(flatten)]
    pub(crate) worker: WorkerFlags,
    #[command(flatten)]
    pub(crate) process: ProcessFlags,
    #[command(flatten)]
    pub(crate) log: LogFlags,
}

/// The projector of Timedeal: writes decisions into the read model.
#[derive(Clone, Debug, Parser)]
#[command(name = "projector", version)]
pub(crate) struct ProjectorFlags {
    #[command(flatten)]
    pub(crate) process: ProcessFlags,
    #[command(flatten)]
    pub(crate) log: LogFlags,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
}
