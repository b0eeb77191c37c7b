//! Whatever the decider decides about commands drawn at random, the audit finds nothing: two
//! readings of one protocol agree.

use std::collections::BTreeSet;
use std::time::Duration;

use schemas::log::{Command, Event, PaymentResult};

use crate::history::{Entry, History, audit, violated};
use crate::orders::{
    adjust, announce, buy, cancel, close, euros, expire, pause, pay, reschedule, resume, retire,
    seconds, terms,
};

/// A small generator of numbers: the seed says everything.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % end
    }

    fn signed(&mut self, end: u64) -> i64 {
        i64::try_from(self.below(end)).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

fn command(numbers: &mut Numbers, offsets: u64) -> Command {
    let deal = numbers.one(&["d", "e", "f"]);
    let name = numbers.one(&["ann", "bob", "eve"]);
    let key = numbers.one(&["k1", "k2", "k3", "k4", "k5", "k6", "k7"]);
    let order = 1 + numbers.below(offsets);
    match numbers.below(24) {
        0 | 1 => {
            let mut terms = terms();
            if numbers.below(3) > 0 {
                terms.stock = numbers.below(8);
                terms.limit_per_customer = u32::try_from(numbers.below(5)).unwrap();
            }
            terms.hold_seconds = if deal == "e" { 0 } else { 60 };
            terms.opens_at = seconds([0, 40, 200][usize::try_from(numbers.below(3)).unwrap()]);
            announce(deal, terms)
        }
        2 => adjust(deal, numbers.signed(9) - 4, key),
        3 if numbers.below(3) == 0 => pause(deal),
        3 => resume(deal),
        4 if numbers.below(4) == 0 => close(deal),
        4 => reschedule(deal, None, Some(seconds(400 + numbers.signed(5) * 100))),
        5 => reschedule(deal, Some(seconds(numbers.signed(200))), None),
        6 => retire(deal, seconds(400 + numbers.signed(5) * 100)),
        7 | 8 => cancel(order, name),
        9..=12 => {
            let result = match numbers.below(6) {
                0 => PaymentResult::Failed,
                1 => PaymentResult::Refunded,
                _ => PaymentResult::Succeeded,
            };
            let amount = 100 * (1 + numbers.signed(3));
            pay(order, numbers.one(&["p1", "p2", "p3", "p4", "p5", "p6"]), result, euros(amount))
        }
        13 | 14 => expire(),
        _ => buy(deal, name, key, u32::try_from(numbers.below(4)).unwrap()),
    }
}

/// A history of 150 commands.
fn drawn(numbers: &mut Numbers) -> History {
    let mut history = History::new();
    let mut second = 0;
    for _ in 0..150 {
        second += numbers.signed(8);
        // The log's clock may stand before the last one, the log time may not.
        history.at(second - numbers.signed(20));
        match numbers.below(40) {
            0 => history.bytes(b"{".to_vec()),
            1 => history.bytes(history.commands[0].1.clone()),
            _ => {
                let offsets = history.commands.len() as u64;
                history.step(&command(numbers, offsets))
            }
        };
        if numbers.below(30) == 0 {
            history.own(history.epoch + 1);
        }
    }
    history
}

#[test]
fn whatever_the_decider_decides_passes() {
    let mut kinds = BTreeSet::new();
    for seed in 0..50 {
        let mut numbers = Numbers(seed);
        let history = drawn(&mut numbers);
        for entry in &history.entries {
            if let Entry::Decision { decision, .. } = entry {
                kinds.extend(decision.events.iter().map(Event::kind));
            }
        }
        let read = 2 + usize::try_from(numbers.below(149)).unwrap();
        let report = audit(std::slice::from_ref(&history), Some(history.tables(read))).unwrap();
        assert_eq!(violated(&report), [], "seed {seed}\n{report}");
        assert_eq!((report.exit_code(), report.pending()), (0, 0), "seed {seed}\n{report}");
    }
    // A draw that leaves out a kind of event would show less than it says.
    assert!(kinds.into_iter().eq(Event::TYPES.iter().copied().collect::<BTreeSet<_>>()));
}

#[test]
fn whatever_is_changed_in_a_decision_is_found() {
    for seed in 0..50 {
        let mut numbers = Numbers(seed);
        let mut history = drawn(&mut numbers);
        let (one, other) = (1 + numbers.below(150), 1 + numbers.below(150));
        let foreign = history.decision(other).events;
        let right = history.decision(one);
        history.edit(one, |decision| match numbers.below(4) {
            0 => decision.events = foreign,
            1 => decision.events.extend(foreign),
            2 => drop(decision.events.pop()),
            _ => decision.log_time = decision.log_time.plus(Duration::from_millis(1)),
        });
        if history.decision(one) != right {
            let report = history.audit();
            assert_eq!(report.exit_code(), 1, "seed {seed}, command {one}\n{report}");
            let told = report.lines.iter().flat_map(|line| &line.violations);
            assert!(told.filter_map(|told| told.command).any(|command| command == one));
        }
    }
}
