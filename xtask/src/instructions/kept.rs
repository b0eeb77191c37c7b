//! Counts in their file, and how new ones compare with them. Pure; must not know how they were
//! counted.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::callgrind::Cost;

/// How much dearer something may be, in per mille: hash tables have another seed in every process.
const TOLERANCE: u64 = 30;
/// And so much in a thousand times: what happens once in a run says nothing about the work.
const ONCE: u64 = 100;
/// Counts are of so many.
const TIMES: f64 = 1_000.0;

/// What was counted, in the order of the works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Who made the instructions.
    pub(super) compiler: String,
    pub(super) works: Vec<(String, Cost)>,
}

/// The file: one line a work, so that a change shows what it changes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    compiler: String,
    /// Instructions and calls of the C library, of a thousand each.
    works: BTreeMap<String, [u64; 2]>,
}

impl Counts {
    pub(super) fn read(text: &str) -> Result<Self> {
        let File { compiler, works } = serde_json::from_str(text)?;
        let works = works
            .into_iter()
            .map(|(name, [instructions, calls])| (name, Cost { instructions, calls }));
        Ok(Self { compiler, works: works.collect() })
    }

    pub(super) fn write(&self) -> String {
        let works: BTreeMap<&str, Cost> =
            self.works.iter().map(|(name, cost)| (name.as_str(), *cost)).collect();
        let lines: Vec<String> = works
            .into_iter()
            .map(|(name, cost)| format!("    {name:?}: [{}, {}]", cost.instructions, cost.calls))
            .collect();
        let works = lines.join(",\n");
        format!("{{\n  \"compiler\": {:?},\n  \"works\": {{\n{works}\n  }}\n}}\n", self.compiler)
    }

    fn of(&self, name: &str) -> Option<Cost> {
        self.works.iter().find(|(known, _)| known == name).map(|(_, cost)| *cost)
    }
}

/// Counts beside those that are kept.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The compiler of before, if it was another.
    other_compiler: Option<String>,
    rows: Vec<Row>,
    /// Kept works that were not counted.
    gone: Vec<String>,
}

#[derive(Debug)]
struct Row {
    name: String,
    kept: Option<Cost>,
    now: Cost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    Cheaper,
    Dearer,
    /// Nothing is kept.
    New,
}

impl Comparison {
    pub(super) fn of(kept: &Counts, now: &Counts) -> Self {
        let row = |(name, cost): &(String, Cost)| Row {
            name: name.clone(),
            kept: kept.of(name),
            now: *cost,
        };
        let is_other = !kept.works.is_empty() && kept.compiler != now.compiler;
        let gone = kept.works.iter().filter(|(name, _)| now.of(name).is_none());
        Self {
            other_compiler: is_other.then(|| kept.compiler.clone()),
            rows: now.works.iter().map(row).collect(),
            gone: gone.map(|(name, _)| name.clone()).collect(),
        }
    }

