//! Whether docs/scaling.md says what the command says. Only tests; must not know how a plan is
//! made.

use std::path::Path;

use gateway::status::StatusLimits;

use super::figures::MEASURED;
use super::model::CONNECTIONS_MAX;
use super::prices::Prices;
use super::tests::flags;
use super::{Plan, text};

const DOCUMENT: &str = "docs/scaling.md";
const TEXT: &str = include_str!("../../docs/scaling.md");

/// The peaks of the document: what each column is called, and the command that makes it.
const PEAKS: [(&str, &str); 5] = [
    ("10 k/s", "--peak 10000/s --products 10"),
    ("100 k/s", "--peak 100000/s --products 10"),
    ("1 M/s", "--peak 1000000/s --products 100"),
    ("100 k/s, few units", "--peak 100000/s --products 10 --admitted 0.05"),
    ("1 M/s, few units", "--peak 1000000/s --products 100 --admitted 0.02"),
];
/// Peaks that others have published.
const PUBLISHED: [(&str, &str); 2] = [
    ("583,000 orders/s", "--peak 583000/s --minutes 1 --products 1000 --gateway-cores 32"),
    ("284 M requests/min", "--peak 284000000/min --admitted 0.002 --polls 0 --products 1000"),
];

fn plan(words: &str) -> Plan {
    Plan::of(&flags(&words.split(' ').collect::<Vec<_>>()), None)
}

/// A column for each peak, a line for each row of its plan.
fn table(peaks: &[(&str, &str)]) -> String {
    let plans: Vec<Plan> = peaks.iter().map(|(_, words)| plan(words)).collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let all = |first: &str, cells: Vec<String>| line([vec![first.to_owned()], cells].concat());
    let mut table = all("", peaks.iter().map(|(name, _)| (*name).to_owned()).collect());
    table += &all("---", vec!["---".to_owned(); peaks.len()]);
    table += &all("`timedeal plan`", peaks.iter().map(|(_, words)| format!("`{words}`")).collect());
    let rows: Vec<_> = plans.iter().map(text::rows).collect();
    for (number, row) in rows[0].iter().enumerate() {
        table += &all(row.what, rows.iter().map(|rows| rows[number].value.clone()).collect());
    }
    let limits = |what: &str| {
        let bears = |plan: &Plan| {
            let limit = plan.limits.iter().find(|limit| limit.what == what).expect("a limit");
            format!("{}/s", text::number(limit.bears))
        };
        plans.iter().map(bears).collect::<Vec<_>>()
    };
    for what in ["a partition", "the read model", "a gateway's view"] {
        table += &all(&format!("{what} bears"), limits(what));
    }
    table + &all("**verdict**", plans.iter().map(text::verdict).collect())
}

fn figures() -> String {
    let mut table = "| what | figure | measured by |\n| --- | --- | --- |\n".to_owned();
    for figure in MEASURED.all() {
        // Whole ones in groups of three, others as they are.
        let value = match figure.value {
            whole if whole.fract() == 0.0 => text::number(whole),
            other => other.to_string(),
        };
        table += &format!("| {} | {value} {} | {} |\n", figure.what, figure.unit, figure.source);
    }
    table
}

/// `text` with `made` between the two comments that name `part`.
fn with_part(text: &str, part: &str, made: &str) -> String {
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->"));
    let (before, rest) = text.split_once(&begin).expect("the part has a begin");
    let (_, after) = rest.split_once(&end).expect("the part has an end");
    format!("{before}{begin}{made}{end}{after}")
}

#[test]
fn the_tables_of_the_document_are_what_the_command_says() {
    let made = with_part(TEXT, "peaks", &table(&PEAKS));
    let made = with_part(&made, "published peaks", &table(&PUBLISHED));
    let made = with_part(&made, "figures", &figures());
    if std::env::var_os("TIMEDEAL_BLESS").is_some_and(|value| value == "1") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
        std::fs::write(path, made).expect("write the document");
        return;
    }
    assert!(TEXT == made, "TIMEDEAL_BLESS=1 cargo test -p timedeal plan writes it anew");
}

#[test]
fn the_bounds_of_the_document_are_those_of_the_gateway() {
    let StatusLimits { records_hard_max, door, .. } = StatusLimits::default();
    for bound in [records_hard_max as f64, door.queue_max as f64, f64::from(CONNECTIONS_MAX)] {
        assert!(TEXT.contains(&text::number(bound)), "{bound}");
    }
}

#[test]
fn the_example_of_prices_can_be_read_and_says_that_it_is_one() {
    let begin = TEXT.split("```json\n").nth(1).expect("there is an example");
    let example = begin.split("```").next().unwrap_or_default();
    assert!(Prices::parse(example).is_ok(), "{example}");
    assert!(example.contains("EXAMPLE"), "{example}");
}

#[test]
fn the_commands_of_the_document_are_commands() {
    let lines = TEXT.lines().filter_map(|line| line.strip_prefix("timedeal plan "));
    let read: Vec<_> =
        lines.map(|line| flags(&line.split_whitespace().collect::<Vec<_>>())).collect();
    assert!(read.len() >= 2, "{read:?}");
}
