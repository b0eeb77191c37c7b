//! Tables, in Markdown, which a terminal shows as well.

use std::fmt::Write;

use crate::record::{Judged, Record, Spread};
use crate::row::{Aim, Part, ROWS, Row, Unit};

/// A table for each part of which there is a figure.
pub(crate) fn tables(record: &Record) -> String {
    let mut out = String::new();
    for part in Part::ALL {
        let rows: Vec<&Row> = ROWS
            .iter()
            .filter(|row| row.part == part && record.rows.contains_key(row.name))
            .collect();
        if !rows.is_empty() {
            write_part(&mut out, part, &rows, record);
        }
    }
    out
}

fn write_part(out: &mut String, part: Part, rows: &[&Row], record: &Record) {
    let columns = [
        "",
        "median",
        "least to most",
        "beside its limit, and its aim",
        "latency p50 / p99, ms",
        "CPU each, µs",
        "durable",
    ];
    let columns = columns.join(" | ");
    let line = format!(
        "\n### {}\n\n| {columns} |\n| --- | --: | --: | --- | --: | --: | --- |\n",
        part.title()
    );
    out.push_str(&line);
    for row in rows {
        let Some(spread) = record.spread(row.name) else { continue };
        let unit = row.unit;
        let cells = [
            row.title.to_owned(),
            format!("{} {unit}", figure(spread.median, unit)),
            format!("{} to {}", figure(spread.min, unit), figure(spread.max, unit)),
            aims(row, record),
            latency(row, record),
            detail(row, record, "cpu_us_each"),
            row.durable.to_string(),
        ];
        writeln!(out, "| {} |", cells.join(" | ")).expect("memory takes all that is written");
    }
}

/// Whole numbers with their thousands apart, or three digits of small ones.
pub(super) fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => thousands(value),
        Unit::Milliseconds | Unit::KibEach if value >= 100.0 => thousands(value),
        Unit::Milliseconds | Unit::KibEach => format!("{value:.1}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn aims(row: &Row, record: &Record) -> String {
    let said = row.aims.iter().filter_map(|aim| {
        let Judged { found, is_met } = record.judge(row, *aim)?;
        let verdict = if is_met { "met" } else { "**not met**" };
        let Spread { median, min, max } = found;
        Some(match aim {
            Aim::Of(to, least) => {
                format!("{median:.2} of `{to}` ({min:.2} to {max:.2}), aim {least}: {verdict}")
            }
            Aim::AtMost(most) => format!("aim at most {most} {}: {verdict}", row.unit),
        })
    });
    said.collect::<Vec<_>>().join("; ")
}

fn latency(row: &Row, record: &Record) -> String {
    let at = |name| record.detail(row.name, name).map(|spread| format!("{:.1}", spread.median));
    let mut said = match (at("p50_ms"), at("p99_ms")) {
        (Some(p50), Some(p99)) => format!("{p50} / {p99}"),
        (Some(p50), None) => p50,
        (None, _) => String::new(),
    };
    // Whoever is told to come back is answered soon: that must not look like speed.
    let turned_away = record.detail(row.name, "turned_away_share").map_or(0.0, |it| it.max);
    if turned_away > 0.0 {
        said.push_str(&format!(" (up to {:.1} % turned away)", turned_away * 100.0));
    }
    said
}

fn detail(row: &Row, record: &Record, name: &str) -> String {
    record.detail(row.name, name).map_or(String::new(), |spread| format!("{:.1}", spread.median))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn a_table_has_a_line_for_each_figure_with_what_became_of_its_aim() {
        let rows: [(&str, &[f64]); 3] = [
            ("gateway-kafka-202", &[20_000.0, 30_000.0, 31_000.0]),
            ("front-bare", &[50_000.0, 50_000.0, 1_050_000.0]),
            ("path-kafka-2000-p99", &[12.34, 51.0, 140.0]),
        ];
        let text = tables(&record(&rows));
        assert_eq!(text.matches("\n### ").count(), 2, "{text}");
        for expected in [
            "| 30,000 /s | 20,000 to 31,000 | 0.40 of `front-bare` (0.03 to 0.60), aim 0.6: \
             **not met** |",
            "| 50,000 /s | 50,000 to 1,050,000 |  |",
            "| 51.0 ms | 12.3 to 140 | aim at most 50 ms: **not met** |",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn those_who_were_turned_away_are_shown() {
        let mut run = record(&[("gateway-kafka-202", &[1.0, 2.0, 3.0])]);
        let samples = run.rows.get_mut("gateway-kafka-202").unwrap();
        for (sample, share) in samples.iter_mut().zip([0.0, 0.125, 0.0]) {
            *sample = sample.clone().with("turned_away_share", share).with("p50_ms", 2.0);
            *sample = sample.clone().with("p99_ms", 9.0).with("cpu_us_each", 21.26);
        }
        let text = tables(&run);
        assert!(text.contains("| 2.0 / 9.0 (up to 12.5 % turned away) | 21.3 | yes |"), "{text}");
    }
}
