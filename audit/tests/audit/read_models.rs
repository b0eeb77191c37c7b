//! Read models that are not the fold: a field, a row too few, a row too many, in every table.

use audit::Invariant::I6;
use schemas::Position;
use schemas::http::OrderStatus;
use schemas::log::{PaymentResult, RefusalCode};

use crate::history::{History, audit, violated};
use crate::orders::{announce, buy, cancel, deal_id, euros, pay, terms};
use crate::store::Tables;

/// A deal, an order that was paid, a refused cancellation.
fn history() -> History {
    let mut history = History::new();
    history.at(1).step(&announce("d", terms()));
    history.at(150).step(&buy("d", "ann", "k", 1));
    history.step(&pay(2, "p", PaymentResult::Succeeded, euros(100)));
    history.step(&cancel(9, "ann"));
    history
}

/// Whether the skewed rows are found, and told by that word.
#[track_caller]
fn skewed(word: &str, skew: impl FnOnce(&mut Tables)) {
    let report = history().audit_rows(skew);
    assert_eq!((violated(&report), report.exit_code()), (vec![I6], 1), "{report}");
    assert_eq!(report.line(I6).violated, 1, "{report}");
    assert!(report.line(I6).violations[0].explanation.contains(word), "{report}");
}

#[test]
fn rows_that_are_the_fold_pass_wherever_the_projector_stands() {
    let history = history();
    for records in 0..=history.entries.len() {
        let report = audit(std::slice::from_ref(&history), Some(history.tables(records))).unwrap();
        assert_eq!(report.exit_code(), 0, "{report}");
        assert_eq!(report.partitions[0].rows_read_offset, Some(records as u64));
    }
    assert_eq!(audit(&[history], Some(Tables::default())).unwrap().exit_code(), 0);
}

#[test]
fn a_skewed_field_breaks_i6_and_is_named() {
    let id = deal_id("d");
    skewed("stock_left", |tables| tables.deal(id).stock_left += 1);
    skewed("held", |tables| tables.deal(id).held += 1);
    skewed("paused", |tables| tables.deal(id).paused = true);
    skewed("terms.title", |tables| tables.deal(id).terms.title = "other".into());
    skewed("status", |tables| tables.order(2).status = OrderStatus::Held);
    skewed("payment", |tables| tables.order(2).payment = None);
    skewed("refund_due", |tables| tables.order(2).refund_due = 1);
    skewed("refusal", |tables| tables.command(4).refusal = Some(RefusalCode::DealClosed));
    skewed("first", |tables| tables.command(3).first = Some(2));
    skewed("decided_next", |tables| {
        tables.projections.get_mut(&0).unwrap().decided_next += 1;
    });
    skewed("log_time", |tables| {
        tables.projections.get_mut(&0).unwrap().log_time = schemas::Timestamp::EPOCH;
    });
}

#[test]
fn a_missing_row_breaks_i6() {
    let at = |offset| Position { partition: 0, offset };
    skewed("missing", |tables| tables.deals.clear());
    skewed("missing", |tables| tables.orders.clear());
    skewed("missing", |tables| {
        tables.commands.remove(&at(3));
    });
}

#[test]
fn a_row_too_many_breaks_i6() {
    let at = |offset| Position { partition: 0, offset };
    skewed("should not", |tables| {
        let mut order = tables.order(2).clone();
        order.position = at(7);
        tables.orders.insert(at(7), order);
    });
    skewed("should not", |tables| {
        let mut command = tables.command(3).clone();
        command.position = at(2);
        tables.commands.insert(at(2), command);
    });
    skewed("should not", |tables| {
        let mut deal = tables.deal(deal_id("d")).clone();
        deal.deal_id = deal_id("other");
        tables.deals.insert(deal.deal_id, deal);
    });
    skewed("not there", |tables| {
        let filter = tables.projections[&0].clone();
        tables.projections.insert(7, filter);
    });
}

#[test]
fn rows_beyond_the_end_of_the_log_break_i6() {
    skewed("the log ends", |tables| tables.projections.get_mut(&0).unwrap().read_offset = 99);
}

#[test]
fn rows_without_a_projection_break_i6() {
    let report = history().audit_rows(|tables| tables.projections.clear());
    assert_eq!(violated(&report), [I6]);
    assert_eq!(report.line(I6).violated, 5, "{report}");
}

#[test]
fn many_rows_are_compared_page_by_page() {
    let mut history = History::new();
    let mut terms = terms();
    terms.stock = 9;
    history.at(1).step(&announce("d", terms));
    history.at(150);
    for number in 0..4_100 {
        history.step(&buy("d", &format!("customer {number}"), "k", 1));
    }
    let report = history.audit_rows(|tables| tables.order(4_099).quantity = 3);
    assert_eq!(report.line(I6).violated, 1, "{report}");
    assert_eq!(report.line(I6).violations[0].command, Some(4_099));
    assert_eq!(report.line(I6).checked, 1 + 1 + 4_100 + 1);
}
