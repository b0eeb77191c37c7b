//! A history in which everything holds, and one broken promise at a time planted into it.

mod doors;

use schemas::Timestamp;
use schemas::http::{OrderStatus, ProblemCode};
use schemas::log::RefusalCode;
use uuid::Uuid;

use super::{Promise, check_history};
use crate::frontier::Frontier;
use crate::history::{
    Attempt, BuyerHistory, Decided, Ending, Fault, FaultKind, History, Key, Look, Moment, Purchase,
    Refused, Reread, Seen, Sighting, Terms, Ticket, order_id_at,
};

/// The id of the order whose purchase stands at `offset` of partition 1 of log 3.
fn order_id(offset: u64) -> Uuid {
    order_id_at(Seen { log_id: 3, partition: 1, decided_next: offset })
}

fn attempt(key: Key, is_other_payload: bool, sent: u64, ending: Ending) -> Attempt {
    let order = match &ending {
        Ending::Decided(order) => Some(*order),
        Ending::Refused(_) | Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => None,
    };
    Attempt {
        purchase: Purchase { key, quantity: 1, is_other_payload },
        due: Moment(sent),
        asked: Moment(sent),
        sent: Moment(sent),
        ticket: order.map(|order| Ticket { id: order.order_id, at: order.at, is_admission: true }),
        reread: order.map_or(Reread::NotAsked, Reread::Order),
        ending,
    }
}

fn decided(offset: u64, rejection: Option<RefusalCode>, at: u64) -> Ending {
    let status = match rejection {
        Some(_) => OrderStatus::Rejected,
        None => OrderStatus::Confirmed,
    };
    Ending::Decided(Decided { order_id: order_id(offset), status, rejection, at: Moment(at) })
}

fn refused(code: ProblemCode, decided_next: u64) -> Ending {
    let seen = vec![Seen { log_id: 3, partition: 1, decided_next }];
    let as_of = Some(Timestamp::from_millis(1_000));
    Ending::Refused(Refused { code, gateway: 0, as_of, seen, at: Moment(900) })
}

fn buyer(number: u32, attempts: Vec<Attempt>) -> BuyerHistory {
    BuyerHistory { number, attempts, ..BuyerHistory::default() }
}

/// Two units, limit 1: buyers 0 and 1 get them; 2 is decided too late; 3 is refused at the door;
/// 0 repeats, 1 sends another payload, 4 sends two keys and gets nothing.
fn history() -> History {
    let first = |ending| attempt(Key::First, false, 100, ending);
    let sold_out = Some(RefusalCode::SoldOut);
    let reused = refused(ProblemCode::IdempotencyKeyReused, 13);
    let mut buyers = vec![
        buyer(0, vec![first(decided(10, None, 200)), first(decided(10, None, 300))]),
        buyer(1, vec![first(decided(11, None, 200)), attempt(Key::First, true, 300, reused)]),
        buyer(2, vec![first(decided(12, sold_out, 200))]),
        buyer(3, vec![first(refused(ProblemCode::SoldOut, 13))]),
        buyer(
            4,
            vec![
                first(decided(13, sold_out, 200)),
                attempt(Key::Second, false, 300, refused(ProblemCode::SoldOut, 14)),
            ],
        ),
    ];
    buyers[0].attempts[1].asked = Moment(250);
    buyers[0].sightings =
        vec![sighting(OrderStatus::Queued, 150, 180), sighting(OrderStatus::Confirmed, 200, 300)];
    let look = Look { stock: 2, stock_left: 0, held: 0, confirmed: 2 };
    History {
        terms: Terms { stock: 2, limit_per_customer: 1, hold_seconds: 0 },
        opened: Moment(100),
        clocks: vec![Timestamp::from_millis(1_000); 2],
        frontier: Frontier::default(),
        buyers,
        last_look: Some(look),
    }
}

