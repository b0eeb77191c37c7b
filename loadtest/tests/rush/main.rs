//! A whole rush against a small shop that plays the API: well, over a bad network, through a
//! crash, through several gateways, and with each promise broken on purpose.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod gateway;
mod play;
mod several;
mod shop;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use loadtest::{Promise, RushError, RushPlan, RushReport, rush};

use crate::gateway::{Fault, Gateway};
use crate::play::{Crash, Watch};
use crate::shop::{Bug, Shop};

/// With a limit of 1 any second unit is one too many.
const SEED_OF_LIMIT_1: u64 = 3;

fn plan(urls: Vec<String>, buyers: u32, stock: u32) -> RushPlan {
    let mut plan = RushPlan::new(urls, "admin".to_owned(), Box::new(|id| id.to_string()));
    plan.buyers = buyers;
    plan.stock = stock;
    plan.duplicates = 0.2;
    plan.connections = 16;
    plan.opens_in = Duration::ZERO;
    plan.patience = Duration::from_secs(60);
    plan
}

fn urls(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(|address| format!("http://{address}")).collect()
}

async fn rush_at(gateway: Gateway, buyers: u32, stock: u32) -> RushReport {
    let address = play::open(gateway).await;
    rush(plan(urls(&[address]), buyers, stock)).await.unwrap()
}

#[track_caller]
fn assert_kept(report: &RushReport) {
    assert_eq!(report.exit_code(), 0, "{report}");
    assert!(report.checks.iter().all(|check| check.left_out.is_none()), "{report}");
}

#[tokio::test]
async fn a_good_shop_keeps_every_promise() {
    let report = rush_at(Gateway::only(Shop::default()), 500, 50).await;
    assert_kept(&report);
    assert_eq!((report.units, report.stock_left), (50, Some(0)), "{report}");
    assert_eq!(report.outcomes.values().sum::<u64>(), 500, "{report}");
    assert_eq!(report.second_outcomes.values().sum::<u64>(), 120, "{report}");
    assert_eq!(report.to_outcome.count, 500);
    assert_eq!(report.retries, 0, "{report}");
    assert!(report.admitted.count >= 25, "{report}");
}

#[tokio::test]
async fn a_steady_crowd_comes_one_after_the_other() {
    let address = play::open(Gateway::only(Shop::default())).await;
    let mut plan = plan(urls(&[address]), 100, 1_000);
    plan.arrivals = "steady:200".parse().unwrap();
    let report = rush(plan).await.unwrap();
    assert_kept(&report);
    assert!(report.answered.window_ms >= 490, "{report}");
    assert_eq!(report.outcomes.len(), 1, "all of them buy: {report}");
    assert_eq!(report.outcomes["confirmed"], 100);
}

#[tokio::test]
async fn lost_answers_broken_connections_and_503s_change_nothing() {
    // Side by side: most of a small rush is waiting.
    let faults = [Fault::LosesAnswers, Fault::BreaksConnections, Fault::ComesBackLater];
    let run = |fault| (fault, tokio::spawn(rush_at(Gateway::with_fault(fault), 300, 40)));
    for (fault, report) in faults.map(run) {
        let report = report.await.unwrap();
        assert_kept(&report);
        assert_eq!(report.units, 40, "{report}");
        assert!(report.retries > 50, "{fault:?} was met {} times", report.retries);
    }
}

#[tokio::test]
async fn a_crowd_that_comes_once_counts_who_was_turned_away() {
    let address = play::open(Gateway::with_fault(Fault::IsOverloaded)).await;
    let mut plan = plan(urls(&[address]), 300, 1_000);
    plan.arrivals = "steady:600".parse().unwrap();
    plan.once = true;
    let report = rush(plan).await.unwrap();
    assert_kept(&report);
    let (turned_away, admitted) = (report.turned_away.count, report.admitted.count);
    assert!(turned_away > 0 && admitted > 0, "{report}");
    assert_eq!(report.outcomes.values().sum::<u64>(), 300, "nobody comes twice: {report}");
    assert_eq!(admitted, 300 - turned_away, "whoever was taken has units: {report}");
    assert_eq!(report.outcomes["confirmed"], admitted);
    assert_eq!(report.to_refusal.count, turned_away);
    assert_eq!(report.seconds.iter().map(|second| second.arrivals).sum::<u64>(), 300);
    let told: u64 = report.seconds.iter().map(|second| second.to_refusal.count).sum();
    assert_eq!(told, turned_away);
    assert!(report.to_string().contains("purchase to refusal"), "{report}");
}

