//! Figures of the system on a real broker and a real database, for docs/measurements.md. Nothing
//! here is a check: what takes long on one machine may be quick on the next.

mod growth;
mod lag;
mod overload;
mod takeover;

use anyhow::Result;
use clap::Subcommand;

use crate::cluster::on_own_servers;
use crate::programs::build_release;
use crate::tree::Tree;

/// What is measured.
#[derive(Subcommand, Debug)]
pub(crate) enum What {
    /// How long a partition is without an owner, by the number of its orders.
    Takeover(takeover::Options),
    /// What waits for its decision and for its rows while a crowd buys.
    Lag(lag::Options),
    /// What becomes of purchases when more come than the machine takes.
    Overload(overload::Options),
    /// How cost grows with orders, deals and partitions; writes docs/growth.md.
    Growth(growth::Options),
}

/// Builds the programs and measures.
pub(crate) fn run(tree: &Tree, what: &What) -> Result<()> {
    match what {
        What::Takeover(options) => {
            build_release(tree)?;
            on_own_servers(tree, "measure", |ground, _| takeover::run(ground, options))
        }
        What::Lag(options) => {
            build_release(tree)?;
            on_own_servers(tree, "measure", |ground, _| lag::run(ground, options))
        }
        What::Overload(options) => {
            build_release(tree)?;
            overload::run(tree, options)
        }
        What::Growth(options) => growth::run(tree, options),
    }
}
