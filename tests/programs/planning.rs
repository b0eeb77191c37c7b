//! `timedeal plan` as its users know it: a verdict in the last line and in the exit code, and costs
//! by prices that are given.

use crate::program::{clean_command, run};

const PRICES: &str = r#"{"currency": "EXAMPLE", "core_hour": 0.05, "broker_hour": 0.5,
    "database_hour": 2, "log_gib_month": 0.1, "database_gib_month": 0.2}"#;

fn plan(arguments: &[&str]) -> (String, Option<i32>) {
    let mut command = clean_command("timedeal");
    command.arg("plan").args(arguments);
    run(command)
}

#[test]
fn a_plan_ends_with_its_verdict_and_exits_with_it() {
    let (said, code) = plan(&["--peak", "1000/s", "--minutes", "1"]);
    assert!(said.ends_with("\nfits") && code == Some(0), "{code:?}: {said}");
    let (said, code) = plan(&["--peak", "60000000/min"]);
    assert!(said.contains("\ndoes not fit: ") && code == Some(1), "{code:?}: {said}");
    let (_, code) = plan(&["--peak", "many"]);
    assert_eq!(code, Some(2));
}

#[test]
fn prices_are_read_from_a_file_and_without_one_nothing_costs_anything() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("prices.json");
    let arguments = ["--peak", "1000/s", "--prices", file.to_str().unwrap()];
    let (said, code) = plan(&arguments);
    assert!(said.contains("prices.json") && code == Some(2), "{code:?}: {said}");
    std::fs::write(&file, PRICES.replace("0.05", "\"much\"")).unwrap();
    assert_eq!(plan(&arguments).1, Some(2));
    std::fs::write(&file, PRICES).unwrap();
    let (said, code) = plan(&arguments);
    assert!(said.contains("EXAMPLE") && code == Some(0), "{code:?}: {said}");
    assert!(!plan(&arguments[..2]).0.contains("for a million orders"));
}
