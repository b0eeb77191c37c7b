//! Readiness, freshness, queues and overload, as time goes by and the log goes on.

use std::time::Duration;

use event_log::Record;
use futures_executor::block_on;
use gateway::admission::{Door, DoorLimits, Refusal};
use gateway::answer::QueuedPurchase;
use gateway::status::{OrderState, Readiness, StatusLimits, StatusView};
use schemas::Timestamp;
use schemas::http::ProblemCode;

use crate::setup::{LIMITS, LOG_ID, Setup, catch_up, position};
use crate::world::{self, Wish};

const DEAL: Wish = Wish::Announce { deal: 0, stock: 2, hold_seconds: 60 };

fn buy(key: u8, quantity: u32) -> Wish {
    Wish::Buy { deal: 0, customer: 0, key, quantity }
}

fn ask(setup: &Setup, view: &StatusView) -> Door {
    view.judge(&setup.question(0, 200, 1))
}

fn come_back(code: ProblemCode) -> Door {
    Door::ComeBack(code, Duration::from_secs(1))
}

fn is_admitted(door: &Door) -> bool {
    matches!(door, Door::Admit(_))
}

#[test]
fn a_view_is_ready_once_it_has_reached_the_ends_of_its_start_and_then_while_it_is_young() {
    let mut setup = Setup::new();
    setup.decide(DEAL);
    let (view, mut follower) = setup.view();
    assert_eq!(view.ready(), Readiness::Starting);
    block_on(view.ask_ends_once());
    assert_eq!(ask(&setup, &view), come_back(ProblemCode::NotReady));
    catch_up(&mut follower);
    assert_eq!(view.ready(), Readiness::Ready);
    assert!(is_admitted(&ask(&setup, &view)));
    setup.clock.advance(Duration::from_secs(10));
    assert_eq!(view.ready(), Readiness::Ready);
    setup.clock.advance(Duration::from_millis(1));
    assert_eq!(view.ready(), Readiness::Stale);
    block_on(view.ask_ends_once());
    assert_eq!(view.ready(), Readiness::Ready);
}

#[test]
fn a_partition_that_cannot_be_followed_sends_no_customers_away() {
    let mut setup = Setup::with_partitions(2);
    setup.decide(DEAL);
    setup.decisions.append_raw(1, Record { payload: "{".into(), ..Record::default() });
    let (view, mut follower) = setup.view();
    let mut stuck = view.follower(1);
    block_on(view.ask_ends_once());
    catch_up(&mut follower);
    assert_eq!(block_on(stuck.step()).unwrap(), 1, "the log's beginning");
    assert!(block_on(stuck.step()).is_err());
    // It may get better; whoever knows their deal is served meanwhile.
    assert_eq!(view.ready(), Readiness::Starting);
    assert!(is_admitted(&ask(&setup, &view)));
    let unknown = setup.question(1, 0, 1);
    assert_eq!(view.judge(&unknown), come_back(ProblemCode::NotReady), "it may be there");
    setup.clock.advance(Duration::from_millis(10_001));
    block_on(view.ask_ends_once());
    assert_eq!(view.ready(), Readiness::Ready);
}

#[test]
fn the_door_refuses_for_state_only_while_the_view_is_fresh() {
    let mut setup = Setup::new();
    setup.decide(DEAL);
    setup.decide(buy(0, 2));
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    let as_of = Timestamp::from_millis(1_000_000);
    let (code, retry_after) = (ProblemCode::SoldOut, None);
    let sold_out =
        Door::Refuse(Refusal { code, retryable: true, retry_after, as_of, decided_next: Some(3) });
    let unknown = setup.question(1, 0, 1);
    setup.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&setup, &view), sold_out);
    assert!(
        matches!(view.judge(&unknown), Door::Refuse(it) if it.code == ProblemCode::DealNotFound)
    );
    // Nobody has said for more than a second where the end is.
    setup.clock.advance(Duration::from_millis(1));
    assert!(is_admitted(&ask(&setup, &view)));
    assert_eq!(view.judge(&unknown), come_back(ProblemCode::ViewBehind));
    // An end that the view has not reached does not help.
    setup.decide(Wish::Adjust { deal: 0 });
    block_on(view.ask_ends_once());
    assert!(is_admitted(&ask(&setup, &view)));
    catch_up(&mut follower);
    assert!(is_admitted(&ask(&setup, &view)));
    let known = matches!(view.judge(&unknown), Door::Refuse(_));
    assert!(known, "the end was asked for just now, and is reached");
}

