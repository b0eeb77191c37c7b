//! How decisions change rows: a row of this table per event, and the precedence among changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use read_model::{Changes, CommandRow, OrderChange, PaymentRow, fold};
use schemas::http::OrderStatus;
use schemas::log::{Decision, Event, PaymentFailed, PaymentMismatch, RefundDue, RefusalCode};
use schemas::{Digest, Money, Offset, Position, Timestamp};
use world::{World, announced, deal_id, money, refused};

#[path = "store/world.rs"]
#[allow(dead_code, reason = "the stores' tests need more of it")]
mod world;

const LOG: u8 = 7;
const PARTITION: u16 = 3;
const AT: Timestamp = Timestamp::from_millis(77);

fn changes(offset: Offset, events: Vec<Event>) -> Vec<Changes> {
    let decision = Decision { offset, after: offset, log_time: AT, events };
    fold(LOG, PARTITION, &decision)
}

fn command(offset: Offset, refusal: Option<RefusalCode>, first: Option<Offset>) -> Changes {
    let position = Position { partition: PARTITION, offset };
    Changes::Command(CommandRow { log_id: LOG, position, decided_at: AT, refusal, first })
}

fn counters(stock_left: u64, held: u64) -> Changes {
    let deal_id = deal_id(1);
    Changes::Counters { deal_id, stock_left, held: Some(held), adjusted: 0 }
}

/// Decides these wishes in a fresh world and folds the last decision.
fn last_of(wishes: &[(u8, u16, u16)]) -> Vec<Changes> {
    let mut world = World::new();
    let mut decisions: Vec<_> = wishes.iter().map(|wish| world.decide(*wish)).collect();
    let decision = decisions.pop().unwrap();
    changes(decision.offset, decision.events)
}

/// A deal, and an order of it that is held at offset 2.
const HELD: [(u8, u16, u16); 2] = [(0, 1, 0), (1, 0, 0)];

fn after_hold(wish: (u8, u16, u16)) -> Vec<Changes> {
    last_of(&[HELD.as_slice(), &[wish]].concat())
}

#[test]
fn a_decision_without_events_is_a_command_that_was_accepted() {
    assert_eq!(changes(9, vec![]), [command(9, None, None)]);
}

#[test]
fn an_announcement_makes_a_deal_and_its_product() {
    let changes = changes(9, vec![announced(1, 4)]);
    let [Changes::Deal(deal, product), answer] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(*answer, command(9, None, None));
    assert_eq!((deal.log_id, deal.partition, deal.deal_id), (LOG, PARTITION, deal_id(1)));
    assert_eq!((deal.stock(), deal.stock_left, deal.held, deal.confirmed()), (1_004, 1_004, 0, 0));
    assert!(!deal.paused && !deal.closed && !deal.retired);
    assert_eq!(product.product, deal.terms.product);
    assert_eq!(product.product_id, deal.product_id);
}

#[test]
fn a_hold_makes_an_order_and_moves_the_counters() {
    let changes = last_of(&HELD);
    let [Changes::Order(order), moved] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(*moved, counters(999, 1));
    assert_eq!(order.position, Position { partition: PARTITION, offset: 2 });
    assert_eq!((order.status, order.decided_at), (OrderStatus::Held, AT));
    assert!(order.expires_at.is_some() && order.rejection.is_none() && order.payment.is_none());
}

#[test]
fn a_sale_without_a_hold_makes_an_order_that_never_expires() {
    let changes = last_of(&[(0, 1, 0), (5, 0, 0)]);
    let [Changes::Order(order), moved] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(*moved, counters(999, 0));
    assert_eq!((order.status, order.expires_at), (OrderStatus::Confirmed, None));
}

#[test]
fn a_rejected_purchase_is_an_order_and_moves_no_counters() {
    let changes = last_of(&[(7, 0, 0)]);
    let [Changes::Order(order)] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(order.status, OrderStatus::Rejected);
    assert_eq!(order.rejection, Some((RefusalCode::DealNotFound, true)));
    assert_eq!(order.unit_price, None);
}

#[test]
fn what_happens_to_an_order_names_its_purchase_and_answers_another_command() {
    let payment = PaymentRow { payment: Digest(2), money: money(1_990) };
    let changed = |change| Changes::OrderChanged(2, change);
    let answer = command(3, None, None);
    assert_eq!(
        after_hold((8, 0, 0)),
        [changed(OrderChange::Paid(payment)), counters(999, 0), answer.clone()]
    );
    assert_eq!(
        after_hold((13, 0, 0)),
        [changed(OrderChange::Expired), counters(1_000, 0), answer.clone()]
    );
    assert_eq!(
        after_hold((12, 0, 0)),
        [changed(OrderChange::Cancelled), counters(1_000, 0), answer.clone()]
    );
    assert_eq!(after_hold((14, 2, 7)), [changed(OrderChange::RefundDue(money(7))), answer.clone()]);
    assert_eq!(after_hold((15, 2, 7)), [changed(OrderChange::RefundSettled(money(7))), answer]);
}

