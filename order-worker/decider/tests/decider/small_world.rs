//! A world so small that all of it can be played: up to 3 units, up to 4 requests of 2 customers in
//! every order, each of them perhaps sent twice, and the owner replaced before every decision.
//!
//! Worlds that have come to the same are gone on with once, and who is who does not matter: the
//! first customer is ann, her first key is k, the first payment is p.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use decider::{Context, Input, State, decide};
use schemas::log::{Command, DealTerms, Decision, Event, PaymentResult};
use schemas::{Digest, Offset, Timestamp};

use crate::auditor::Auditor;
use crate::orders::{
    adjust, announce, buy, cancel, close, customer, deal_id, euros, expire, pause, pay, reschedule,
    resume, retire, seconds, terms,
};

/// What is asked for, beside the time at which it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alphabet {
    /// Purchases, payments that succeed, cancellations, expiry.
    Orders,
    /// Everything.
    Whole,
}

/// Seconds that may pass before a request: none; a hold's; more than the deal lasts.
const PASSES: [i64; 3] = [0, 60, 600];

#[derive(Clone)]
struct World {
    state: State,
    auditor: Auditor,
    decisions: Vec<Arc<Decision>>,
    now: Timestamp,
}

impl World {
    fn announced(stock: u64, hold_seconds: u32) -> Self {
        let (state, auditor) = (State::default(), Auditor::default());
        let mut world = Self { state, auditor, decisions: Vec::new(), now: seconds(100) };
        let limit_per_customer = 2;
        let terms = DealTerms { stock, hold_seconds, limit_per_customer, ..terms() };
        let command = announce("d", terms);
        let decision = world.decided(&world.state, &command);
        world.take(&command, decision);
        world
    }

    fn decided(&self, state: &State, command: &Command) -> Decision {
        let offset = self.decisions.len() as Offset + 1;
        let context = Context { rules: 1, offset, append_time: self.now, after: offset };
        decide(state, Input::Command(command), context)
    }

    /// The world after one more request, checked.
    fn after(&self, owners: &[State; 2], pass: i64, command: &Command) -> Self {
        let mut next = self.clone();
        next.now = self.now.plus(Duration::from_secs(pass.unsigned_abs()));
        let decision = next.decided(&self.state, command);
        for owner in owners {
            assert_eq!(next.decided(owner, command), decision, "I4: another owner says otherwise");
        }
        next.take(command, decision);
        if let Command::PlacePurchase(_) = command {
            let again = next.decided(&next.state, command);
            assert!(!again.events.iter().any(takes_units), "I5: {:?}", again.events);
        }
        next
    }

    fn take(&mut self, command: &Command, decision: Decision) {
        self.state.fold(&decision);
        self.auditor.audit(command, &decision);
        self.auditor.compare(&self.state);
        if let Some(deal) = self.state.deal(&deal_id("d")) {
            let sum = i128::from(deal.announced) + i128::from(deal.adjustments);
            let counted = deal.stock_left + deal.held + deal.confirmed;
            assert_eq!(i128::from(counted), sum, "I1");
        }
        self.decisions.push(Arc::new(decision));
    }

    /// What the next owner starts with: a snapshot, or the whole log.
    fn owners(&self) -> [State; 2] {
        let bytes = self.state.encode();
        let restored = State::decode(&bytes).unwrap();
        let mut rebuilt = State::default();
        self.decisions.iter().for_each(|decision| rebuilt.fold(decision));
        assert_eq!(rebuilt.encode(), bytes, "the fold gives the same bytes");
        [restored, rebuilt]
    }

