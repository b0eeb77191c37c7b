//! One figure of one repetition, with what else was seen while it was taken. Must not know what a
//! good figure is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::generator::Tally;

/// A figure and its circumstances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// In the unit of its row.
    pub(crate) value: f64,
    /// By names that end with their unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) details: BTreeMap<String, f64>,
    /// Other rows as they were just before and just after, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) beside: BTreeMap<String, f64>,
}

/// A figure and the row that it is for.
pub(crate) type Measured = (&'static str, Sample);

impl Sample {
    pub(crate) fn of(value: f64) -> Self {
        Self { value, ..Self::default() }
    }

    /// Wanted answers a second, with latencies.
    pub(crate) fn rate_of(tally: &Tally) -> Self {
        Self::of(tally.rate())
            .with("p50_ms", tally.latency_ms(50.0))
            .with("p99_ms", tally.latency_ms(99.0))
            .with("turned_away_share", tally.turned_away_share())
            .with("load_cpu_us_each", tally.cpu_us_each())
    }

    /// The same with one circumstance more.
    pub(crate) fn with(mut self, name: &str, value: f64) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }

    /// With what another row was in the same moments.
    pub(crate) fn beside(mut self, row: &str, value: f64) -> Self {
        self.beside.insert(row.to_owned(), value);
        self
    }

    /// With the processor time that each unit took of what was measured.
    #[allow(clippy::cast_precision_loss, reason = "a few millions")]
    pub(crate) fn with_cpu(self, seconds: f64, units: u64) -> Self {
        self.with("cpu_us_each", seconds * 1e6 / units.max(1) as f64)
    }
}
