//! Memory of an order: at most 100 bytes, measured where the tables have just doubled and stand
//! emptiest.

use decider::{Context, Input, State, decide};
use schemas::log::{Command, DealTerms};

use crate::orders::{announce, buy, retire, seconds, terms};

/// One more than tables of 2^17 slots take.
const ORDERS: u64 = (1 << 17) / 8 * 7 + 1;

fn fold(state: &mut State, command: &Command, offset: u64, second: i64) {
    let context = Context { rules: 1, offset, append_time: seconds(second), after: offset };
    let decision = decide(state, Input::Command(command), context);
    state.fold(&decision);
}

fn bytes_per_order(stock: u64, hold_seconds: u32) -> f64 {
    let mut state = State::default();
    fold(&mut state, &announce("d", DealTerms { stock, hold_seconds, ..terms() }), 1, 100);
    for number in 0..ORDERS {
        fold(&mut state, &buy("d", &number.to_string(), "k", 1), 2 + number, 100);
    }
    let counts = state.counts();
    assert_eq!(counts.orders, ORDERS);
    counts.heap_bytes as f64 / counts.orders as f64
}

#[test]
fn a_retired_deal_gives_its_memory_back() {
    let mut state = State::default();
    let empty = DealTerms { stock: 5_000, hold_seconds: 0, ..terms() };
    fold(&mut state, &announce("d", empty), 1, 100);
    for number in 0..5_000 {
        fold(&mut state, &buy("d", &number.to_string(), "k", 1), 2 + number, 100);
    }
    assert!(state.counts().heap_bytes > 200_000);
    fold(&mut state, &retire("d", seconds(700)), 6_000, 700);
    let left = state.counts().heap_bytes;
    assert!(left < 1_000, "{left} bytes are left");
}

#[test]
fn an_order_takes_at_most_a_hundred_bytes() {
    for (stock, hold_seconds) in [(ORDERS, 600), (ORDERS, 0), (1, 0)] {
        let bytes = bytes_per_order(stock, hold_seconds);
        println!("{bytes:.1} bytes an order, stock {stock}, hold {hold_seconds} s");
        assert!(bytes <= 100.0, "{bytes:.1} bytes an order");
    }
}
