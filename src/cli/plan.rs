//! The command line of `timedeal plan`. Must not know what is made of its numbers.

use std::path::PathBuf;

use clap::Args;

use super::values::{per_second, share, whole_or_part};

/// What has to be borne, and by what.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlanFlags {
    /// Purchases a second at the peak: 200000/s.
    #[arg(long, env = "TIMEDEAL_PEAK", value_parser = per_second)]
    pub(crate) peak: f64,
    /// How long it lasts.
    #[arg(long, env = "TIMEDEAL_MINUTES", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub(crate) minutes: u32,
    /// Share of the purchases that is let in: units for sale by purchases that come. The others are
    /// refused at the door.
    #[arg(long, env = "TIMEDEAL_ADMITTED", default_value = "1", value_parser = share)]
    pub(crate) admitted: f64,
    /// Products among which the purchases are spread evenly.
    #[arg(long, env = "TIMEDEAL_PRODUCTS", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) products: u32,
    /// Polls and pages of deals for each purchase.
    #[arg(long, env = "TIMEDEAL_POLLS", default_value = "2", value_parser = whole_or_part)]
    pub(crate) polls: f64,
    /// Streams that are open all the while.
    #[arg(long, env = "TIMEDEAL_WATCHERS", default_value_t = 0)]
    pub(crate) watchers: u32,
    /// Cores of one gateway.
    #[arg(long, env = "TIMEDEAL_GATEWAY_CORES", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub(crate) gateway_cores: u32,
    /// Share of each measured figure that is planned with.
    #[arg(long, env = "TIMEDEAL_BUSY", default_value = "0.6", value_parser = share)]
    pub(crate) busy: f64,
    /// Prices, as docs/scaling.md describes them: adds what the peak costs.
    #[arg(long, env = "TIMEDEAL_PRICES")]
    pub(crate) prices: Option<PathBuf>,
    /// How long the machines are up for this peak, at least as long as it lasts.
    #[arg(long, env = "TIMEDEAL_HOURS", default_value = "2", value_parser = whole_or_part)]
    pub(crate) hours: f64,
    /// One JSON document instead of lines.
    #[arg(long, env = "TIMEDEAL_JSON")]
    pub(crate) json: bool,
}
