//! Plans reckoned by hand, on figures that are round, and the figures in force where code says them
//! too.

use schemas::log::{Admission, Command, Decision, Event, OrderHeld, PlacePurchase};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Timestamp};
use uuid::Uuid;

use clap::{CommandFactory, Parser};

use super::figures::{Figures, MEASURED};
use super::model::{CONNECTIONS_MAX, Needs, Peak, Reckoning, fullest};
use super::prices::Prices;
use super::{DOES_NOT_FIT, Plan, text};
use crate::cli::{Cli, Command as CliCommand, GatewayFlags, PlanFlags};

/// Round figures, for whoever reckons along.
fn round() -> Figures {
    let mut figures = MEASURED;
    figures.admissions.value = 10_000.0;
    figures.answers.value = 20_000.0;
    figures.followed.value = 200_000.0;
    figures.decided.value = 150_000.0;
    figures.rows.value = 50_000.0;
    figures.view_order.value = 200.0;
    figures.view_key.value = 50.0;
    figures.worker_order.value = 100.0;
    figures.connection.value = 10_000.0;
    figures.request_seconds.value = 0.05;
    figures.command.value = 400.0;
    figures.decision.value = 600.0;
    figures.compression.value = 2.0;
    figures.broker_disk.value = 250.0;
    figures.broker_network.value = 500.0;
    figures.row.value = 1_000.0;
    figures
}

/// 100,000 purchases a second for 100 s, all let in, for one product, with two polls each, planned
/// with half of every rate.
fn peak() -> Peak {
    Peak {
        purchases: 100_000.0,
        seconds: 100.0,
        admitted: 1.0,
        products: 1,
        polls: 2.0,
        watchers: 0,
        gateway_cores: 8,
        busy: 0.5,
    }
}

fn needs(peak: &Peak) -> Needs {
    Reckoning { peak, figures: &round(), kept_orders_max: 4e6 }.needs()
}

/// What bears least first: the names and how many purchases a second.
fn limits(peak: &Peak) -> Vec<(&'static str, f64)> {
    let limits = Reckoning { peak, figures: &round(), kept_orders_max: 4e6 }.limits();
    limits.into_iter().map(|limit| (limit.what, limit.bears)).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-6, "{found}, not {expected}");
}

#[test]
fn a_peak_that_is_all_let_in_needs_what_a_hand_reckons() {
    let needs = needs(&peak());
    // 100,000 / (150,000 · 0.5) = 1.3
    assert_near(needs.worker_cores, 2.0);
    // 100,000 / 200,000, of 8 · 0.5 = 4 cores; the others need 10 for orders and 10 for polls,
    // which is 20 / 3.5 = 5.7 gateways.
    assert_near(needs.following_cores, 0.5);
    assert_near(needs.gateways.unwrap(), 6.0);
    // 100,000 · (400 + 600) / 2
    assert_near(needs.log_mb_per_second, 50.0);
    // 100,000 · (400 + 600 · (1 worker + 1 projector + 6 gateways)) / 2
    assert_near(needs.read_mb_per_second.unwrap(), 260.0);
    // Disks: 50 · 3 / 125 = 1.2. Networks: (50 · 2 + 260) / 250 = 1.44. Copies: 3.
    assert_near(needs.brokers.unwrap(), 3.0);
    // (100,000 − 50,000 · 0.5) · 100, at 25,000 a second
    assert_near(needs.waiting_rows, 7.5e6);
    assert_near(needs.drain_seconds, 300.0);
    // 4 M · 200 B + 6 M · 50 B + 15,000 connections / 6 · 10,000 B
    let gib = f64::from(1 << 30);
    assert_near(needs.gateway_gib.unwrap(), (8e8 + 3e8 + 2.5e7) / gib);
    assert_near(needs.worker_gib, 1e9 / gib);
    assert_near(needs.log_gib_per_million, 1.5e9 / gib);
    assert_near(needs.database_gib_per_million, 1e9 / gib);
}

