//! What came of a load: counts and latencies. Must not know how it was sent.

use std::time::Duration;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use super::schedule::Schedule;
use super::{Answer, Verdict};

/// The longest latency that is told apart: a minute.
const LATENCY_US_MAX: u64 = 60_000_000;
/// So much of a strange answer is kept.
const QUOTE_BYTES_MAX: usize = 400;

/// Counts of a load.
pub(crate) struct Tally {
    /// Answers of the wanted kind, also those that came before anything was counted.
    pub(crate) wanted: u64,
    /// Told to come back, in all.
    pub(crate) turned_away: u64,
    counted: u64,
    counted_turned_away: u64,
    seconds: f64,
    /// Processor time of the load itself.
    cpu_seconds: f64,
    latency_us: Histogram<u64>,
    /// The first answer that is none of what was to be expected.
    unexpected: Option<String>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
        let latency_us = latency_us.expect("the bounds are in order, three digits are allowed");
        Self {
            wanted: 0,
            turned_away: 0,
            counted: 0,
            counted_turned_away: 0,
            seconds: 0.0,
            cpu_seconds: 0.0,
            latency_us,
            unexpected: None,
        }
    }

    pub(super) fn note(&mut self, verdict: Verdict, counts: bool, answer: &Answer<'_>) {
        match verdict {
            Verdict::Wanted => {
                self.wanted += 1;
                self.counted += u64::from(counts);
            }
            Verdict::TurnedAway => {
                self.turned_away += 1;
                self.counted_turned_away += u64::from(counts);
            }
            Verdict::Unexpected => {
                let body = &answer.body[..answer.body.len().min(QUOTE_BYTES_MAX)];
                let quote = || format!("{} {}", answer.status, String::from_utf8_lossy(body));
                self.unexpected.get_or_insert_with(quote);
            }
        }
    }

    pub(super) fn note_latency(&mut self, latency: Duration, counts: bool) {
        if counts {
            let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX);
            self.latency_us.saturating_record(micros.max(1));
        }
    }

    pub(super) fn ended(mut self, schedule: &Schedule, cpu_seconds: f64) -> Self {
        self.seconds = schedule.counted_seconds();
        self.cpu_seconds = cpu_seconds;
        self
    }

    /// All answers were of a kind that the contest knows; else the figure is none.
    pub(crate) fn checked(self, contest: &str) -> Result<Self> {
        let answer = self.unexpected.as_deref().unwrap_or_default();
        ensure!(self.unexpected.is_none(), "{contest}: an unexpected answer: {answer}");
        ensure!(self.counted > 0, "{contest}: nothing of what is counted came back");
        Ok(self)
    }

    /// Wanted answers a second.
    #[allow(clippy::cast_precision_loss, reason = "a few millions")]
    pub(crate) fn rate(&self) -> f64 {
        self.counted as f64 / self.seconds
    }

    /// Processor time of the load for each answer, in microseconds: if this is as long as answers
    /// come apart, the load is what was measured.
    #[allow(clippy::cast_precision_loss, reason = "a few millions")]
    pub(crate) fn cpu_us_each(&self) -> f64 {
        self.cpu_seconds * 1e6 / (self.wanted + self.turned_away).max(1) as f64
    }

    /// Share of answers that said to come back, of those that were counted.
    #[allow(clippy::cast_precision_loss, reason = "a few millions")]
    pub(crate) fn turned_away_share(&self) -> f64 {
        let all = self.counted + self.counted_turned_away;
        self.counted_turned_away as f64 / all.max(1) as f64
    }

    /// The latency that so many percent of the counted requests stay below, in milliseconds.
    #[allow(clippy::cast_precision_loss, reason = "below a minute")]
    pub(crate) fn latency_ms(&self, percent: f64) -> f64 {
        self.latency_us.value_at_percentile(percent) as f64 / 1_000.0
    }
}