fn sighting(status: OrderStatus, first_known: u64, last_asked: u64) -> Sighting {
    let (first_known, last_asked) = (Moment(first_known), Moment(last_asked));
    Sighting { id: order_id(10), status, first_known, last_asked }
}

/// Exactly these promises are broken once `plant` has changed the history.
#[track_caller]
fn check(plant: impl FnOnce(&mut History), expected: &[Promise]) {
    let mut planted = history();
    plant(&mut planted);
    let (checks, violations) = check_history(&planted);
    let broken: Vec<_> =
        checks.iter().filter(|check| check.violations > 0).map(|check| check.promise).collect();
    assert_eq!(broken, expected, "{violations:#?}");
    assert_eq!(checks.len(), Promise::ALL.len());
}

fn confirmed(history: &mut History, buyer: usize, place: usize) -> &mut Decided {
    match &mut history.buyers[buyer].attempts[place].ending {
        Ending::Decided(order) => order,
        Ending::Refused(_) | Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => {
            panic!("not decided")
        }
    }
}

#[test]
fn a_good_history_keeps_every_promise() {
    check(|_| {}, &[]);
    let (checks, _) = check_history(&history());
    let looked_at: Vec<_> = checks.iter().map(|check| check.looked_at).collect();
    assert_eq!(looked_at, [2, 5, 6, 4, 5, 2, 8], "{checks:?}");
    assert!(checks.iter().all(|check| check.left_out.is_none()));
}

#[test]
fn a_unit_sold_twice_breaks_i1() {
    // More units than there are, and than the deal says; the sold-out before it was wrong too.
    let sells_one_more = |history: &mut History| {
        history.buyers[2].attempts[0] = attempt(Key::First, false, 100, decided(12, None, 200));
    };
    check(sells_one_more, &[Promise::I1]);
    let hides_it = |history: &mut History| {
        sells_one_more(history);
        history.last_look = Some(Look { stock: 2, stock_left: 0, held: 0, confirmed: 3 });
    };
    check(hides_it, &[Promise::I1]);
    let one_order_for_two = |history: &mut History| {
        history.buyers[1].attempts.truncate(1);
        history.buyers[1].attempts[0] = history.buyers[0].attempts[0].clone();
    };
    check(one_order_for_two, &[Promise::I1]);
    check(|history| history.terms.stock = 3, &[Promise::I1]);
    let lost = |history: &mut History| {
        history.last_look = Some(Look { stock: 2, stock_left: 1, held: 0, confirmed: 1 });
    };
    check(lost, &[Promise::I1, Promise::I7]);
}

#[test]
fn an_outcome_that_never_comes_or_changes_breaks_i2() {
    let still_queued = |history: &mut History| {
        let order = confirmed(history, 2, 0);
        order.status = OrderStatus::Queued;
        order.rejection = None;
        let now = *order;
        history.buyers[2].attempts[0].ending = Ending::Unknown;
        history.buyers[2].attempts[0].reread = Reread::Order(now);
    };
    check(still_queued, &[Promise::I2]);
    let other_reason = |history: &mut History| {
        confirmed(history, 2, 0).rejection = Some(RefusalCode::DealPaused);
    };
    check(other_reason, &[Promise::I2]);
    for kind in [FaultKind::LosesOrder, FaultKind::Changes] {
        let fault = Fault { kind, what: "404, or another reason".to_owned() };
        check(|history| history.buyers[2].faults.push(fault), &[Promise::I2]);
    }
    let taken_back = |history: &mut History| {
        let order = *confirmed(history, 1, 0);
        let status = OrderStatus::Rejected;
        history.buyers[1].attempts[0].reread = Reread::Order(Decided { status, ..order });
    };
    check(taken_back, &[Promise::I1, Promise::I2]);
}

