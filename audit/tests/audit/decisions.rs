//! Decisions that are wrong, lost, doubled, or somebody else's.

use audit::Invariant::{I1, I2, I4, I5, I7, I8, I9};
use schemas::http::OrderStatus;
use schemas::log::{
    Decision, Event, OrderCancelled, OrderConfirmed, OrderExpired, OrderRejected, PlacePurchase,
    RefusalCode,
};
use schemas::{Fingerprint, Offset, Timestamp};

use crate::history::{History, audit, violated};
use crate::orders::{announce, buy, cancel, customer, deal_id, euros, expire, seconds, terms};

/// One unit for sale at once, one a customer.
fn single(stock: u64, limit: u32) -> History {
    let mut history = History::new();
    let mut terms = terms();
    (terms.stock, terms.limit_per_customer, terms.hold_seconds) = (stock, limit, 0);
    history.at(1).step(&announce("d", terms));
    history.at(150);
    history
}

/// The purchase at `offset` taken after all.
fn taken(history: &History, offset: Offset, (stock_left, held): (u64, u64)) -> Event {
    let PlacePurchase { deal_id, customer, key, fingerprint, quantity, .. } =
        crate::logs::purchase(history, offset);
    Event::OrderConfirmed(OrderConfirmed {
        deal_id,
        customer,
        key,
        fingerprint,
        quantity,
        unit_price: euros(100),
        ticket_key: 1,
        purchased_at: Timestamp::from_millis(77),
        client_reference: None,
        stock_left,
        held,
    })
}

fn refused(history: &History, offset: Offset, code: RefusalCode) -> Event {
    let PlacePurchase { deal_id, customer, key, fingerprint, quantity, .. } =
        crate::logs::purchase(history, offset);
    Event::OrderRejected(OrderRejected {
        deal_id,
        customer,
        key,
        fingerprint,
        quantity,
        unit_price: Some(euros(100)),
        ticket_key: 1,
        purchased_at: Timestamp::from_millis(77),
        client_reference: None,
        code,
        retryable: false,
    })
}

#[test]
fn selling_one_unit_too_many_breaks_i1() {
    let mut history = single(1, 3);
    history.step(&buy("d", "ann", "k", 1));
    let second = history.step(&buy("d", "bob", "k", 1));
    assert_eq!(violated(&history.audit()), []);
    let oversold = taken(&history, second, (0, 0));
    history.edit(second, |decision| decision.events = vec![oversold]).breaks(&[I1]);
}

#[test]
fn a_counter_that_does_not_add_up_breaks_i1() {
    let mut history = single(5, 3);
    let order = history.step(&buy("d", "ann", "k", 1));
    let miscounted = taken(&history, order, (3, 0));
    history.edit(order, |decision| decision.events = vec![miscounted]).breaks(&[I1]);
}

#[test]
fn refusing_as_sold_out_while_a_unit_is_left_breaks_i7() {
    let mut history = single(2, 3);
    history.step(&buy("d", "ann", "k", 1));
    let second = history.step(&buy("d", "bob", "k", 1));
    let early = refused(&history, second, RefusalCode::SoldOut);
    history.edit(second, |decision| decision.events = vec![early]).breaks(&[I7]);
}

#[test]
fn a_customer_who_gets_more_than_the_limit_breaks_i8() {
    let mut history = single(5, 1);
    history.step(&buy("d", "ann", "k", 1));
    let second = history.step(&buy("d", "ann", "other", 1));
    let leaked = taken(&history, second, (3, 0));
    history.edit(second, |decision| decision.events = vec![leaked]).breaks(&[I8]);
}

#[test]
fn an_allowance_that_is_not_given_back_breaks_i8() {
    let mut history = single(5, 1);
    let first = history.step(&buy("d", "ann", "k", 1));
    history.step(&cancel(first, "ann"));
    let second = history.step(&buy("d", "ann", "other", 1));
    let kept = refused(&history, second, RefusalCode::LimitExceeded);
    history.edit(second, |decision| decision.events = vec![kept]).breaks(&[I8]);
}

#[test]
fn a_forgotten_key_breaks_i5() {
    let mut history = single(5, 3);
    history.step(&buy("d", "ann", "k", 1));
    let again = history.step(&buy("d", "ann", "k", 1));
    let second = taken(&history, again, (3, 0));
    history.edit(again, |decision| decision.events = vec![second]).breaks(&[I5]);
}

#[test]
fn a_repeat_that_points_at_another_order_breaks_i5() {
    let mut history = single(5, 3);
    history.step(&buy("d", "ann", "k", 1));
    let other = history.step(&buy("d", "bob", "k", 1));
    let again = history.step(&buy("d", "ann", "k", 1));
    let edit = |decision: &mut Decision| {
        if let Some(Event::OrderRepeated(event)) = decision.events.first_mut() {
            event.first = other;
        }
    };
    history.edit(again, edit).breaks(&[I5]);
}

