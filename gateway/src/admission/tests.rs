//! The door as a table: a row per outcome, in precedence. Each row spoils one thing more than the
//! rows after it, so its outcome shows that its check comes first.

use std::time::Duration;

use read_model::DealRow;
use schemas::http::ProblemCode;
use schemas::log::{Admission, DealTerms, Product};
use schemas::{DealId, Digest, Fingerprint, Money, Position, Timestamp};

use super::{DealFacts, Door, DoorLimits, Facts, Question, Refusal, judge, known_key};
use crate::view::Bound;

const OPENS_AT: i64 = 1_000_000;
const CLOSES_AT: i64 = 2_000_000;
const AS_OF: Timestamp = Timestamp::from_millis(1_499_900);

/// What may be wrong with a purchase; nothing at first.
#[derive(Clone, Debug)]
struct Case {
    row: DealRow,
    is_known: bool,
    has_started: bool,
    is_fresh: bool,
    is_full: bool,
    now: i64,
    log_time: i64,
    quantity: i64,
    backlog: u64,
    wait: Option<Duration>,
}

fn case() -> Case {
    let terms = DealTerms {
        product: Product { name: "n".into(), description: "d".into(), image_url: None },
        title: "t".into(),
        price: Money { amount: 1, currency: "EUR".parse().unwrap() },
        stock: 10,
        limit_per_customer: 2,
        opens_at: Timestamp::from_millis(OPENS_AT),
        closes_at: Timestamp::from_millis(CLOSES_AT),
        hold_seconds: 60,
    };
    let (product_id, deal_key) = ("p".parse().unwrap(), "d".parse().unwrap());
    let row = DealRow {
        log_id: 1,
        partition: 0,
        deal_id: DealId::of(&product_id, &deal_key),
        product_id,
        deal_key,
        terms,
        adjusted: 0,
        stock_left: 1,
        held: 0,
        paused: false,
        closed: false,
        retired: false,
    };
    Case {
        row,
        is_known: true,
        has_started: true,
        is_fresh: true,
        is_full: false,
        now: 1_500_000,
        log_time: 1_499_000,
        quantity: 1,
        backlog: 0,
        wait: None,
    }
}

fn ask(case: &Case) -> Door {
    let question = Question {
        deal_id: case.row.deal_id,
        key: Digest(1),
        fingerprint: Fingerprint(1),
        quantity: case.quantity,
        now: Timestamp::from_millis(case.now),
    };
    let deal = DealFacts {
        row: &case.row,
        decided_next: 7,
        log_time: Timestamp::from_millis(case.log_time),
        backlog: case.backlog,
        wait: case.wait,
    };
    let facts = Facts {
        has_started: case.has_started,
        is_fresh: case.is_fresh,
        as_of: AS_OF,
        deal: case.is_known.then_some(deal),
        is_full: case.is_full,
    };
    judge(&question, &facts, &DoorLimits { queue_max: 100, ..DoorLimits::default() }, "gw")
}

/// One way in which a purchase can go wrong.
type Fault = fn(&mut Case);

fn spoiled(faults: &[Fault]) -> Case {
    let mut spoiled = case();
    faults.iter().for_each(|fault| fault(&mut spoiled));
    spoiled
}

#[track_caller]
fn check(faults: &[Fault], expected: &Door) {
    assert_eq!(&ask(&spoiled(faults)), expected);
}

fn refused(code: ProblemCode) -> Refusal {
    let (retryable, retry_after) = (code.retryable(), None);
    Refusal { code, retryable, retry_after, as_of: AS_OF, decided_next: Some(7) }
}

fn admitted() -> Door {
    Door::Admit(Admission { gateway: "gw".into(), decided_next: 7 })
}

/// Every check with what fails it, in precedence; the first two of them need no known deal.
fn table() -> Vec<(Fault, Door)> {
    let come_back = |code, seconds| Door::ComeBack(code, Duration::from_secs(seconds));
    let refuse = |code| Door::Refuse(refused(code));
    let unknown = Refusal { decided_next: None, ..refused(ProblemCode::DealNotFound) };
    let early = Some(Duration::from_millis(51));
    let not_open = Refusal { retry_after: early, ..refused(ProblemCode::DealNotOpen) };
    vec![
        (|it| it.has_started = false, come_back(ProblemCode::NotReady, 1)),
        (|it| it.is_known = false, Door::Refuse(unknown)),
        (|it| it.row.retired = true, refuse(ProblemCode::DealRetired)),
        (|it| it.now = OPENS_AT - 1, Door::Refuse(not_open)),
        (|it| it.row.paused = true, refuse(ProblemCode::DealPaused)),
        (|it| it.row.closed = true, refuse(ProblemCode::DealClosed)),
        (|it| it.quantity = 3, refuse(ProblemCode::OutOfRange)),
        (|it| it.row.stock_left = 0, refuse(ProblemCode::SoldOut)),
        (|it| it.is_full = true, come_back(ProblemCode::Overloaded, 1)),
        (|_| {}, admitted()),
    ]
}

