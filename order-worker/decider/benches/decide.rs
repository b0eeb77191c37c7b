//! Deciding and folding purchases of one hot deal, each by another customer under another key.
//!
//! The aim is 3 million a second on one core. Beside it, what a takeover pays for: the same state
//! written to a snapshot and read from one, in orders a second.

#![allow(missing_docs, reason = "the macros of the benchmark write functions of their own")]

use decider::{Context, Input, State, decide};
use divan::Bencher;
use divan::counter::ItemsCount;
use schemas::log::{AnnounceDeal, Command, DealTerms, PlacePurchase, Product};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Timestamp};
use uuid::Uuid;

const PURCHASES: u64 = 300_000;

fn main() {
    divan::main();
}

fn announcement(stock: u64, hold_seconds: u32) -> AnnounceDeal {
    let product = Product { name: "Lamp".into(), description: "".into(), image_url: None };
    AnnounceDeal {
        product_id: "lamp".parse().expect("a product id"),
        deal_key: "monday".parse().expect("a deal key"),
        terms: Box::new(DealTerms {
            product,
            title: "Lamps on Monday".into(),
            price: Money { amount: 1_990, currency: "EUR".parse().expect("a currency") },
            stock,
            limit_per_customer: 2,
            opens_at: Timestamp::EPOCH,
            closes_at: Timestamp::from_millis(1 << 34),
            hold_seconds,
        }),
        ticket_key: 1,
        received_at: Timestamp::EPOCH,
        actor: Uuid::nil(),
        admission: None,
    }
}

fn purchases(deal_id: DealId) -> Vec<Command> {
    let purchase = |number: u64| PlacePurchase {
        deal_id,
        customer: CustomerId(Uuid::from_u128(Digest::of("customer", &[&number.to_be_bytes()]).0)),
        key: Digest::of("key", &[&number.to_be_bytes()]),
        fingerprint: Fingerprint(7),
        quantity: 1,
        client_reference: None,
        ticket_key: 1,
        received_at: Timestamp::EPOCH,
        actor: Uuid::nil(),
        admission: None,
    };
    (0..PURCHASES).map(|number| Command::PlacePurchase(Box::new(purchase(number)))).collect()
}

fn step(state: &mut State, command: &Command, offset: u64) {
    let append_time = Timestamp::from_millis(i64::try_from(offset / 100).expect("small"));
    let context = Context { rules: 1, offset, append_time, after: offset };
    let decision = decide(state, Input::Command(command), context);
    state.fold(divan::black_box(&decision));
}

fn rush(bencher: Bencher<'_, '_>, stock: u64, hold_seconds: u32) {
    let announcement = announcement(stock, hold_seconds);
    let deal_id = DealId::of(&announcement.product_id, &announcement.deal_key);
    let commands = purchases(deal_id);
    let announcement = Command::AnnounceDeal(Box::new(announcement));
    bencher
        .counter(ItemsCount::new(PURCHASES))
        .with_inputs(|| {
            let mut state = State::default();
            step(&mut state, &announcement, 1);
            state
        })
        .bench_local_values(|mut state| {
            for (offset, command) in (2..).zip(&commands) {
                step(&mut state, command, offset);
            }
            state
        });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn confirmed_at_once(bencher: Bencher<'_, '_>) {
    rush(bencher, PURCHASES, 0);
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn held(bencher: Bencher<'_, '_>) {
    rush(bencher, PURCHASES, 600);
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn sold_out_after_a_thousand(bencher: Bencher<'_, '_>) {
    rush(bencher, 1_000, 600);
}

fn rushed() -> State {
    let announcement = announcement(PURCHASES, 600);
    let deal_id = DealId::of(&announcement.product_id, &announcement.deal_key);
    let mut state = State::default();
    step(&mut state, &Command::AnnounceDeal(Box::new(announcement)), 1);
    for (offset, command) in (2..).zip(&purchases(deal_id)) {
        step(&mut state, command, offset);
    }
    state
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn written_to_a_snapshot(bencher: Bencher<'_, '_>) {
    let state = rushed();
    bencher.counter(ItemsCount::new(PURCHASES)).bench_local(|| state.encode());
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn read_from_a_snapshot(bencher: Bencher<'_, '_>) {
    let bytes = rushed().encode();
    bencher
        .counter(ItemsCount::new(PURCHASES))
        .bench_local(|| State::decode(&bytes).expect("its own bytes"));
}
