//! What only the simulated backend can be asked: fates, and records from elsewhere.

use std::task::{Context, Poll, Waker};

use event_log::{AppendError, Fate, Log, ReadError, SimulatedLog};

use crate::backends::{ALL, Hand, append, block_on, read, record, texts};

fn log() -> SimulatedLog {
    SimulatedLog::new("decisions", 2, Hand::default().clock())
}

#[track_caller]
fn check_unknown(log: &SimulatedLog) {
    let error = block_on(log.append(0, vec![record("x")])).unwrap_err();
    assert!(matches!(error, AppendError::Unknown { .. }), "{error}");
}

#[test]
fn a_lost_append_is_unknown_and_the_next_one_lands() {
    let log = log();
    log.lose_next(0);
    append(&log, 1, &["elsewhere"]);
    check_unknown(&log);
    assert_eq!(append(&log, 0, &["kept"])[0].offset, 0);
    assert_eq!(texts(&log, 0), ["kept"]);
}

#[test]
fn a_silently_lost_append_is_never_answered() {
    let log = log();
    log.lose_next_silently(0);
    let mut receipt = log.append(0, vec![record("x")]);
    let mut context = Context::from_waker(Waker::noop());
    append(&log, 0, &["kept"]);
    assert!(std::pin::Pin::new(&mut receipt).poll(&mut context).is_pending());
    assert_eq!(texts(&log, 0), ["kept"]);
}

#[test]
fn a_held_append_lands_and_answers_when_released() {
    let log = log();
    log.hold_next(0);
    let mut receipt = log.append(0, vec![record("held")]);
    let mut context = Context::from_waker(Waker::noop());
    assert!(std::pin::Pin::new(&mut receipt).poll(&mut context).is_pending());
    append(&log, 0, &["another writer's"]);
    assert_eq!((log.held(0), log.release(0), log.held(0)), (1, 1, 0));
    assert_eq!(block_on(receipt).unwrap()[0].offset, 1);
    assert_eq!(texts(&log, 0), ["another writer's", "held"]);
}

#[test]
fn a_discarded_append_never_lands() {
    let log = log();
    log.hold_next(0);
    let receipt = log.append(0, vec![record("held")]);
    assert_eq!(log.discard(0), 1);
    assert!(matches!(block_on(receipt), Err(AppendError::Unknown { .. })));
    assert_eq!(log.release(0), 0);
    assert_eq!(texts(&log, 0), [""; 0]);
}

#[test]
fn a_late_append_is_unknown_first_and_lands_when_released() {
    let log = log();
    log.fate_next(0, Fate::Late);
    check_unknown(&log);
    append(&log, 0, &["before"]);
    assert_eq!(log.release(0), 1);
    assert_eq!(texts(&log, 0), ["before", "x"]);
}

#[test]
fn an_append_can_land_without_its_caller_knowing() {
    let log = log();
    log.fate_next(0, Fate::LandsUnknown);
    check_unknown(&log);
    assert_eq!(texts(&log, 0), ["x"]);
}

#[test]
fn a_refused_append_wrote_nothing() {
    let log = log();
    log.fate_next(0, Fate::Refused);
    let error = block_on(log.append(0, vec![record("x")])).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable { .. }), "{error}");
    assert_eq!(texts(&log, 0), [""; 0]);
}

#[test]
fn a_scheduler_is_asked_about_every_append_without_a_fate() {
    let log = log();
    log.set_fates(|partition, records| {
        if partition == 0 && records[0].payload == "drop" { Fate::Lost } else { Fate::Lands }
    });
    log.fate_next(0, Fate::Lands);
    append(&log, 0, &["drop"]);
    let error = block_on(log.append(0, vec![record("drop")])).unwrap_err();
    assert!(matches!(error, AppendError::Unknown { .. }), "{error}");
    append(&log, 1, &["drop"]);
    append(&log, 0, &["keep"]);
    assert_eq!(texts(&log, 0), ["drop", "keep"]);
}

#[test]
fn a_raw_record_ignores_fates_and_wakes_readers() {
    let log = log();
    let mut wait = log.wait(0, 0);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(wait.as_mut().poll(&mut context), Poll::Pending);
    log.lose_next(0);
    assert_eq!(log.append_raw(0, record("a zombie's")).offset, 0);
    assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(()));
    check_unknown(&log);
    assert_eq!(texts(&log, 0), ["a zombie's"]);
}

#[test]
fn a_truncated_log_ends_earlier_and_a_trimmed_one_starts_later() {
    let log = log();
    append(&log, 0, &["a", "b", "c", "d", "e"]);
    log.truncate(0, 4);
    log.trim(0, 2);
    assert_eq!(texts(&log, 0), ["c", "d"]);
    for outside in [1, 5] {
        let error = read(&log, 0, outside, ALL).unwrap_err();
        assert!(matches!(error, ReadError::OutOfRange { start: 2, end: 4, .. }), "{error}");
    }
    assert_eq!(append(&log, 0, &["f"])[0].offset, 4);
    log.trim(0, 99);
    assert_eq!(block_on(log.start(0)).unwrap(), 5);
    assert_eq!(append(&log, 0, &["g"])[0].offset, 5);
}

#[test]
fn log_times_fall_only_if_they_are_meant_to() {
    let hand = Hand::default();
    let steady = SimulatedLog::new("decisions", 1, hand.clock());
    let falling = SimulatedLog::new("decisions", 1, hand.clock()).with_falling_times();
    let times = |log: &SimulatedLog| read(log, 0, 0, ALL).unwrap().records;
    for (now, expected) in [(50, [50, 50]), (20, [50, 20]), (60, [60, 60])] {
        hand.set(now);
        let last = [&steady, &falling].map(|log| {
            append(log, 0, &["x"]);
            times(log).last().unwrap().log_time.as_millis()
        });
        assert_eq!(last, expected);
    }
}
