//! Figures of the system on a real broker and a real database, for docs/measurements.md. Nothing
//! here is a check: what takes long on one machine may be quick on the next.

mod lag;
mod takeover;

use anyhow::Result;
use clap::Subcommand;

use crate::cluster::on_own_servers;
use crate::programs::finish;
use crate::tree::{Tree, cargo};

/// What is measured.
#[derive(Subcommand, Debug)]
pub(crate) enum What {
    /// How long a partition is without an owner, by the number of its orders.
    Takeover(takeover::Options),
    /// What waits for its decision and for its rows while a crowd buys.
    Lag(lag::Options),
}

/// Builds the programs and measures.
pub(crate) fn run(tree: &Tree, what: &What) -> Result<()> {
    finish(cargo().args(["build", "--release"]).current_dir(&tree.root))?;
    on_own_servers(tree, "measure", |ground, _| match what {
        What::Takeover(options) => takeover::run(ground, options),
        What::Lag(options) => lag::run(ground, options),
    })
}
