//! Payments that do what they must not.

use audit::Invariant::I9;
use schemas::Digest;
use schemas::log::{Event, OrderPaid, PaymentResult, RefundDue};

use crate::history::{History, audit, violated};
use crate::orders::{announce, buy, deal_id, euros, pay, terms};

/// A deal and a held order.
fn held() -> (History, u64) {
    let mut history = History::new();
    history.at(1).step(&announce("d", terms()));
    let order = history.at(150).step(&buy("d", "ann", "k", 1));
    (history, order)
}

fn paid(order: u64, amount: i64) -> Event {
    Event::OrderPaid(OrderPaid {
        deal_id: deal_id("d"),
        order,
        payment: Digest::of_payment("p"),
        money: euros(amount),
        stock_left: 4,
        held: 0,
    })
}

#[test]
fn a_refund_due_twice_breaks_i9() {
    let (mut history, order) = held();
    history.step(&pay(order, "p", PaymentResult::Succeeded, euros(90)));
    let again = history.step(&pay(order, "p", PaymentResult::Succeeded, euros(90)));
    assert_eq!(violated(&history.audit()), []);
    let (payment, money) = (Digest::of_payment("p"), euros(90));
    let due = Event::RefundDue(RefundDue { order, payment, money });
    history.edit(again, |decision| decision.events = vec![due]).breaks(&[I9]);
}

#[test]
fn a_wrong_amount_that_confirms_breaks_i9() {
    let (mut history, order) = held();
    let payment = history.step(&pay(order, "p", PaymentResult::Succeeded, euros(90)));
    history.edit(payment, |decision| decision.events = vec![paid(order, 90)]).breaks(&[I9]);
}

#[test]
fn a_payment_after_the_hold_ran_out_breaks_i9() {
    let (mut history, order) = held();
    let late = history.at(210).step(&pay(order, "p", PaymentResult::Succeeded, euros(100)));
    assert_eq!(history.decision(late).events.len(), 2);
    history.edit(late, |decision| decision.events = vec![paid(order, 100)]).breaks(&[I9]);
}

#[test]
fn a_payment_in_two_partitions_is_told() {
    let mut histories = [History::of(0, 2), History::of(1, 2)];
    for history in &mut histories {
        history.step(&pay(5, "p", PaymentResult::Succeeded, euros(90)));
    }
    let report = audit(&histories, None).unwrap();
    assert_eq!(report.exit_code(), 0);
    assert!(report.warnings[0].contains("partitions 0 and 1"), "{report}");
}
