//! How a report reads.

use audit::{AuditInput, Invariant, Line, Verdict, run};

use crate::history::History;
use crate::orders::{announce, buy, terms};

fn history() -> History {
    let mut history = History::new();
    history.at(1).step(&announce("d", terms()));
    history.at(150).step(&buy("d", "ann", "k", 1));
    history
}

#[test]
fn people_read_one_line_per_promise() {
    let mut history = history();
    let told = history.audit().to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("I1 holds"), "{told}");
    assert!(lines[5].starts_with("I6 unchecked"), "{told}");
    assert!(lines[8].starts_with("I9 holds"), "{told}");
    assert!(lines[9].starts_with("partition 0: records 0..4 of 4; 2 decisions"), "{told}");
    assert_eq!(lines[10], "log 3: 0 commands pending");
    history.edit(2, |decision| decision.events.clear());
    let told = history.audit().to_string();
    assert!(told.contains("I2 VIOLATED"), "{told}");
    assert!(told.contains("partition 0, command 2, record 3: "), "{told}");
}

#[test]
fn machines_read_json() {
    let json = serde_json::to_value(history().audit_rows(|_| {})).unwrap();
    assert_eq!(json["log_id"], 3);
    assert_eq!(json["lines"].as_array().unwrap().len(), Invariant::ALL.len());
    assert_eq!(json["lines"][5]["invariant"], "I6");
    assert_eq!(json["lines"][5]["verdict"], "holds");
    assert_eq!(json["partitions"][0]["pending"], 0);
    assert_eq!(json["partitions"][0]["rows_read_offset"], 4);
}

#[test]
fn only_the_first_breaches_are_told_but_all_are_counted() {
    let mut history = history();
    for offset in 3..40 {
        history.step(&buy("d", "ann", &format!("key {offset}"), 9));
        history.edit(offset, |decision| decision.events.clear());
    }
    let report = history.audit();
    let line = report.line(Invariant::I2);
    assert_eq!((line.verdict, line.violations.len()), (Verdict::Violated, Line::VIOLATIONS_MAX));
    assert!(line.violated > 37 && line.to_string().contains("more"), "{line}");
}

#[test]
fn an_audit_can_run_as_a_task() {
    fn is_send<F: Send>(_: impl FnOnce(AuditInput) -> F) {}
    is_send(run);
}