#[test]
fn two_orders_for_one_key_break_i5() {
    let another_rejection = |history: &mut History| {
        let sold_out = Some(RefusalCode::SoldOut);
        history.buyers[0].attempts[1] = attempt(Key::First, false, 250, decided(14, sold_out, 300));
    };
    check(another_rejection, &[Promise::I5]);
    let two_units = |history: &mut History| {
        history.buyers[0].attempts[1] = attempt(Key::First, false, 250, decided(9, None, 300));
    };
    check(two_units, &[Promise::I1, Promise::I5, Promise::I8]);
}

#[test]
fn a_known_key_that_is_refused_breaks_i5() {
    let refused_although_known = |history: &mut History| {
        let ending = refused(ProblemCode::SoldOut, 14);
        history.buyers[0].attempts[1] = attempt(Key::First, false, 250, ending);
    };
    check(refused_although_known, &[Promise::I5]);
    let refused_while_undecided = |history: &mut History| {
        refused_although_known(history);
        history.buyers[0].attempts[1].asked = Moment(199);
    };
    check(refused_while_undecided, &[]);
    let other_payload_is_let_in = |history: &mut History| {
        history.buyers[1].attempts[1] = attempt(Key::First, true, 300, decided(11, None, 400));
    };
    check(other_payload_is_let_in, &[Promise::I5]);
    let reused_without_other_payload = |history: &mut History| {
        let ending = refused(ProblemCode::IdempotencyKeyReused, 14);
        history.buyers[3].attempts[0] = attempt(Key::First, false, 100, ending);
    };
    check(reused_without_other_payload, &[Promise::I5]);
    let decided_as_reused = |history: &mut History| {
        let ending = decided(15, Some(RefusalCode::IdempotencyKeyReused), 400);
        history.buyers[1].attempts[1] = attempt(Key::First, true, 300, ending);
    };
    check(decided_as_reused, &[]);
    let not_open_does_not_bind = |history: &mut History| {
        let not_open = Some(RefusalCode::DealNotOpen);
        history.buyers[2].attempts.push(attempt(Key::First, false, 50, decided(5, not_open, 60)));
    };
    check(not_open_does_not_bind, &[]);
}

#[test]
fn a_refusal_for_stock_that_was_there_breaks_i7() {
    let left_over = |history: &mut History| {
        history.buyers[1].attempts.clear();
        history.last_look = Some(Look { stock: 2, stock_left: 1, held: 0, confirmed: 1 });
    };
    check(left_over, &[Promise::I7]);
    // The door said sold-out for all places from 11 on, and place 11 got a unit.
    let refused_too_early = |history: &mut History| {
        history.buyers[3].attempts[0] =
            attempt(Key::First, false, 100, refused(ProblemCode::SoldOut, 11));
    };
    check(refused_too_early, &[Promise::I7]);
    let decided_too_early = |history: &mut History| {
        let sold_out = Some(RefusalCode::SoldOut);
        history.buyers[2].attempts[0] = attempt(Key::First, false, 100, decided(9, sold_out, 200));
    };
    check(decided_too_early, &[Promise::I7]);
    check(|history| not_enough_for_two(history, 12), &[]);
    check(|history| not_enough_for_two(history, 11), &[]);
    // There were two, which went one by one.
    check(|history| not_enough_for_two(history, 9), &[Promise::I7]);
}

/// Buyer 2 wants two units, and place `offset` says that there are not so many.
fn not_enough_for_two(history: &mut History, offset: u64) {
    let too_few = Some(RefusalCode::InsufficientStock);
    let mut wish = attempt(Key::First, false, 100, decided(offset, too_few, 200));
    wish.purchase.quantity = 2;
    history.buyers[2].attempts[0] = wish;
}