#[tokio::test]
async fn a_crash_in_the_middle_changes_nothing() {
    let watch = Arc::new(Watch::default());
    let crash = Crash { after_purchases: 120, until_retries: 200, watch: Arc::clone(&watch) };
    let address = play::open_and_crash(Gateway::only(Shop::default()), crash).await;
    let mut plan = plan(urls(&[address]), 400, 60);
    plan.observer = watch;
    let report = rush(plan).await.unwrap();
    assert_kept(&report);
    assert_eq!(report.units, 60, "{report}");
    assert!(report.retries >= 200, "{report}");
}

#[tokio::test]
async fn a_shop_that_never_comes_back_leaves_outcomes_unknown() {
    let watch = Arc::new(Watch::default());
    let crash = Crash { after_purchases: 20, until_retries: u64::MAX, watch: Arc::clone(&watch) };
    let address = play::open_and_crash(Gateway::only(Shop::default()), crash).await;
    let mut plan = plan(urls(&[address]), 50, 60);
    plan.observer = watch;
    plan.patience = Duration::from_millis(700);
    let report = rush(plan).await.unwrap();
    assert_eq!(report.violations, [], "{report}");
    assert!(report.unknown > 0 && report.exit_code() == 2, "{report}");
}

/// Exactly these promises are broken by a shop with this bug.
#[track_caller]
fn assert_broken(report: &RushReport, expected: &[Promise]) {
    let checks = report.checks.iter().filter(|check| check.violations > 0);
    let broken: Vec<_> = checks.map(|check| check.promise).collect();
    assert_eq!(broken, expected, "{report}");
    assert_eq!(report.exit_code(), 1);
}

#[tokio::test]
async fn a_broken_promise_of_the_shop_is_found() {
    let cases = [
        (Bug::Oversells, 20, &[Promise::I1][..]),
        (Bug::HidesSales, 1_000, &[Promise::I1]),
        (Bug::ForgetsOrders, 20, &[Promise::I2]),
        (Bug::ForgetsKeys, 1_000, &[Promise::I5]),
        (Bug::TakesOtherPayloads, 1_000, &[Promise::I5]),
        (Bug::RefusesTooEarly, 20, &[Promise::I7]),
        (Bug::IgnoresLimits, 1_000, &[Promise::I8]),
        (Bug::GoesBack, 20, &[Promise::I1, Promise::I2, Promise::I9]),
        (Bug::HidesSeen, 20, &[Promise::I9]),
        (Bug::FailsPlainly, 20, &[Promise::Answers]),
        (Bug::GivesPlainIds, 20, &[Promise::Answers]),
    ];
    let run = |(bug, stock, expected)| {
        let rushed = tokio::spawn(async move {
            let address = play::open(Gateway::only(Shop::with_bug(bug))).await;
            let mut plan = plan(urls(&[address]), 100, stock);
            plan.seed = SEED_OF_LIMIT_1;
            rush(plan).await.unwrap()
        });
        (rushed, expected)
    };
    for (rushed, expected) in cases.map(run) {
        let report = rushed.await.unwrap();
        assert_eq!(report.limit_per_customer, 1, "the seed is chosen for it");
        assert_broken(&report, expected);
    }
}

#[tokio::test]
async fn what_cannot_begin_says_why() {
    let mut remote = plan(vec!["http://192.0.2.1:80".to_owned()], 1, 1);
    let refused = rush(remote).await.unwrap_err();
    assert!(matches!(refused, RushError::Target(_)), "{refused}");
    remote = plan(vec!["http://127.0.0.1:80".to_owned()], 0, 0);
    let refused = rush(remote).await.unwrap_err();
    assert!(matches!(refused, RushError::Plan(_)), "{refused}");

    let address = play::open(Gateway::only(Shop::default())).await;
    let mut stranger = plan(urls(&[address]), 1, 1);
    stranger.admin_token = "nobody".to_owned();
    let refused = rush(stranger).await.unwrap_err();
    assert!(refused.to_string().starts_with("announcing the deal: 403"), "{refused}");

    // Every gateway has to know the deal before the crowd comes.
    let mut half = plan(urls(&[address, "127.0.0.1:1".parse().unwrap()]), 1, 1);
    half.patience = Duration::from_millis(200);
    let refused = rush(half).await.unwrap_err();
    let expected = "looking at the deal: no answer (127.0.0.1:1: no connection)";
    assert_eq!(refused.to_string(), expected);

    let mut nobody = plan(vec!["http://127.0.0.1:1".to_owned()], 1, 1);
    nobody.patience = Duration::from_millis(50);
    let refused = rush(nobody).await.unwrap_err();
    assert!(matches!(refused, RushError::NoAnswer { .. }), "{refused}");
}
