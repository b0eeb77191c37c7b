//! The tables' little language. A script is what happens in a partition, step after step; `check`
//! says what the last step is answered with.
//!
//! `at 160` moves the log's clock to that second. Every other step is a record of the commands log,
//! the first at offset 1, the next at 2, and so on. Words after a verb are in the order of
//! [`crate::orders`]; `name=value` words change a default, `deal=` the deal.

use decider::Input;
use schemas::log::{Command, DealTerms, PaymentResult};
use schemas::{Money, Timestamp};

use crate::orders::{self, seconds};
use crate::told::told;
use crate::world::World;

/// Plays `script` and compares the answer to its last step.
#[track_caller]
pub(crate) fn check(script: &str, expect: &str) {
    let (world, last) = play(script);
    assert_eq!(last, expect, "after: {script}");
    world.rebuilt();
}

/// Plays `script`; the world after it, and the answer to its last step.
#[track_caller]
pub(crate) fn play(script: &str) -> (World, String) {
    let mut world = World::new();
    let mut now = Timestamp::EPOCH;
    let mut last = String::new();
    for step in script.split(';').map(str::trim).filter(|step| !step.is_empty()) {
        let words = Words::of(step);
        let decision = match words.at(0) {
            "at" => {
                now = seconds(words.number(1));
                continue;
            }
            "genesis" => world.step(Input::Genesis, now),
            "unreadable" => world.step(Input::Unreadable, now),
            _ => world.command(&command(&words), now),
        };
        last = told(&decision.events);
    }
    (world, last)
}

struct Words<'a> {
    plain: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    fn of(step: &'a str) -> Self {
        let (mut plain, mut named) = (Vec::new(), Vec::new());
        for word in step.split_whitespace() {
            match word.split_once('=') {
                Some(pair) => named.push(pair),
                None => plain.push(word),
            }
        }
        Self { plain, named }
    }

    fn at(&self, index: usize) -> &'a str {
        self.plain[index]
    }

    fn number(&self, index: usize) -> i64 {
        self.at(index).parse().unwrap()
    }

    fn named(&self, name: &str) -> Option<&'a str> {
        self.named.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        self.named(name).map(|value| seconds(value.parse().unwrap()))
    }
}

fn command(words: &Words<'_>) -> Command {
    let deal = words.named("deal").unwrap_or("d");
    match words.at(0) {
        "announce" => orders::announce(deal, terms(words)),
        "buy" => {
            let quantity = words.plain.get(3).map_or(1, |word| word.parse().unwrap());
            orders::buy(deal, words.at(1), words.at(2), quantity)
        }
        "adjust" => orders::adjust(deal, words.number(1), words.at(2)),
        "pause" => orders::pause(deal),
        "resume" => orders::resume(deal),
        "close" => orders::close(deal),
        "reschedule" => orders::reschedule(deal, words.time("opens"), words.time("closes")),
        "retire" => orders::retire(deal, words.time("closes").unwrap_or(seconds(700))),
        "cancel" => orders::cancel(words.at(1).parse().unwrap(), words.at(2)),
        "expire" => orders::expire(),
        verb => payment(verb, words),
    }
}

fn payment(verb: &str, words: &Words<'_>) -> Command {
    let result = match verb {
        "pay" => PaymentResult::Succeeded,
        "fail" => PaymentResult::Failed,
        "refund" => PaymentResult::Refunded,
        _ => panic!("no such step: {verb}"),
    };
    let amount = words.plain.get(3).map_or(100, |word| word.parse().unwrap());
    let currency = words.named("currency").unwrap_or("EUR").parse().unwrap();
    let money = Money { amount, currency };
    orders::pay(words.at(1).parse().unwrap(), words.at(2), result, money)
}

fn terms(words: &Words<'_>) -> DealTerms {
    let mut terms = orders::terms();
    for &(name, value) in &words.named {
        match name {
            "deal" => {}
            "stock" => terms.stock = value.parse().unwrap(),
            "limit" => terms.limit_per_customer = value.parse().unwrap(),
            "hold" => terms.hold_seconds = value.parse().unwrap(),
            "price" => terms.price.amount = value.parse().unwrap(),
            "opens" => terms.opens_at = seconds(value.parse().unwrap()),
            "closes" => terms.closes_at = seconds(value.parse().unwrap()),
            "title" => terms.title = "t".repeat(value.parse().unwrap()).into(),
            "name" => terms.product.name = "n".repeat(value.parse().unwrap()).into(),
            "description" => terms.product.description = "d".repeat(value.parse().unwrap()).into(),
            "image" => terms.product.image_url = Some("i".repeat(value.parse().unwrap()).into()),
            _ => panic!("no such term: {name}"),
        }
    }
    terms
}