#[test]
fn a_limit_that_does_not_hold_breaks_i8() {
    let two_keys_two_units = |history: &mut History| {
        history.buyers[1].attempts.clear();
        history.buyers[0].attempts[1] = attempt(Key::Second, false, 300, decided(11, None, 400));
    };
    check(two_keys_two_units, &[Promise::I8]);
    let refused_below = |history: &mut History| {
        let ending = refused(ProblemCode::LimitExceeded, 14);
        history.buyers[4].attempts[1] = attempt(Key::Second, false, 300, ending);
    };
    check(refused_below, &[Promise::I8]);
    // Nothing was owned at place 9; the unit came later, and by another key.
    let refused_before_it_had_any = |history: &mut History| {
        let ending = decided(9, Some(RefusalCode::LimitExceeded), 250);
        history.buyers[0].attempts[1] = attempt(Key::Second, false, 100, ending);
    };
    check(refused_before_it_had_any, &[Promise::I8]);
    let refused_above = |history: &mut History| {
        let ending = decided(15, Some(RefusalCode::LimitExceeded), 400);
        history.buyers[0].attempts[1] = attempt(Key::Second, false, 300, ending);
    };
    check(refused_above, &[]);
}

#[test]
fn a_status_that_goes_back_breaks_i9() {
    let goes_back = |history: &mut History| {
        history.buyers[0].sightings[0].last_asked = Moment(201);
    };
    check(goes_back, &[Promise::I9]);
    // Asked before the decision was known: its answer may come later.
    let crosses = |history: &mut History| {
        history.buyers[0].sightings[0].last_asked = Moment(199);
    };
    check(crosses, &[]);
    let of_another_order = |history: &mut History| {
        history.buyers[0].sightings[0] =
            Sighting { id: order_id(9), ..sighting(OrderStatus::Queued, 1, 500) };
    };
    check(of_another_order, &[]);
    let shows_less = |history: &mut History| {
        let fault = Fault { kind: FaultKind::ShowsLess, what: "gateway 2 is behind".to_owned() };
        history.buyers[2].faults.push(fault);
    };
    check(shows_less, &[Promise::I9]);
}

#[test]
fn an_undocumented_answer_is_a_violation_of_its_own() {
    let strange = |history: &mut History| {
        let fault = Fault { kind: FaultKind::Form, what: "500".to_owned() };
        history.buyers[3].faults.push(fault);
    };
    check(strange, &[Promise::Answers]);
}

#[test]
fn what_is_not_settled_is_left_out_and_not_held_against_the_service() {
    let mut history = history();
    history.buyers[1].attempts.truncate(1);
    history.buyers[1].attempts[0] = attempt(Key::First, false, 100, Ending::Unknown);
    let (checks, violations) = check_history(&history);
    assert_eq!(violations, []);
    let left_out: Vec<_> =
        checks.iter().filter(|check| check.left_out.is_some()).map(|c| c.promise).collect();
    assert_eq!(left_out, [Promise::I1, Promise::I7]);
}

#[test]
fn holds_that_run_out_give_units_back_and_steps_may_be_missed() {
    let mut history = history();
    history.terms.hold_seconds = 60;
    history.last_look = Some(Look { stock: 2, stock_left: 1, held: 0, confirmed: 1 });
    let order = confirmed(&mut history, 1, 0);
    order.status = OrderStatus::Held;
    let expired = Decided { status: OrderStatus::Expired, ..*order };
    history.buyers[1].attempts[0].reread = Reread::Order(expired);
    history.buyers[0].sightings = vec![
        sighting(OrderStatus::Queued, 1, 2),
        sighting(OrderStatus::Expired, 5, 5),
        sighting(OrderStatus::Cancelled, 6, 6),
    ];
    let (_, violations) = check_history(&history);
    assert_eq!(violations, []);
}

#[test]
fn a_hold_that_was_not_looked_at_in_the_end_counts_for_nothing() {
    let mut history = history();
    history.terms.hold_seconds = 60;
    let order = confirmed(&mut history, 1, 0);
    order.status = OrderStatus::Held;
    history.buyers[1].attempts[0].reread = Reread::Unanswered;
    assert_eq!(history.units_owned(), 1);
    // It ran out, and its unit went to somebody else.
    history.buyers[2].attempts[0] = attempt(Key::First, false, 100, decided(12, None, 200));
    let (_, violations) = check_history(&history);
    assert_eq!(violations, []);
}
