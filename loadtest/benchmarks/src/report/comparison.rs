//! A run beside an earlier one. Two runs differ in what else the machine did, so a change counts
//! only where no figure of the one lies among those of the other.

use std::fmt::Write;

use super::table::figure;
use crate::record::{Record, Spread};
use crate::row::{ROWS, Unit};

/// A table of the rows that both have.
pub(crate) fn comparison(new: &Record, old: &Record) -> String {
    let mut out = String::new();
    if new.machine != old.machine {
        out.push_str("The earlier run was made on another machine: compare ratios only.\n");
    }
    out.push_str("\n| | before | now | change |\n| --- | --: | --: | --- |\n");
    for row in ROWS {
        let (Some(now), Some(before)) = (new.spread(row.name), old.spread(row.name)) else {
            continue;
        };
        writeln!(
            out,
            "| {} | {} | {} {} | {} |",
            row.title,
            figure(before.median, row.unit),
            figure(now.median, row.unit),
            row.unit,
            change(before, now, row.unit)
        )
        .expect("memory takes all that is written");
    }
    out
}

fn change(before: Spread, now: Spread, unit: Unit) -> String {
    let percent = (now.median / before.median - 1.0) * 100.0;
    let is_more = now.min > before.max;
    let word = match (is_more, now.max < before.min, unit) {
        (false, false, _) => "within what differs by itself",
        (true, _, Unit::PerSecond) | (_, true, Unit::Milliseconds | Unit::KibEach) => "better",
        (true, _, Unit::Milliseconds | Unit::KibEach) | (_, true, Unit::PerSecond) => "**worse**",
    };
    format!("{percent:+.0} %, {word}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::record::tests::record;

    #[test]
    fn a_change_counts_where_no_figures_overlap() {
        let check = |row: &str, before: &[f64], now: &[f64], expected: &str| {
            let text = comparison(&record(&[(row, now)]), &record(&[(row, before)]));
            assert!(text.contains(expected), "{expected}\n{text}");
        };
        check("front-bare", &[10.0, 11.0, 12.0], &[13.0, 22.0, 23.0], "+100 %, better");
        check("front-bare", &[10.0, 11.0, 12.0], &[5.0, 5.5, 9.9], "-50 %, **worse**");
        check("front-bare", &[10.0, 11.0, 12.0], &[12.0, 22.0, 23.0], "+100 %, within");
        check("polls-10000-last", &[10.0], &[20.0], "+100 %, **worse**");
        check("polls-10000-memory", &[10.0], &[5.0], "-50 %, better");
    }

    #[test]
    fn only_rows_of_both_are_compared_and_another_machine_is_named() {
        let mut old = record(&[("front-redis", &[1.0])]);
        old.machine = Machine { cores: 64, ..Machine::default() };
        let text = comparison(&record(&[("front-bare", &[1.0])]), &old);
        assert!(text.contains("another machine") && !text.contains("warp"), "{text}");
    }
}
