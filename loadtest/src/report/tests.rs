//! The report's numbers and its two forms.

use std::time::Duration;

use schemas::Timestamp;

use super::{Flow, Latency, RushReport};
use crate::announcement::{Address, Offer};
use crate::check::{Check, Promise, Violation};
use crate::gateways::GatewayReport;
use crate::history::Moment;
use crate::plan::RushPlan;

fn report() -> RushReport {
    let url = "http://127.0.0.1:8080".to_owned();
    let plan = RushPlan::new(vec![url], String::new(), Box::new(|_| String::new()));
    let address = Address::new(1, Timestamp::from_millis(5));
    let offer = Offer {
        address,
        stock: 500,
        limit_per_customer: 2,
        hold_seconds: 0,
        opens_in: Duration::ZERO,
    };
    let mut report = RushReport::start(&plan, &offer);
    report.stock_left = Some(0);
    report
}

fn violation() -> Violation {
    Violation { promise: Promise::I5, buyer: Some(7), what: "two orders".to_owned() }
}

#[test]
fn the_exit_code_says_whether_the_promises_were_kept() {
    let mut report = report();
    assert_eq!(report.exit_code(), 0);
    report.unknown = 1;
    assert_eq!(report.exit_code(), 2);
    report.violations.push(violation());
    assert_eq!(report.exit_code(), 1);
    report.violations.clear();
    report.unknown = 0;
    report.stock_left = None;
    assert_eq!(report.exit_code(), 2);
}

#[test]
fn latencies_are_percentiles_of_all_waits() {
    let latency = Latency::of((1..=1_000).map(Duration::from_millis));
    let near = |found: u64, millis: u64| found.abs_diff(millis * 1_000) <= millis;
    assert_eq!(latency.count, 1_000);
    assert!(near(latency.p50_us, 500) && near(latency.p90_us, 900), "{latency:?}");
    assert!(near(latency.p99_us, 990) && near(latency.p999_us, 999), "{latency:?}");
    assert!(near(latency.max_us, 1_000), "{latency:?}");
    assert_eq!(Latency::of(std::iter::empty()), Latency::default());
    let extremes = [Duration::ZERO, Duration::MAX];
    assert_eq!(Latency::of(extremes.into_iter()).count, 2);
}

#[test]
fn a_flow_is_counted_from_the_opening_to_the_last() {
    let flow =
        Flow::from_opening(Moment(1_000_000), [3_000_000, 2_000_000].map(Moment).into_iter());
    assert_eq!(flow, Flow { count: 2, window_ms: 2_000, per_second: 1.0 });
    let none = Flow::from_opening(Moment(5), std::iter::empty());
    assert_eq!(none, Flow { count: 0, window_ms: 0, per_second: 0.0 });
}

#[test]
fn the_text_shows_the_first_violations_and_counts_the_rest() {
    let mut report = report();
    report.outcomes.insert("confirmed".to_owned(), 500);
    report.checks = vec![Check {
        promise: Promise::I5,
        looked_at: 20_000,
        violations: 22,
        left_out: Some("half of it"),
    }];
    report.violations = vec![violation(); 22];
    let text = report.to_string();
    let lines: Vec<_> = text.lines().collect();
    let head = "20000 buyers for 500 units (limit 2), burst, seed 1, 512 connections";
    assert_eq!(lines[0], head);
    assert!(lines.contains(&"  confirmed                                500"), "{text}");
    let check = "I5 one key, one order           20000 looked at  BROKEN 22 times (half of it)";
    assert!(lines.contains(&check), "{text}");
    let shown = lines.iter().filter(|line| **line == "violation of I5: buyer 7: two orders");
    assert_eq!(shown.count(), 20);
    assert_eq!(lines.last(), Some(&"and 2 more"));
}

#[test]
fn several_gateways_have_a_line_each_and_one_has_none() {
    let gateway = |port: u16| GatewayReport {
        gateway: format!("127.0.0.1:{port}"),
        requests: 12,
        answers: [("202", 7), ("409 sold-out", 5)]
            .map(|(code, count)| (code.to_owned(), count))
            .into(),
    };
    let mut report = report();
    report.gateways.push(gateway(8080));
    assert!(!report.to_string().contains("8080"), "{report}");
    report.gateways.push(gateway(8090));
    let text = report.to_string();
    let line = "  127.0.0.1:8090                            12 requests (202: 7, 409 sold-out: 5)";
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[test]
fn the_json_form_has_every_violation() {
    let mut report = report();
    report.violations = vec![violation(); 22];
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["arrivals"], "burst");
    assert_eq!(json["violations"].as_array().unwrap().len(), 22);
    assert_eq!(json["violations"][0]["promise"], "I5");
}
