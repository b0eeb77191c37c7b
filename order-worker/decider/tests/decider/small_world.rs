//! A world so small that all of it can be played: up to 3 units, up to 4 requests in every order,
//! each of them perhaps sent twice, and the owner replaced after every decision.

use decider::State;
use schemas::log::{Command, DealTerms, PaymentResult};

use crate::orders::{announce, buy, cancel, deal_id, euros, expire, pay, seconds, terms};
use crate::world::World;

/// The requests from which up to four are chosen. The first purchase stands at offset 2, so that is
/// the order that is paid and given up, whosever it is.
fn requests() -> Vec<Command> {
    vec![
        buy("d", "ann", "k", 1),
        buy("d", "ann", "l", 2),
        buy("d", "bob", "k", 2),
        cancel(2, "ann"),
        pay(2, "p", PaymentResult::Succeeded, euros(100)),
        expire(),
    ]
}

/// Plays every sequence of up to `depth` more requests, each at the second it is given, and each
/// once from the state itself and once from one that another owner has rebuilt.
fn play_all(world: &World, requests: &[Command], depth: usize, played: &mut u64) {
    *played += 1;
    if depth == 0 {
        return;
    }
    for request in requests {
        for second in [100, 160] {
            let mut next = world.clone();
            next.state = restored(world);
            next.command(request, seconds(second));
            check_sum(&next);
            // The same request once more is a duplicate: it stays among those to choose from.
            play_all(&next, requests, depth - 1, played);
        }
    }
}

/// What the next owner starts with: half of the time a snapshot, half of the time the whole log.
fn restored(world: &World) -> State {
    if world.decisions.len().is_multiple_of(2) {
        State::decode(&world.state.encode()).unwrap()
    } else {
        world.rebuilt()
    }
}

fn check_sum(world: &World) {
    let deal = world.state.deal(&deal_id("d")).unwrap();
    assert_eq!(deal.stock_left + deal.held + deal.confirmed, deal.announced, "I1");
}

#[test]
fn every_order_of_a_few_requests_keeps_the_promises() {
    let mut played = 0;
    for stock in 0..=3 {
        for hold_seconds in [0, 60] {
            let depth = if stock == 2 { 4 } else { 3 };
            let mut world = World::new();
            let limit_per_customer = 2;
            let terms = DealTerms { stock, hold_seconds, limit_per_customer, ..terms() };
            world.command(&announce("d", terms), seconds(0));
            play_all(&world, &requests(), depth, &mut played);
        }
    }
    assert_eq!(
        played,
        2 * (3 * (1 + 12 + 12_u64.pow(2) + 12_u64.pow(3))
            + (1 + 12 + 12_u64.pow(2) + 12_u64.pow(3) + 12_u64.pow(4)))
    );
}