#[test]
fn a_key_reused_for_another_request_must_be_refused() {
    let mut history = single(5, 3);
    history.step(&buy("d", "ann", "k", 1));
    let reused = history.step(&buy("d", "ann", "k", 2));
    let answered = crate::logs::repeated(deal_id("d"), customer("ann"), 2);
    history.edit(reused, |decision| decision.events = vec![answered]).breaks(&[I5]);
}

#[test]
fn purchases_taken_out_of_turn_of_precedence_break_i4() {
    for (second, code) in [(50, RefusalCode::DealNotOpen), (700, RefusalCode::DealClosed)] {
        let mut history = single(5, 3);
        let order = history.at(second).step(&buy("d", "ann", "k", 1));
        let events = &history.decision(order).events;
        assert!(matches!(&events[..], [Event::OrderRejected(event)] if event.code == code));
        let valid = taken(&history, order, (4, 0));
        history.edit(order, |decision| decision.events = vec![valid]).breaks(&[I4]);
    }
}

#[test]
fn facts_that_are_not_the_command_s_break_i2() {
    let mut history = single(5, 3);
    let order = history.step(&buy("d", "ann", "k", 1));
    let edit = |decision: &mut Decision| {
        if let Some(Event::OrderConfirmed(event)) = decision.events.first_mut() {
            event.fingerprint = Fingerprint(7);
        }
    };
    history.edit(order, edit).breaks(&[I2, I4]);
}

#[test]
fn a_purchase_without_an_outcome_breaks_i2() {
    let mut history = single(5, 3);
    let order = history.step(&buy("d", "ann", "k", 1));
    history.edit(order, |decision| decision.events.clear()).breaks(&[I2]);
}

#[test]
fn a_status_that_goes_back_breaks_i9() {
    let mut history = History::new();
    history.at(1).step(&announce("d", terms()));
    let order = history.at(150).step(&buy("d", "ann", "k", 1));
    history.at(300).step(&expire());
    let cancelled = history.step(&cancel(order, "ann"));
    let deal_id = deal_id("d");
    let event = OrderCancelled { deal_id, order, stock_left: 5, held: 0 };
    history.edit(cancelled, |decision| decision.events = vec![Event::OrderCancelled(event)]);
    history.breaks(&[I9]);
    let report = history.audit();
    let told = &report.line(I9).violations[0];
    let (from, to) = (OrderStatus::Expired.as_str(), OrderStatus::Cancelled.as_str());
    assert!(
        report
            .line(I9)
            .violations
            .iter()
            .any(|told| { told.explanation.contains(&format!("from {from} to {to}")) })
    );
    assert_eq!((told.partition, told.command), (0, Some(cancelled)));
}

#[test]
fn a_hold_that_expires_by_another_clock_breaks_i9() {
    let mut history = History::new();
    history.at(1).step(&announce("d", terms()));
    let order = history.at(150).step(&buy("d", "ann", "k", 1));
    let tick = history.at(209).step(&expire());
    assert_eq!(history.decision(tick).events, []);
    let deal_id = deal_id("d");
    let event = OrderExpired { deal_id, order, stock_left: 5, held: 0 };
    history.edit(tick, |decision| decision.events = vec![Event::OrderExpired(event.clone())]);
    history.breaks(&[I9]);
    // The same, and the decision says that its time had come.
    history.edit(tick, |decision| decision.log_time = seconds(210));
    history.breaks(&[I4, I9]);
}

#[test]
fn a_hold_that_is_due_and_left_alone_breaks_i9() {
    let mut history = History::new();
    history.at(1).step(&announce("d", terms()));
    history.at(150).step(&buy("d", "ann", "k", 1));
    let tick = history.at(210).step(&expire());
    assert_eq!(history.decision(tick).events.len(), 1);
    history.edit(tick, |decision| decision.events.clear()).breaks(&[I9]);
}

#[test]
fn log_time_that_falls_or_runs_ahead_breaks_i4() {
    let mut history = single(5, 3);
    let order = history.step(&buy("d", "ann", "k", 1));
    let mut ahead = history.clone();
    history.edit(order, |decision| decision.log_time = Timestamp::EPOCH).breaks(&[I4]);
    ahead.edit(order, |decision| decision.log_time = seconds(151)).breaks(&[I4]);
}

#[test]
fn an_unreadable_command_is_decided_as_such() {
    let mut history = single(5, 3);
    let broken = history.bytes(b"{\"v\":1".to_vec());
    assert_eq!(history.audit().exit_code(), 0);
    history.edit(broken, |decision| decision.events.clear()).breaks(&[I4]);
}

#[test]
fn a_deal_that_is_sold_in_two_partitions_breaks_i1() {
    let mut histories = [History::of(0, 2), History::of(1, 2)];
    for history in &mut histories {
        history.at(1).step(&announce("d", terms()));
    }
    assert_eq!(violated(&audit(&histories, None).unwrap()), [I1]);
}
