//! A crowd through two gateways of one shop, of which the second may be behind, wrong, or gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use loadtest::{Promise, RushReport, Violation, rush};

use crate::gateway::Gateway;
use crate::play::{Crash, Watch};
use crate::shop::{Bug, Shop};
use crate::{SEED_OF_LIMIT_1, assert_broken, assert_kept, plan, play, urls};

/// Both gateways of a shop; the second is so many purchases behind.
fn gateways(shop: Shop, lag: usize) -> [Gateway; 2] {
    let shop = Arc::new(Mutex::new(shop));
    [(0, 0), (1, lag)].map(|(number, lag)| Gateway::of(&shop, number, lag))
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

/// A rush of 300 for 40 units at two gateways of a shop with this bug, the second one behind.
async fn rush_behind(bug: Bug) -> RushReport {
    let urls = open(gateways(Shop::with_bug(bug), 50)).await;
    let mut plan = plan(urls, 300, 40);
    plan.seed = SEED_OF_LIMIT_1;
    let report = rush(plan).await.unwrap();
    assert_eq!(report.limit_per_customer, 1, "the seed is chosen for it");
    report
}

#[track_caller]
fn assert_found(report: &RushReport, promise: Promise, start: &str, end: &str) {
    let is_it = |violation: &&Violation| {
        let Violation { promise: of, what, .. } = violation;
        *of == promise && what.contains(start) && what.contains(end)
    };
    assert!(report.violations.iter().any(|it| is_it(&it)), "no {start}…{end} in {report}");
}

#[tokio::test]
async fn two_gateways_keep_every_promise_although_one_is_behind() {
    let [mut first, mut second] = gateways(Shop::default(), 50);
    // Once for the time and once for the announcement, which the second one takes.
    first.starting = 2;
    second.unaware = 3;
    let report = rush(plan(open([first, second]).await, 300, 40)).await.unwrap();
    assert_kept(&report);
    assert_eq!((report.units, report.stock_left), (40, Some(0)), "{report}");
    assert_eq!(answers(&report, 0, "503 not-ready"), 2, "{report}");
    assert_eq!(answers(&report, 1, "201"), 1, "{report}");
    assert_eq!(answers(&report, 1, "404 deal-not-found"), 3, "not waited for: {report}");
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
async fn a_door_that_hides_how_old_its_view_is_is_found() {
    // Two hundred purchases are two seconds at least, and the door may be one second behind.
    let mut plan = plan(open(gateways(Shop::with_bug(Bug::HidesAge), 200)).await, 400, 20);
    plan.arrivals = "steady:100".parse().unwrap();
    let report = rush(plan).await.unwrap();
    assert_broken(&report, &[Promise::I7]);
    assert_found(&report, Promise::I7, "at the door of gateway 2", "was shown");
}

#[tokio::test]
async fn a_door_that_closes_before_all_is_sold_is_found() {
    let report = rush_behind(Bug::ClosesDoorEarly).await;
    assert_broken(&report, &[Promise::I7]);
    assert_found(&report, Promise::I7, "was told `sold-out` at offset", "were left");
}

#[tokio::test]
async fn two_gateways_that_both_sell_the_whole_stock_are_found() {
    let report = rush_behind(Bug::SplitsStock).await;
    assert_found(&report, Promise::I1, "buyers have ", "units of a stock of 40");
}

#[tokio::test]
async fn a_gateway_that_gives_another_reason_is_found() {
    let report = rush_behind(Bug::GivesOtherReason).await;
    assert_broken(&report, &[Promise::I2]);
    assert_found(&report, Promise::I2, "at gateway 2 its rejection was", "DealPaused");
}

#[tokio::test]
async fn a_gateway_that_does_not_look_at_what_was_seen_is_found() {
    let report = rush_behind(Bug::IgnoresSeen).await;
    assert_found(&report, Promise::I9, " went from ", " to queued");
    assert_found(&report, Promise::I9, "gateway 2 showed ", "to who had seen");
}

#[tokio::test]
async fn a_duplicate_that_buys_at_each_gateway_is_found() {
    let sold = async |urls: Vec<String>| {
        let mut plan = plan(urls, 100, 1_000);
        plan.seed = SEED_OF_LIMIT_1;
        rush(plan).await.unwrap()
    };
    let shop = || Shop::with_bug(Bug::KeysPerGateway);
    let report = sold(open(gateways(shop(), 0)).await).await;
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
    let [first, second] = gateways(Shop::default(), 10);
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
