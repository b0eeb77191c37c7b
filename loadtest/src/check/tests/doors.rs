//! Refusals at the door: what they say they rest on, against clocks and against other gateways.

use schemas::Timestamp;

use super::check;
use crate::check::Promise;
use crate::history::{Ending, History, Moment, Seen};

fn as_of(history: &mut History, millis: i64) {
    if let Ending::Refused(refused) = &mut history.buyers[3].attempts[0].ending {
        refused.as_of = Some(Timestamp::from_millis(millis));
    }
}

#[test]
fn a_refusal_at_the_door_states_what_it_rests_on() {
    let says_nothing = |history: &mut History| {
        if let Ending::Refused(refused) = &mut history.buyers[3].attempts[0].ending {
            refused.as_of = None;
            refused.seen.clear();
        }
    };
    check(says_nothing, &[Promise::I7]);
    check(|history| as_of(history, -50), &[]);
    check(|history| as_of(history, -200), &[Promise::I7]);
}

/// At the door of gateway 1, asked long after the opening.
fn at_another_door(history: &mut History, decided_next: u64) {
    let attempt = &mut history.buyers[3].attempts[0];
    attempt.sent = Moment(5_000_000);
    if let Ending::Refused(refused) = &mut attempt.ending {
        refused.gateway = 1;
        refused.as_of = Some(Timestamp::from_millis(5_900));
        refused.seen = vec![Seen { log_id: 3, partition: 1, decided_next }];
    }
}

fn shown(history: &mut History, decided_next: u64, at_ms: u64) {
    let seen = Seen { log_id: 3, partition: 1, decided_next };
    history.frontier.note(seen, Moment(at_ms * 1_000));
}

#[test]
fn a_view_older_than_what_another_gateway_showed_breaks_i7() {
    let long_ago = |history: &mut History| {
        shown(history, 14, 3_899);
        at_another_door(history, 13);
    };
    check(long_ago, &[Promise::I7]);
    let just_now = |history: &mut History| {
        shown(history, 13, 3_899);
        shown(history, 14, 3_950);
        at_another_door(history, 13);
    };
    check(just_now, &[]);
    let caught_up = |history: &mut History| {
        shown(history, 14, 100);
        at_another_door(history, 14);
    };
    check(caught_up, &[]);
}

#[test]
fn a_door_is_judged_by_its_own_clock_and_by_the_deals_partition() {
    let slow_clock = |history: &mut History| {
        at_another_door(history, 13);
        history.clocks[1] = Timestamp::from_millis(1_950);
    };
    check(slow_clock, &[]);
    let too_old = |history: &mut History| {
        at_another_door(history, 13);
        history.clocks[1] = Timestamp::from_millis(2_050);
    };
    check(too_old, &[Promise::I7]);
    let other_partition = |history: &mut History| {
        at_another_door(history, 13);
        if let Ending::Refused(refused) = &mut history.buyers[3].attempts[0].ending {
            refused.seen[0].partition = 2;
        }
    };
    check(other_partition, &[Promise::I7]);
}
