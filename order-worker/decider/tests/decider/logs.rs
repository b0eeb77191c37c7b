//! What the log around a command does to its decision: log time, positions, bytes of a state.

use decider::{Context, Input, State, StateFault, decide, is_known};
use schemas::Timestamp;
use schemas::log::Decision;

use crate::orders::{announce, seconds, terms};
use crate::script::{check, play};
use crate::world::World;

#[test]
fn log_time_never_falls() {
    check("announce; at 160; genesis; at 50; buy ann k", "held x1 until 220 left 4 held 1");
    check("announce; at 700; expire; at 100; buy ann k", "rejected deal-closed");
    let mut world = World::new();
    world.step(Input::Genesis, seconds(5));
    assert_eq!(world.step(Input::Unreadable, seconds(-5)).log_time, seconds(5));
}

#[test]
fn log_time_is_rebuilt_from_decisions_without_events() {
    let (mut world, _) = play("announce; at 100; buy ann k; at 160; genesis");
    let mut rebuilt = world.rebuilt();
    assert_eq!(rebuilt.log_time(), seconds(160));
    let context = Context { rules: 1, offset: 4, append_time: seconds(90), after: 4 };
    let expire = crate::orders::expire();
    let decision = decide(&rebuilt, Input::Command(&expire), context);
    assert_eq!(&decision, world.command(&expire, seconds(90)));
    assert_eq!(decision.events.len(), 1, "due at 160 by log time, although the clock says 90");
    rebuilt.fold(&decision);
}

#[test]
fn absurd_append_times_are_borne() {
    for millis in [i64::MIN, -1, 0, Timestamp::MAX.as_millis(), i64::MAX] {
        let mut world = World::new();
        world.command(&announce("d", terms()), Timestamp::from_millis(millis));
        world.step(Input::Genesis, Timestamp::from_millis(i64::MAX));
        world.command(&crate::orders::buy("d", "ann", "k", 1), Timestamp::EPOCH);
        world.command(&crate::orders::expire(), Timestamp::EPOCH);
        world.rebuilt();
    }
}

#[test]
fn a_decision_carries_its_positions() {
    let context = Context { rules: 1, offset: 812, append_time: seconds(9), after: 811 };
    let decision = decide(&State::default(), Input::Genesis, context);
    let expected = Decision { offset: 812, after: 811, log_time: seconds(9), events: Vec::new() };
    assert_eq!(decision, expected);
}

#[test]
fn the_newest_rules_of_the_records_are_known() {
    assert!(is_known(schemas::log::RULES));
    assert!(!is_known(0) && !is_known(schemas::log::RULES + 1));
}

#[test]
fn broken_bytes_are_no_state() {
    let (world, _) = play(
        "announce; at 100; buy ann k; buy bob k 3; pay 2 p; adjust 1 a; announce deal=e; \
         buy ann k deal=e; cancel 7 ann; at 160; expire",
    );
    let bytes = world.state.encode();
    for length in 0..bytes.len() {
        assert!(State::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    let mut newer = bytes.clone();
    newer[0] = 2;
    assert_eq!(State::decode(&newer).unwrap_err(), StateFault::Version { found: 2 });
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(State::decode(&longer), Err(StateFault::Broken(_))));
}

#[test]
fn a_changed_byte_is_refused_or_read_but_never_panics() {
    let (world, _) = play("announce; at 100; buy ann k; buy bob k 3; pay 2 p; cancel 3 bob");
    let bytes = world.state.encode();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(state) = State::decode(&changed) {
                let bytes = state.encode();
                assert_eq!(State::decode(&bytes).unwrap().encode(), bytes, "byte {at}, bit {bit}");
            }
        }
    }
}
