//! A crowd through two gateways of one shop, of which the second may be behind, wrong, or gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use loadtest::{Promise, RushReport, rush};

use crate::gateway::Gateway;
use crate::play::{Crash, Watch};
use crate::shop::{Bug, Shop};
use crate::{SEED_OF_LIMIT_1, assert_broken, assert_kept, plan, play, urls};

/// Both gateways of a shop; the second is behind.
fn gateways(shop: Shop, lag: Duration) -> [Gateway; 2] {
    let shop = Arc::new(Mutex::new(shop));
    [(0, Duration::ZERO), (1, lag)].map(|(number, lag)| Gateway::of(&shop, number, lag))
}

async fn open(gateways: [Gateway; 2]) -> Vec<String> {
    let [first, second] = gateways;
    urls(&[play::open(first).await, play::open(second).await])
}

#[track_caller]
fn answers(report: &RushReport, gateway: usize, code: &str) -> u64 {
    let of_gateway = &report.gateways[gateway];
    of_gateway.answers.get(code).copied().unwrap_or_default()
}

#[tokio::test]
async fn two_gateways_keep_every_promise_although_one_is_behind() {
    let [mut first, second] = gateways(Shop::default(), Duration::from_millis(400));
    // Once for the time and once for the announcement, which the second one takes.
    first.starting = 2;
    let report = rush(plan(open([first, second]).await, 300, 40)).await.unwrap();
    assert_kept(&report);
    assert_eq!((report.units, report.stock_left), (40, Some(0)), "{report}");
    assert_eq!(answers(&report, 0, "503 not-ready"), 2, "{report}");
    assert_eq!(answers(&report, 1, "201"), 1, "{report}");
    assert!(answers(&report, 1, "404 deal-not-found") > 0, "not waited for: {report}");
    assert!(answers(&report, 1, "503 view-behind") > 0, "nothing was sent back: {report}");
    assert_eq!(answers(&report, 0, "503 view-behind"), 0, "{report}");
    for gateway in [0, 1] {
        assert!(answers(&report, gateway, "200") > 30, "{report}");
        assert!(answers(&report, gateway, "202") > 0, "{report}");
    }
    let counted = report.gateways.iter().map(|gateway| gateway.requests);
    assert_eq!(counted.sum::<u64>(), report.requests);
    let text = report.to_string();
    assert!(text.contains("\ngateways\n  127.0.0.1:"), "{text}");
}

#[tokio::test]
async fn a_door_that_says_how_old_its_view_is_keeps_its_promise() {
    let behind = Duration::from_millis(900);
    let mut plan = plan(open(gateways(Shop::default(), behind)).await, 400, 40);
    plan.arrivals = "steady:200".parse().unwrap();
    let report = rush(plan).await.unwrap();
    assert_kept(&report);
    assert!(answers(&report, 1, "409 sold-out") > 10, "{report}");
}

#[tokio::test]
async fn a_door_that_hides_how_old_its_view_is_is_found() {
    let shop = Shop::with_bug(Bug::HidesAge);
    let mut plan = plan(open(gateways(shop, Duration::from_secs(2))).await, 320, 20);
    plan.arrivals = "steady:100".parse().unwrap();
    let report = rush(plan).await.unwrap();
    assert_broken(&report, &[Promise::I7]);
    let first = &report.violations[0].what;
    assert!(first.contains("at the door of gateway 2"), "{first}");
}

#[tokio::test]
async fn a_gateway_that_does_not_look_at_what_was_seen_is_found() {
    let shop = Shop::with_bug(Bug::IgnoresSeen);
    let urls = open(gateways(shop, Duration::from_millis(400))).await;
    let report = rush(plan(urls, 300, 40)).await.unwrap();
    let broken = report.checks.iter().find(|check| check.promise == Promise::I9).unwrap();
    assert!(broken.violations > 0, "{report}");
    let goes_back = |what: &str| what.contains("to queued");
    let shows_less = |what: &str| what.starts_with("gateway 2 showed");
    assert!(report.violations.iter().any(|violation| goes_back(&violation.what)), "{report}");
    assert!(report.violations.iter().any(|violation| shows_less(&violation.what)), "{report}");
}

#[tokio::test]
async fn a_duplicate_that_buys_at_each_gateway_is_found() {
    let sold = async |urls: Vec<String>| {
        let mut plan = plan(urls, 100, 1_000);
        plan.seed = SEED_OF_LIMIT_1;
        rush(plan).await.unwrap()
    };
    let shop = || Shop::with_bug(Bug::KeysPerGateway);
    let report = sold(open(gateways(shop(), Duration::ZERO)).await).await;
    assert_eq!(report.limit_per_customer, 1, "the seed is chosen for it");
    assert_broken(&report, &[Promise::I5, Promise::I8]);
    let twice = |what: &str| what.starts_with("one key became the orders");
    let twice = report.violations.iter().filter(|violation| twice(&violation.what)).count();
    assert!((4..20).contains(&twice), "{twice} of 20 repeats come to another gateway: {report}");
}

#[tokio::test]
async fn a_gateway_that_dies_in_the_middle_loses_no_buyer() {
    let watch = Arc::new(Watch::default());
    let crash = Crash { after_purchases: 60, until_retries: u64::MAX, watch: Arc::clone(&watch) };
    let [first, second] = gateways(Shop::default(), Duration::from_millis(100));
    let addresses = [play::open(first).await, play::open_and_crash(second, crash).await];
    let mut plan = plan(urls(&addresses), 300, 200);
    plan.patience = Duration::from_secs(30);
    let report = rush(plan).await.unwrap();
    assert_kept(&report);
    assert_eq!((report.units, report.unknown), (200, 0), "{report}");
    assert_eq!(report.outcomes.values().sum::<u64>(), 300, "{report}");
    assert!(answers(&report, 1, "202") > 0, "it lived: {report}");
    assert!(answers(&report, 1, "no connection") > 0, "and died: {report}");
}
