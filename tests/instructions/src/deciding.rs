//! What the owner of a partition does to each purchase.

use std::hint::black_box;

use decider::{Input, decide};
use schemas::log::{Decision, Event};

use crate::sale::{at, begun, decide_all, purchases};
use crate::{TIMES, Work};

/// Every purchase gets a unit.
pub(crate) fn held() -> Work {
    decide_each(1_000_000, |event| matches!(event, Event::OrderHeld(_)))
}

/// The units were sold to those who came before.
pub(crate) fn sold_out() -> Work {
    decide_each(1_000, |event| matches!(event, Event::OrderRejected(_)))
}

/// Each is decided on the same state, so that nothing but deciding is counted.
fn decide_each(stock: u64, is_meant: fn(&Event) -> bool) -> Work {
    let (state, next) = begun(stock);
    let commands = purchases(0);
    Box::new(move || {
        let mut count = 0;
        for command in &commands {
            let decision = decide(black_box(&state), Input::Command(command), at(next));
            count += usize::from(decision.events.iter().any(is_meant));
        }
        count
    })
}

/// Orders that are held, folded into a state that has a thousand already.
pub(crate) fn fold_held() -> Work {
    let (mut state, next) = begun(1_000_000);
    let decisions: Vec<Decision> = decide_all(&mut state.clone(), next, &purchases(0));
    Box::new(move || {
        for decision in &decisions {
            state.fold(black_box(decision));
        }
        TIMES
    })
}