    /// Two worlds with one key have the same future, apart from the offsets in it.
    fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.state.encode().hash(&mut hasher);
        format!("{:?}", self.auditor).hash(&mut hasher);
        hasher.finish()
    }

    fn requests(&self, alphabet: Alphabet) -> Vec<Command> {
        let mut requests = self.purchases();
        let paid = |id: &str| self.state.payment_summary(Digest::of_payment(id)).is_some();
        let ids = if paid("p") { &["p", "q"][..] } else { &["p"] };
        for (order, buyer, _, units) in self.auditor.orders() {
            let (own, other) =
                if buyer == customer("ann") { ("ann", "bob") } else { ("bob", "ann") };
            requests.push(cancel(order, own));
            let price = 100 * i64::from(units.max(1));
            for id in ids {
                requests.push(pay(order, id, PaymentResult::Succeeded, euros(price)));
                if alphabet == Alphabet::Whole {
                    requests.push(pay(order, id, PaymentResult::Failed, euros(price)));
                    requests.push(pay(order, id, PaymentResult::Refunded, euros(price)));
                    requests.push(pay(order, id, PaymentResult::Succeeded, euros(1)));
                }
            }
            if alphabet == Alphabet::Whole {
                requests.push(cancel(order, other));
            }
        }
        requests.push(expire());
        if alphabet == Alphabet::Whole {
            requests.push(pay(99, "p", PaymentResult::Succeeded, euros(100)));
            requests.extend([adjust("d", 1, "a"), adjust("d", -1, "a"), adjust("d", -1, "b")]);
            requests.extend([pause("d"), resume("d"), close("d"), retire("d", seconds(700))]);
            requests.push(reschedule("d", None, Some(seconds(900))));
        }
        requests
    }

    fn purchases(&self) -> Vec<Command> {
        let known = |name: &str, key: &str| {
            let (buyer, key) = (customer(name), Digest::of_key(customer(name).0, key));
            self.auditor.orders().any(|order| (order.1, order.2) == (buyer, key))
        };
        let mut purchases = Vec::new();
        for (name, may_come) in [("ann", true), ("bob", known("ann", "k"))] {
            for (key, may_use) in [("k", may_come), ("l", may_come && known(name, "k"))] {
                let units = (1..=2).filter(|_| may_use);
                purchases.extend(units.map(|units| buy("d", name, key, units)));
            }
        }
        purchases
    }
}

fn takes_units(event: &Event) -> bool {
    ["order_held", "order_confirmed"].contains(&event.kind())
}

/// Plays all of up to `depth` requests; how many worlds there are, and how many requests were
/// decided in them.
fn play_all(first: World, alphabet: Alphabet, depth: usize) -> (usize, usize) {
    let mut seen = BTreeSet::from([first.key()]);
    let (mut level, mut decided) = (vec![first], 0);
    for left in (0..depth).rev() {
        let mut next_level = Vec::new();
        for world in level {
            let owners = world.owners();
            for command in world.requests(alphabet) {
                for pass in PASSES {
                    let next = world.after(&owners, pass, &command);
                    decided += 1;
                    if left > 0 && seen.insert(next.key()) {
                        next_level.push(next);
                    }
                }
            }
        }
        level = next_level;
    }
    (seen.len(), decided)
}

fn play_every_stock(alphabet: Alphabet, depth: usize) {
    for stock in 0..=3 {
        for hold_seconds in [0, 60] {
            let first = World::announced(stock, hold_seconds);
            let (worlds, decided) = play_all(first, alphabet, depth);
            println!(
                "{alphabet:?}, {stock} units held for {hold_seconds} s, {depth} requests: \
                 {worlds} worlds, {decided} decisions"
            );
        }
    }
}

#[test]
fn every_order_of_a_few_requests_keeps_the_promises() {
    play_every_stock(Alphabet::Orders, 4);
    play_every_stock(Alphabet::Whole, 3);
}

#[test]
fn every_order_of_all_requests_keeps_the_promises() {
    if std::env::var("TIMEDEAL_WORLDS").is_err() {
        println!("TIMEDEAL_WORLDS does not ask for it");
        return;
    }
    play_every_stock(Alphabet::Whole, 4);
}