#[test]
fn commands_for_a_deal_change_that_deal() {
    let id = deal_id(1);
    let at = Timestamp::from_millis;
    let answer = command(3, None, None);
    let adjusted = Changes::Counters { deal_id: id, stock_left: 996, held: None, adjusted: -3 };
    assert_eq!(after_hold((16, 0, 1)), [adjusted, answer.clone()]);
    assert_eq!(after_hold((17, 0, 0)), [Changes::Paused(id, true), answer.clone()]);
    assert_eq!(after_hold((17, 0, 1)), [Changes::Paused(id, false), answer.clone()]);
    let rescheduled = Changes::Rescheduled(id, at(2), at(11));
    assert_eq!(after_hold((17, 0, 2)), [rescheduled, answer.clone()]);
    assert_eq!(after_hold((17, 0, 3)), [Changes::Closed(id), answer.clone()]);
    let retired = last_of(&[(0, 1, 0), (0, 2, 0), (19, 0, 0)]);
    assert_eq!(retired, [Changes::Retired(id), answer]);
}

#[test]
fn refusals_and_repeats_are_commands_and_nothing_else() {
    assert_eq!(after_hold((18, 8, 0)), [command(3, Some(RefusalCode::SoldOut), None)]);
    assert_eq!(after_hold((18, 0, 1)), [command(3, None, Some(2))]);
    assert_eq!(after_hold((18, 0, 2)), [command(3, Some(RefusalCode::Unreadable), None)]);
    assert_eq!(after_hold((18, 0, 3)), [command(3, None, Some(2))]);
}

#[test]
fn a_payment_that_failed_or_differs_changes_no_order_by_itself() {
    let (order, payment, money) = (2, Digest(9), money(5));
    let failed = Event::PaymentFailed(PaymentFailed { order, payment, money });
    assert_eq!(changes(3, vec![failed]), [command(3, None, None)]);
    let expected = money;
    let differs = Event::PaymentMismatch(PaymentMismatch { order, payment, money, expected });
    let due = Event::RefundDue(RefundDue { order, payment, money });
    let refund = Changes::OrderChanged(2, OrderChange::RefundDue(money));
    assert_eq!(changes(3, vec![differs, due]), [refund, command(3, None, None)]);
}

#[test]
fn a_hold_that_runs_out_before_a_refusal_leaves_one_answer() {
    let mut world = World::new();
    let mut decisions: Vec<_> =
        [HELD.as_slice(), &[(13, 0, 0)]].concat().iter().map(|wish| world.decide(*wish)).collect();
    let mut events = decisions.pop().unwrap().events;
    events.push(refused(RefusalCode::OrderNotCancellable));
    let changes = changes(3, events);
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[2], command(3, Some(RefusalCode::OrderNotCancellable), None));
}

#[test]
fn refunds_add_up_in_the_orders_own_currency_only() {
    let Some(Changes::Order(mut order)) = last_of(&HELD).into_iter().next() else { panic!() };
    let won = Money { amount: 9_000, currency: "KRW".parse().unwrap() };
    order.change(OrderChange::RefundDue(money(5)));
    order.change(OrderChange::RefundDue(won));
    order.change(OrderChange::RefundDue(money(7)));
    order.change(OrderChange::RefundSettled(money(5)));
    assert_eq!((order.refund_due, order.refund_settled), (12, 5));
    assert_eq!(order.status, OrderStatus::Held);
}

#[test]
fn a_late_payment_finds_an_expired_order() {
    let Some(Changes::Order(mut order)) = last_of(&HELD).into_iter().next() else { panic!() };
    order.change(OrderChange::Expired);
    assert_eq!(order.status, OrderStatus::Expired);
    let payment = PaymentRow { payment: Digest(9), money: money(1_990) };
    order.change(OrderChange::Paid(payment));
    assert_eq!((order.status, order.payment), (OrderStatus::Confirmed, Some(payment)));
}

#[test]
#[should_panic(expected = "I9")]
fn a_cancelled_order_stays_cancelled() {
    let Some(Changes::Order(mut order)) = last_of(&HELD).into_iter().next() else { panic!() };
    order.change(OrderChange::Cancelled);
    order.change(OrderChange::Expired);
}
