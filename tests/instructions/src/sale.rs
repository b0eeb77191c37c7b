//! One hot deal and those who want it, each another customer under another key: what the works are
//! done on. The same in every run.

use decider::{Context, Input, State, decide};
use schemas::log::{Admission, AnnounceDeal, Command, DealTerms, Decision, PlacePurchase, Product};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Offset, Timestamp};
use uuid::Uuid;

use crate::TIMES;

/// Log time of all of it; the deal is open then.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Where the first purchase stands: behind genesis and the announcement.
pub(crate) const FIRST: Offset = 2;

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// A deal with so many units, open since an hour, that holds an order for ten minutes.
pub(crate) fn announcement(stock: u64) -> AnnounceDeal {
    AnnounceDeal {
        product_id: "lamp-oak-40".parse().unwrap(),
        deal_key: "monday".parse().unwrap(),
        terms: Box::new(terms(stock)),
        ticket_key: 1,
        received_at: NOW,
        actor: Uuid::nil(),
        admission: None,
    }
}

fn terms(stock: u64) -> DealTerms {
    let description = "Oak, 40 cm, with a bulb.".into();
    DealTerms {
        product: Product { name: "Lamp".into(), description, image_url: None },
        title: "Lamps on Monday".into(),
        price: Money { amount: 1_990, currency: "EUR".parse().unwrap() },
        stock,
        limit_per_customer: 2,
        opens_at: Timestamp::from_millis(NOW.as_millis() - HOUR_MS),
        closes_at: Timestamp::from_millis(NOW.as_millis() + HOUR_MS),
        hold_seconds: 600,
    }
}

pub(crate) fn deal_id() -> DealId {
    let announcement = announcement(0);
    DealId::of(&announcement.product_id, &announcement.deal_key)
}

/// As many purchases as each work is done times, from customer `first` on.
pub(crate) fn purchases(first: u64) -> Vec<Command> {
    let deal_id = deal_id();
    let purchase = |number: u64| PlacePurchase {
        deal_id,
        customer: CustomerId(customer(number)),
        key: Digest::of_key(customer(number), "once"),
        fingerprint: Fingerprint(number),
        quantity: 1,
        client_reference: Some("basket-17".parse().unwrap()),
        ticket_key: 1,
        received_at: NOW,
        actor: customer(number),
        admission: Some(Admission { gateway: "gateway-1".into(), decided_next: FIRST }),
    };
    let count = u64::try_from(TIMES).unwrap();
    (first..first + count)
        .map(|number| Command::PlacePurchase(Box::new(purchase(number))))
        .collect()
}

/// Random for whoever looks at the bits, as customers' ids are.
pub(crate) fn customer(number: u64) -> Uuid {
    Uuid::from_u128(Digest::of("customer", &[&number.to_be_bytes()]).0)
}

/// The state after the announcement and the purchases of a thousand others, and where the next
/// command stands.
pub(crate) fn begun(stock: u64) -> (State, Offset) {
    let mut state = State::default();
    announce(&mut state, stock);
    let others = purchases(1_000_000);
    decide_all(&mut state, FIRST, &others);
    (state, FIRST + u64::try_from(others.len()).unwrap())
}

/// Announces the deal to a state that knows nothing; returns the decision.
pub(crate) fn announce(state: &mut State, stock: u64) -> Decision {
    let command = Command::AnnounceDeal(Box::new(announcement(stock)));
    let decision = decide(state, Input::Command(&command), at(1));
    state.fold(&decision);
    decision
}

/// Decides commands that stand one behind the other from `first` on, and folds each.
pub(crate) fn decide_all(state: &mut State, first: Offset, commands: &[Command]) -> Vec<Decision> {
    let mut decisions = Vec::with_capacity(commands.len());
    for (offset, command) in (first..).zip(commands) {
        let decision = decide(state, Input::Command(command), at(offset));
        state.fold(&decision);
        decisions.push(decision);
    }
    decisions
}

/// The decisions of a thousand purchases, all of which get their unit.
pub(crate) fn held() -> Vec<Decision> {
    let mut state = State::default();
    announce(&mut state, 1_000_000);
    decide_all(&mut state, FIRST, &purchases(0))
}

pub(crate) fn at(offset: Offset) -> Context {
    Context { rules: schemas::log::RULES, offset, append_time: NOW, after: offset }
}