#[test]
fn each_check_comes_before_all_that_follow() {
    let table = table();
    for (first, (_, expected)) in table.iter().enumerate() {
        let faults: Vec<Fault> = table[first..].iter().map(|(fault, _)| *fault).collect();
        check(&faults, expected);
        check(&faults[..1], expected);
    }
}

#[test]
fn a_stale_view_refuses_for_no_state() {
    let states: [Fault; 6] = [
        |it| it.row.retired = true,
        |it| it.now = OPENS_AT - 1,
        |it| it.row.paused = true,
        |it| it.row.closed = true,
        |it| it.quantity = 3,
        |it| it.row.stock_left = 0,
    ];
    let stale: Fault = |it| it.is_fresh = false;
    for state in states {
        check(&[stale, state], &admitted());
    }
    let behind = Door::ComeBack(ProblemCode::ViewBehind, Duration::from_secs(1));
    check(&[stale, |it| it.is_known = false], &behind);
    // What no deal allows is refused, and load is no state of a deal.
    for quantity in [i64::MIN, -1, 0, 1_001, i64::MAX] {
        let mut case = spoiled(&[stale]);
        case.quantity = quantity;
        assert_eq!(ask(&case), Door::Refuse(refused(ProblemCode::OutOfRange)), "{quantity}");
    }
    let overloaded = Door::ComeBack(ProblemCode::Overloaded, Duration::from_secs(1));
    check(&[stale, |it| it.backlog = 100], &overloaded);
}

#[test]
fn nothing_is_refused_for_lack_of_stock_while_there_is_some() {
    // Promise I7: fewer than asked is for the decider to say, at the purchase's position.
    check(&[|it| it.quantity = 2], &admitted());
    let sold_out = refused(ProblemCode::SoldOut);
    check(&[|it| it.row.stock_left = 0], &Door::Refuse(sold_out));
    let held: Fault = |it| (it.row.stock_left, it.row.held) = (0, 1);
    check(&[held], &Door::Refuse(Refusal { retryable: true, ..sold_out }));
}

#[test]
fn the_door_opens_a_little_late_and_closes_when_closing_is_sure() {
    let closed = Door::Refuse(refused(ProblemCode::DealClosed));
    check(&[|it| it.now = OPENS_AT + 50], &admitted());
    let early = Some(Duration::from_millis(1));
    let not_open = Refusal { retry_after: early, ..refused(ProblemCode::DealNotOpen) };
    check(&[|it| it.now = OPENS_AT + 49], &Door::Refuse(not_open));
    check(&[|it| it.now = CLOSES_AT + 4_999], &admitted());
    check(&[|it| it.now = CLOSES_AT + 5_000], &closed);
    check(&[|it| it.log_time = CLOSES_AT - 1], &admitted());
    check(&[|it| it.log_time = CLOSES_AT], &closed);
}

#[test]
fn a_long_queue_is_overload() {
    let overloaded =
        |seconds| Door::ComeBack(ProblemCode::Overloaded, Duration::from_secs(seconds));
    check(&[|it| it.backlog = 99], &admitted());
    check(&[|it| it.backlog = 100], &overloaded(1));
    // A quarter of the hold is 15 s.
    check(&[|it| it.wait = Some(Duration::from_secs(15))], &admitted());
    check(&[|it| it.wait = Some(Duration::from_secs(16))], &overloaded(16));
    let without_hold: Fault = |it| it.row.terms.hold_seconds = 0;
    check(&[without_hold, |it| it.wait = Some(Duration::from_secs(16))], &admitted());
}

#[test]
fn a_bound_key_answers_with_its_order_or_is_reused() {
    let bound = Some(Bound { offset: 5, fingerprint: Fingerprint(1) });
    let known = Door::Known(Position { partition: 3, offset: 5 });
    assert_eq!(known_key(bound, Fingerprint(1), 3), Some(known));
    assert_eq!(known_key(bound, Fingerprint(2), 3), Some(Door::KeyReused));
    assert_eq!(known_key(None, Fingerprint(1), 3), None);
}
