//! Holds that run out, one by one and many at once.

use decider::{Context, Input, State, decide};
use schemas::Offset;
use schemas::limits::EVENTS_MAX;
use schemas::log::Command;

use crate::orders::{announce, buy, expire, seconds, terms};
use crate::script::{check, play};

#[test]
fn holds_expire_when_their_time_has_come() {
    let held = "announce; at 100; buy ann k 2; at 120; buy bob k;";
    check(&format!("{held} at 159; expire"), "nothing");
    check(&format!("{held} at 160; expire"), "expired 2 left 4 held 1");
    check(&format!("{held} at 160; expire; expire"), "nothing");
    check(&format!("{held} at 180; expire"), "expired 2 left 4 held 1, expired 3 left 5 held 0");
    check(&format!("{held} at 180; pay 3 p; expire"), "expired 2 left 4 held 0");
    check(&format!("{held} at 170; cancel 3 bob; expire"), "expired 2 left 5 held 0");
    check("expire", "nothing");
}

#[test]
fn the_oldest_holds_of_all_deals_expire_first() {
    check(
        "announce hold=60; announce deal=e hold=10; at 100; buy ann k; buy ann k deal=e; \
         at 150; buy bob k deal=e; at 200; expire",
        "expired 4 left 4 held 1, expired 3 left 5 held 0, expired 5 left 5 held 0",
    );
    let (world, _) = play("announce; announce deal=e hold=10; at 100; buy ann k; buy ann k deal=e");
    assert_eq!(world.state.next_expiry(), Some((seconds(110), 4)));
}

#[test]
fn genesis_and_broken_bytes_are_answered() {
    check("genesis", "nothing");
    check("announce; at 100; buy ann k; genesis", "nothing");
    check("unreadable", "unreadable");
}

fn fold(state: &mut State, command: &Command, offset: Offset, second: i64) -> usize {
    let context = Context { rules: 1, offset, append_time: seconds(second), after: offset };
    let decision = decide(state, Input::Command(command), context);
    state.fold(&decision);
    decision.events.len()
}

#[test]
fn twenty_thousand_holds_due_at_once_need_forty_commands() {
    let mut state = State::default();
    for (offset, deal) in (1..).zip(["d", "e", "f"]) {
        let announcement = announce(deal, schemas::log::DealTerms { stock: 10_000, ..terms() });
        fold(&mut state, &announcement, offset, 0);
    }
    let holds = 20_000;
    for number in 0..holds {
        let deal = ["d", "e", "f"][number % 3];
        let purchase = buy(deal, &number.to_string(), "k", 1);
        assert_eq!(fold(&mut state, &purchase, 4 + number as Offset, 100), 1);
    }
    let (mut expired, mut commands) = (0, 0);
    while state.next_expiry().is_some() {
        let events = fold(&mut state, &expire(), 30_000 + commands, 160);
        assert!(events == EVENTS_MAX || events == holds % EVENTS_MAX, "{events} events");
        (expired, commands) = (expired + events, commands + 1);
    }
    assert_eq!((expired, commands), (holds, holds.div_ceil(EVENTS_MAX) as u64));
}