    /// An error unless everything is kept and nothing has become dearer.
    pub(super) fn judge(&self) -> Result<()> {
        if let Some(compiler) = &self.other_compiler {
            anyhow::bail!("what is kept was made by {compiler}, and cannot be compared");
        }
        let named = |verdict| {
            let rows = self.rows.iter().filter(|row| row.verdict() == verdict);
            rows.map(|row| row.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let dearer = named(Verdict::Dearer);
        ensure!(dearer.is_empty(), "dearer than what is kept: {dearer}");
        let new = named(Verdict::New);
        ensure!(new.is_empty(), "nothing is kept of {new}");
        ensure!(self.gone.is_empty(), "kept, but counted no more: {}", self.gone.join(", "));
        Ok(())
    }
}

impl Row {
    fn verdict(&self) -> Verdict {
        let Some(kept) = self.kept else { return Verdict::New };
        let counts = [(kept.instructions, self.now.instructions), (kept.calls, self.now.calls)];
        if counts.iter().any(|&(kept, now)| is_more(now, kept)) {
            Verdict::Dearer
        } else if counts.iter().any(|&(kept, now)| is_more(kept, now)) {
            Verdict::Cheaper
        } else {
            Verdict::Same
        }
    }
}

fn is_more(count: u64, than: u64) -> bool {
    count * 1_000 > than * (1_000 + TOLERANCE) + ONCE * 1_000
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<26}{:>10}{:>10}{:>11}   {:>7}{:>7}",
            "instructions of one", "kept", "now", "", "calls", "now"
        )?;
        for row in &self.rows {
            let each = |count: u64| format!("{:.1}", count as f64 / TIMES);
            let kept = |count: fn(Cost) -> u64| row.kept.map_or("–".into(), |it| each(count(it)));
            let change = row.kept.map_or(String::new(), |kept| {
                let ratio = row.now.instructions as f64 / kept.instructions as f64;
                format!("{:+.2} %", (ratio - 1.0) * 100.0)
            });
            let word = match row.verdict() {
                Verdict::Same => "",
                Verdict::Cheaper => "  cheaper: --bless keeps it so",
                Verdict::Dearer => "  DEARER",
                Verdict::New => "  new",
            };
            writeln!(
                f,
                "{:<26}{:>10}{:>10}{change:>11}   {:>7}{:>7}{word}",
                row.name,
                kept(|cost| cost.instructions),
                each(row.now.instructions),
                kept(|cost| cost.calls),
                each(row.now.calls),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(works: &[(&str, u64, u64)]) -> Counts {
        let work = |&(name, instructions, calls): &(&str, u64, u64)| {
            (name.to_owned(), Cost { instructions, calls })
        };
        Counts { compiler: "rustc 1".to_owned(), works: works.iter().map(work).collect() }
    }

    #[track_caller]
    fn check(kept: &[(&str, u64, u64)], now: &[(&str, u64, u64)], expected: Result<(), &str>) {
        let judged = Comparison::of(&counts(kept), &counts(now)).judge();
        let said = judged.map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(said, Ok(())),
            Err(words) => assert!(said.unwrap_err().contains(words)),
        }
    }

    #[test]
    fn three_per_cent_dearer_passes_and_a_little_more_does_not() {
        let kept = [("a", 1_000_000, 9)];
        check(&kept, &[("a", 1_030_100, 9)], Ok(()));
        check(&kept, &[("a", 1_030_101, 9)], Err("dearer than what is kept: a"));
    }

    #[test]
    fn a_call_more_of_the_c_library_is_dearer_too() {
        check(&[("a", 9, 2_000)], &[("a", 9, 3_000)], Err("dearer"));
        check(&[("a", 9, 0)], &[("a", 9, 1_000)], Err("dearer"));
        // One for all of them.
        check(&[("a", 9, 1)], &[("a", 9, 2)], Ok(()));
    }

    #[test]
    fn cheaper_passes_and_says_that_it_could_be_kept() {
        let (kept, now) = ([("a", 100_000, 9)], [("a", 50_000, 9)]);
        check(&kept, &now, Ok(()));
        let comparison = Comparison::of(&counts(&kept), &counts(&now));
        assert!(comparison.to_string().contains("-50.00 %"), "{comparison}");
        assert!(comparison.to_string().contains("--bless"), "{comparison}");
    }

    #[test]
    fn what_is_not_kept_or_not_counted_any_more_has_to_be_blessed() {
        check(&[("a", 1, 1)], &[("a", 1, 1), ("b", 1, 1)], Err("nothing is kept of b"));
        check(&[("a", 1, 1), ("b", 1, 1)], &[("a", 1, 1)], Err("counted no more: b"));
        check(&[], &[("a", 1, 1)], Err("nothing is kept of a"));
    }

    #[test]
    fn counts_of_another_compiler_are_not_compared() {
        let kept = counts(&[("a", 1, 1)]);
        let now = Counts { compiler: "rustc 2".to_owned(), ..kept.clone() };
        let error = Comparison::of(&kept, &now).judge().unwrap_err().to_string();
        assert!(error.contains("rustc 1"), "{error}");
    }

    #[test]
    fn a_file_is_read_as_it_was_written_with_a_line_for_each_work() {
        let kept = counts(&[("a: \"b\"", 1_234, 5), ("c", 6, 0)]);
        let text = kept.write();
        assert_eq!(Counts::read(&text).unwrap(), kept);
        assert_eq!(text.lines().filter(|line| line.starts_with("    ")).count(), 2);
    }
}