#[test]
fn a_queued_order_has_its_place_and_what_this_gateway_knows_of_it() {
    let mut setup = Setup::new();
    setup.decide(DEAL);
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    let purchase = QueuedPurchase {
        deal_id: world::deal_id(0),
        product_id: world::product_id(0),
        quantity: 1,
        unit_price: world::price(),
        purchased_at: Timestamp::EPOCH,
        client_reference: None,
    };
    view.remember(position(3), purchase.clone());
    let state = |offset| block_on(view.order_at(LOG_ID, position(offset))).unwrap().state;
    let OrderState::Queued { queue, purchase: remembered } = state(3) else { panic!() };
    assert_eq!((queue.ahead, remembered.as_deref()), (1, Some(&purchase)));
    let OrderState::Queued { queue, purchase: None } = state(2) else { panic!() };
    assert_eq!((queue.ahead, queue.estimated_wait_ms), (0, None));
    setup.decide(buy(0, 1));
    setup.decide(buy(1, 1));
    catch_up(&mut follower);
    assert!(matches!(state(3), OrderState::Decided(_)));
    // Too late to be worth remembering: it is decided.
    view.remember(position(3), purchase);
    assert!(matches!(state(3), OrderState::Decided(_)));
}

#[test]
fn a_turn_that_is_far_away_by_estimate_is_asked_for_soon_all_the_same() {
    let mut setup = Setup::new();
    setup.decide(DEAL);
    let (view, mut follower) = setup.view();
    setup.append_commands(100);
    block_on(view.ask_ends_once());
    catch_up(&mut follower);
    // One decision in a second, as when a partition is taken over.
    setup.clock.advance(Duration::from_secs(1));
    setup.decide(buy(0, 1));
    catch_up(&mut follower);
    let queue = view.queue(position(90));
    assert!(queue.estimated_wait_ms.is_some_and(|wait_ms| wait_ms > 30_000), "{queue:?}");
    assert_eq!(queue.poll_after_ms, 3_000);
}

#[test]
fn polls_stay_within_their_budget_however_many_wait() {
    let setup = Setup::new();
    let limits = StatusLimits { polls_per_second_max: 100, read: LIMITS, ..Default::default() };
    let (view, mut follower) = setup.view_within(limits);
    catch_up(&mut follower);
    assert_eq!(view.queue(position(1)).poll_after_ms, 200);
    setup.append_commands(1_000);
    block_on(view.ask_ends_once());
    // 1,000 that ask every 10 s are 100 a second.
    assert_eq!(view.queue(position(1)).poll_after_ms, 10_000);
    setup.append_commands(10_000);
    block_on(view.ask_ends_once());
    assert_eq!(view.queue(position(1)).poll_after_ms, 30_000);
}

#[test]
fn the_measured_rate_estimates_waits_and_overload() {
    let mut setup = Setup::new();
    setup.decide(DEAL);
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    assert_eq!(view.decision_rate(0), None);
    // 40 decided in 4 s while others wait: 10 a second.
    view.note_appended(position(200));
    for _ in 0..4 {
        (0..10).for_each(|_| drop(setup.decide(Wish::Nothing)));
        setup.clock.advance(Duration::from_secs(1));
        catch_up(&mut follower);
    }
    let rate = view.decision_rate(0).unwrap();
    assert!((9.9..10.1).contains(&rate), "{rate}");
    let queue = view.queue(position(41 + 50));
    assert!(queue.estimated_wait_ms.is_some_and(|ms| (4_800..5_100).contains(&ms)), "{queue:?}");
    // 159 wait, which is 16 s: more than a quarter of the hold of 60 s.
    let overloaded = ask(&setup, &view);
    assert!(
        matches!(overloaded, Door::ComeBack(ProblemCode::Overloaded, wait) if wait.as_secs() == 15)
    );
}

#[test]
fn a_full_view_lets_nobody_in_and_loses_no_answer() {
    let mut setup = Setup::new();
    setup.decide(DEAL);
    let limits = StatusLimits {
        records_max: 4,
        records_hard_max: 10,
        evicted_together: 2,
        read: LIMITS,
        door: DoorLimits::default(),
        ..Default::default()
    };
    let (view, mut follower) = setup.view_within(limits);
    // The read model stands still.
    (0..12).for_each(|key| drop(setup.decide(buy(key, 3))));
    catch_up(&mut follower);
    block_on(view.ask_store_once());
    assert_eq!(ask(&setup, &view), come_back(ProblemCode::Overloaded));
    setup.store.set_down(true);
    for offset in 2..14 {
        let answer = block_on(view.order_at(LOG_ID, position(offset))).unwrap();
        assert!(matches!(answer.state, OrderState::Decided(_)));
    }
    block_on(view.ask_store_once());
    assert_eq!(ask(&setup, &view), come_back(ProblemCode::Overloaded));
    setup.store.set_down(false);
    setup.project(1_000);
    block_on(view.ask_store_once());
    assert!(is_admitted(&ask(&setup, &view)));
}
