//! What a plan costs, by prices that somebody gives: none are known here. Must not know what a peak
//! needs, or why.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::model::{Needs, Peak};

const MILLION: f64 = 1e6;

/// The file. Each price is of one, in the currency that it names.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prices {
    currency: String,
    /// A core of a gateway or a worker, with its memory.
    core_hour: f64,
    /// A broker, of whatever size.
    broker_hour: f64,
    /// The database with its standby.
    database_hour: f64,
    /// A GiB of the log on one broker.
    log_gib_month: f64,
    /// A GiB of the database.
    database_gib_month: f64,
}

/// What it comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Cost {
    pub(super) currency: String,
    /// How long machines are up.
    pub(super) hours: f64,
    /// All machines, for those hours.
    pub(super) machines: f64,
    /// The same for a million of the orders.
    pub(super) machines_per_million: f64,
    /// A million orders in log and database, for a month.
    pub(super) stored_per_million_month: f64,
}

impl Prices {
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| format!("reading prices from {}", path.display()))
    }

    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let prices: Self = serde_json::from_str(text)?;
        let Self { core_hour, broker_hour, database_hour, .. } = prices;
        let Self { log_gib_month, database_gib_month, .. } = prices;
        let all = [core_hour, broker_hour, database_hour, log_gib_month, database_gib_month];
        ensure!(all.iter().all(|price| *price >= 0.0), "a price is below 0");
        Ok(prices)
    }

    /// What a plan costs whose machines are up for so many hours; none if it cannot be built.
    pub(super) fn cost(&self, peak: &Peak, needs: &Needs, hours: f64) -> Option<Cost> {
        let gateway_cores = needs.gateways? * f64::from(peak.gateway_cores);
        let brokers = needs.brokers? * self.broker_hour;
        let an_hour =
            (gateway_cores + needs.worker_cores) * self.core_hour + brokers + self.database_hour;
        let hours = hours.max(peak.seconds / 3_600.0);
        let in_log = needs.log_gib_per_million * self.log_gib_month;
        let in_database = needs.database_gib_per_million * self.database_gib_month;
        Some(Cost {
            currency: self.currency.clone(),
            hours,
            machines: an_hour * hours,
            machines_per_million: an_hour * hours / peak.orders() * MILLION,
            stored_per_million_month: in_log + in_database,
        })
    }
}