#[test]
fn those_who_are_refused_at_the_door_cost_answers_alone() {
    let needs = needs(&Peak { admitted: 0.1, ..peak() });
    assert_near(needs.orders_per_second, 10_000.0);
    assert_near(needs.waiting_rows.max(1.0), 1.0);
    // 1 core for orders, (90,000 + 200,000) / 20,000 = 14.5 for the others, by 4 − 0.05: 3.9
    assert_near(needs.gateways.unwrap(), 4.0);
}

#[test]
fn more_gateways_read_more_of_the_log_until_brokers_are_short() {
    let few = needs(&Peak { purchases: 300_000.0, products: 100, ..peak() });
    // 1.5 of 4 cores follow; (30 + 30) / 2.5 = 24 gateways read 300,000 · (400 + 600 · 26) / 2.
    assert_near(few.gateways.unwrap(), 24.0);
    assert_near(few.read_mb_per_second.unwrap(), 2_400.0);
    // (150 · 2 + 2,400) / 250
    assert_near(few.brokers.unwrap(), 11.0);
}

#[test]
fn streams_are_connections() {
    let needs = needs(&Peak { watchers: 300_000, ..peak() });
    // (300,000 requests · 0.05 s + 300,000 streams) / 15,000
    assert_near(needs.gateways.unwrap(), 21.0);
}

#[test]
fn the_least_of_the_limits_comes_first() {
    // A line: 150,000 · 0.5. Rows: 25,000 + 4 M / 100 s. A view: 200,000 · 8 · 0.5.
    let all = [("the read model", 65e3), ("a partition", 75e3), ("a gateway's view", 800e3)];
    assert_eq!(limits(&peak()), all);
    // Let in a tenth, and everything that only orders need bears ten times as much.
    let tenth = limits(&Peak { admitted: 0.1, ..peak() });
    assert_near(tenth[0].1, 650e3);
    // Two of ten products share a line.
    let ten = limits(&Peak { products: 10, ..peak() });
    assert_eq!(ten[1], ("a partition", 375e3));
    // A short peak is kept in the views until the database has it.
    assert_eq!(limits(&Peak { seconds: 10.0, ..peak() })[0], ("a partition", 75e3));
}

#[test]
fn a_gateway_that_only_follows_is_no_gateway() {
    let needs = needs(&Peak { purchases: 800_000.0, ..peak() });
    assert_eq!((needs.gateways, needs.brokers, needs.gateway_gib), (None, None, None));
}

#[test]
fn products_share_partitions_as_chance_has_it() {
    assert_eq!(fullest(1, 64), 1);
    // λ = 10 / 64: three in one of 64 has a chance of 3.6 %, two of 70 %.
    assert_eq!(fullest(10, 64), 2);
    // λ = 1 / 4: five in one of 1,600 have a chance of 1 %, four of 21 %.
    assert_eq!(fullest(400, 1_600), 4);
    assert_eq!(fullest(5, 1), 5);
}

#[test]
fn prices_are_multiplied_and_nothing_is_added() {
    let prices = Prices::parse(
        r#"{"currency": "EUR", "core_hour": 0.1, "broker_hour": 2, "database_hour": 3,
            "log_gib_month": 0.1, "database_gib_month": 0.2}"#,
    );
    let (peak, needs) = (peak(), needs(&peak()));
    let cost = prices.unwrap().cost(&peak, &needs, 2.0).unwrap();
    // (6 · 8 + 2) cores · 0.1 + 3 brokers · 2 + 3, for two hours; 10 M orders.
    assert_near(cost.machines, 28.0);
    assert_near(cost.machines_per_million, 2.8);
    let gib = f64::from(1 << 30);
    assert_near(cost.stored_per_million_month, 1.5e9 / gib * 0.1 + 1e9 / gib * 0.2);
}

