//! A whole run as a document: the machine, the versions, every single figure. Written and read as
//! JSON, so that runs can be compared. Must not know how it is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::row::{Aim, Row};
use crate::sample::Sample;

/// Everything that was found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    /// Of what was measured and of what it was measured with.
    pub(crate) versions: BTreeMap<String, String>,
    /// Unix time in seconds at which it began.
    pub(crate) began_at: i64,
    /// What a load is counted for, in seconds.
    pub(crate) seconds: u64,
    pub(crate) repeats: u32,
    /// One after the other, in the order of the repetitions; by name of row.
    pub(crate) rows: BTreeMap<String, Vec<Sample>>,
}

/// The middle of several figures, and between which they all are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// None of nothing.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }
}

impl Record {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{}", path.display()))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("{}", path.display()))
    }

    /// All figures of a row.
    pub(crate) fn spread(&self, row: &str) -> Option<Spread> {
        Spread::of(self.rows.get(row)?.iter().map(|sample| sample.value))
    }

    /// A circumstance of a row, over all its figures.
    pub(crate) fn detail(&self, row: &str, name: &str) -> Option<Spread> {
        let samples = self.rows.get(row)?.iter();
        Spread::of(samples.filter_map(|sample| sample.details.get(name).copied()))
    }

    /// A row beside another one, each repetition by itself: what slowed the machine down in one of
    /// them slowed both. Where the other was measured in the same moments as well, that counts.
    pub(crate) fn ratio(&self, row: &str, to: &str) -> Option<Spread> {
        let others = self.rows.get(to).map_or(&[][..], Vec::as_slice);
        let ratios = self.rows.get(row)?.iter().enumerate().filter_map(|(repetition, one)| {
            let then = || others.get(repetition).map(|other| other.value);
            Some(one.value / one.beside.get(to).copied().or_else(then)?)
        });
        Spread::of(ratios)
    }

    /// What an aim was, what came out, and whether it is met; none if a figure is missing.
    pub(crate) fn judge(&self, row: &Row, aim: Aim) -> Option<Judged> {
        let (found, aim, is_met): (Spread, _, fn(f64, f64) -> bool) = match aim {
            Aim::Of(to, least) => (self.ratio(row.name, to)?, least, |found, aim| found >= aim),
            Aim::AtMost(most) => (self.spread(row.name)?, most, |found, aim| found <= aim),
        };
        Some(Judged { found, is_met: is_met(found.median, aim) })
    }
}

/// What became of an aim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judged {
    pub(crate) found: Spread,
    /// By the median.
    pub(crate) is_met: bool,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::row::find;

    /// A run with these figures.
    pub(crate) fn record(rows: &[(&str, &[f64])]) -> Record {
        let samples = |values: &[f64]| values.iter().map(|&value| Sample::of(value)).collect();
        Record {
            machine: Machine::default(),
            versions: BTreeMap::from([("timedeal".to_owned(), "1.2.3".to_owned())]),
            began_at: 1_800_000_000,
            seconds: 5,
            repeats: 3,
            rows: rows.iter().map(|(name, values)| ((*name).to_owned(), samples(values))).collect(),
        }
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(of(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_repetition() {
        let record = record(&[("a", &[10.0, 40.0, 90.0]), ("b", &[10.0, 20.0, 30.0])]);
        let ratio = record.ratio("a", "b").unwrap();
        assert_eq!((ratio.median, ratio.min, ratio.max), (2.0, 1.0, 3.0));
        assert_eq!(record.ratio("a", "c"), None);
    }

    #[test]
    fn what_was_measured_in_the_same_moments_counts_more_than_the_same_repetition() {
        let mut record = record(&[("a", &[10.0, 40.0, 90.0]), ("b", &[10.0, 20.0, 30.0])]);
        let samples = record.rows.get_mut("a").unwrap();
        samples[2] = samples[2].clone().beside("b", 10.0).beside("c", 45.0);
        assert_eq!(record.ratio("a", "b").unwrap().max, 9.0);
        assert_eq!(record.ratio("a", "c").unwrap().median, 2.0);
    }

    #[test]
    fn an_aim_is_met_by_the_median() {
        let rows: [(&str, &[f64]); 3] = [
            ("gateway-kafka-202", &[5.0, 6.0, 7.0]),
            ("front-bare", &[10.0, 10.0, 10.0]),
            ("path-kafka-2000-p50", &[9.0, 11.0, 12.0]),
        ];
        let record = record(&rows);
        let judge = |name: &str| {
            let row = find(name).unwrap();
            record.judge(row, row.aims[0]).map(|judged| judged.is_met)
        };
        assert_eq!(judge("gateway-kafka-202"), Some(true));
        assert_eq!(judge("path-kafka-2000-p50"), Some(false));
        assert_eq!(judge("worker-kafka-hot"), None);
    }

    #[test]
    fn a_run_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let mut run = record(&[("a", &[1.5, 2.0])]);
        run.rows.get_mut("a").unwrap()[0].details.insert("p99_ms".to_owned(), 7.25);
        run.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), run);
        assert!(Record::read(&folder.path().join("none.json")).is_err());
    }
}