#[test]
fn machines_are_up_for_as_long_as_the_peak_at_least() {
    let text = r#"{"currency": "EUR", "core_hour": 1, "broker_hour": 0, "database_hour": 0,
        "log_gib_month": 0, "database_gib_month": 0}"#;
    let prices = Prices::parse(text).unwrap();
    let peak = Peak { seconds: 7_200.0, ..peak() };
    assert_near(prices.cost(&peak, &needs(&peak), 0.0).unwrap().hours, 2.0);
    assert!(Prices::parse(&text.replace(": 1", ": -1")).is_err());
    assert!(Prices::parse(&text.replace("core_hour", "core_day")).is_err());
    assert!(Prices::parse("{}").is_err());
}

pub(super) fn flags(words: &[&str]) -> PlanFlags {
    let line = ["timedeal", "plan"].iter().chain(words);
    match Cli::try_parse_from(line).map(|cli| cli.command) {
        Ok(Some(CliCommand::Plan(flags))) => flags,
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn a_plan_says_whether_it_fits_and_what_breaks_first() {
    let small = Plan::of(&flags(&["--peak", "1000/s"]), None);
    assert!(small.fits);
    assert_eq!(text::verdict(&small), "fits");
    let large = Plan::of(&flags(&["--peak", "1e8/s", "--products", "1"]), None);
    assert!(!large.fits && DOES_NOT_FIT == 1);
    assert!(text::verdict(&large).starts_with("does not fit: "), "{large}");
    assert!(large.to_string().contains("BREAKS"));
}

#[test]
fn numbers_are_written_in_groups_of_three() {
    for (value, written) in [(0.0, "0"), (999.6, "1,000"), (1_234_567.0, "1,234,567")] {
        assert_eq!(text::number(value), written);
    }
}

#[test]
fn what_the_service_says_of_itself_is_what_a_plan_reckons_with() {
    let command = GatewayFlags::command();
    let mut flags = command.get_arguments();
    let flag = flags.find(|flag| flag.get_id() == "max_connections").unwrap();
    assert_eq!(flag.get_default_values(), [CONNECTIONS_MAX.to_string().as_str()]);
    assert!(super::model::kept_orders_max() > 1e6);
}

/// A purchase as the gateway writes it, with the headers that go with it.
fn command_bytes() -> usize {
    let command = Command::PlacePurchase(Box::new(PlacePurchase {
        deal_id: DealId(Uuid::max()),
        customer: CustomerId(Uuid::max()),
        key: Digest(u128::MAX),
        fingerprint: Fingerprint(u64::MAX),
        quantity: 1,
        client_reference: None,
        ticket_key: 1,
        received_at: Timestamp::from_millis(1_700_000_000_000),
        actor: Uuid::max(),
        admission: Some(Admission { gateway: "gateway-1".into(), decided_next: 1_000_000 }),
    }));
    let (product, traceparent) = ("lamp-oak-40".len(), "traceparent".len() + 55);
    command.encode().len() + product + traceparent
}

fn decision_bytes() -> usize {
    let held = Event::OrderHeld(OrderHeld {
        deal_id: DealId(Uuid::max()),
        customer: CustomerId(Uuid::max()),
        key: Digest(u128::MAX),
        fingerprint: Fingerprint(u64::MAX),
        quantity: 1,
        unit_price: Money { amount: 1_990, currency: "EUR".parse().unwrap() },
        ticket_key: 1,
        purchased_at: Timestamp::from_millis(1_700_000_000_000),
        client_reference: None,
        expires_at: Timestamp::from_millis(1_700_000_000_000),
        stock_left: 100_000,
        held: 100_000,
    });
    let (offset, log_time) = (1_000_000, Timestamp::from_millis(1_700_000_000_000));
    let decision = Decision { offset, after: offset, log_time, events: vec![held] };
    let headers = "epoch".len() + 1 + "claim".len() + 32;
    decision.encode().len() + headers
}

#[test]
fn records_are_as_long_as_the_figures_say() {
    let near = |figure: f64, bytes: usize| (figure / bytes as f64 - 1.0).abs() < 0.1;
    let (command, decision) = (command_bytes(), decision_bytes());
    assert!(near(MEASURED.command.value, command), "a purchase has {command} bytes");
    assert!(near(MEASURED.decision.value, decision), "a decision has {decision} bytes");
}
