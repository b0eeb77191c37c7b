//! Promises I5, I6 and I9 of any history, however the log, the read model and the view follow each
//! other, with orders leaving the view whenever they may, and gateways starting anew.

use std::collections::BTreeMap;

use futures_executor::block_on;
use gateway::admission::Door;
use gateway::status::{CommandState, Follower, OrderState, StatusView};
use proptest::prelude::*;
use read_model::{OrderFilter, OrderRow};
use schemas::http::ProblemCode;
use schemas::log::Event;

use crate::setup::{LOG_ID, Setup, position};
use crate::world::{self, Wish};

#[derive(Clone, Copy, Debug)]
enum Step {
    Decide(Wish),
    Project(usize),
    Follow,
    /// The view hears how far the read model is, and lets go of what it may.
    Evict,
    /// A new gateway, while the projector commits so many records between its reads.
    Restart {
        meanwhile: usize,
    },
    Store {
        is_down: bool,
    },
}

fn wish() -> impl Strategy<Value = Wish> {
    // Counted from the newest.
    let order = || 0usize..8;
    prop_oneof![
        12 => (0u8..3, 0u8..3, 0u8..12, 1u32..4).prop_map(|(deal, customer, key, quantity)| {
            Wish::Buy { deal, customer, key: key * 3 + customer, quantity }
        }),
        8 => order().prop_map(|order| Wish::Pay { order }),
        4 => order().prop_map(|order| Wish::Cancel { order }),
        6 => order().prop_map(|order| Wish::Expire { order }),
        3 => order().prop_map(|order| Wish::RefundDue { order }),
        2 => order().prop_map(|order| Wish::RefundSettled { order }),
        3 => (0u8..3).prop_map(|deal| Wish::Adjust { deal }),
        1 => (0u8..3).prop_map(|deal| Wish::Pause { deal }),
        1 => (0u8..3).prop_map(|deal| Wish::Reschedule { deal }),
        1 => (0u8..3).prop_map(|deal| Wish::Close { deal }),
        1 => (0u8..3).prop_map(|deal| Wish::Retire { deal }),
        1 => Just(Wish::Repeat),
        1 => Just(Wish::Nothing),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => wish().prop_map(Step::Decide),
        3 => (1usize..9).prop_map(Step::Project),
        4 => Just(Step::Follow),
        3 => Just(Step::Evict),
        1 => (0usize..9).prop_map(|meanwhile| Step::Restart { meanwhile }),
        1 => any::<bool>().prop_map(|is_down| Step::Store { is_down }),
    ]
}

/// Whatever a view answers is the truth as of some `decided_next`: its own, or a newer one that it
/// names. Statuses of a truth only move forward, so those of answers do.
fn check_orders(setup: &Setup, view: &StatusView, is_down: bool) {
    let seen = view.seen(0);
    for decision in &setup.decided {
        let answer = match block_on(view.order_at(LOG_ID, position(decision.offset))) {
            Err(code) => {
                assert_eq!((code, is_down), (ProblemCode::HistoryUnavailable, true));
                continue;
            }
            Ok(answer) => answer,
        };
        let as_of = answer.as_of.unwrap().decided_next;
        assert!(as_of >= seen, "an answer is never older than the view");
        let truth = setup.history[&as_of].get(&decision.offset);
        let repeats = decision.events.iter().find_map(first_of);
        match answer.state {
            OrderState::Queued { queue, .. } => {
                assert_eq!(
                    (queue.ahead, decision.offset),
                    (decision.offset - seen, seen + queue.ahead)
                );
            }
            OrderState::Decided(row) => assert_eq!(Some(&*row), truth),
            OrderState::Repeat(first) => assert_eq!(Some(first.offset), repeats),
            OrderState::NotAnOrder => assert_eq!((truth, repeats), (None, None)),
        }
    }
}

fn first_of(event: &Event) -> Option<u64> {
    if let Event::OrderRepeated(event) = event {
        return Some(event.first);
    }
    if let Event::CommandRepeated(event) = event { Some(event.first) } else { None }
}

fn check_commands(setup: &Setup, view: &StatusView, is_down: bool) {
    for decision in &setup.decided {
        let answer = match block_on(view.command_at(LOG_ID, position(decision.offset))) {
            Err(code) => {
                assert_eq!((code, is_down), (ProblemCode::HistoryUnavailable, true));
                continue;
            }
            Ok(answer) => answer,
        };
        let refused = matches!(decision.events.first(), Some(Event::CommandRefused(_)));
        match answer.state {
            CommandState::Queued(_) => assert!(decision.offset >= view.seen(0)),
            CommandState::Refused(_) => assert!(refused),
            CommandState::Accepted => assert!(!refused),
            CommandState::Repeat(_) => assert!(!refused),
            CommandState::NotACommand => {
                let orders = setup.history.last_key_value().unwrap().1;
                assert!(orders.contains_key(&decision.offset));
            }
        }
    }
}

fn check_pages(setup: &Setup, view: &StatusView) {
    let viewed = view.seen(0);
    for number in 0..3 {
        let customer = world::customer(number);
        let (mut after, mut rows) = (None, Vec::<OrderRow>::new());
        loop {
            let filter = OrderFilter { status: None, after, limit: 3 };
            let page = block_on(view.orders_of(customer, filter)).unwrap();
            let seen = page.seen.first().map_or(0, |(_, decided_next)| *decided_next);
            for row in &page.rows {
                let offset = row.position.offset;
                let truths = setup.history.range(viewed..=seen);
                assert!(truths.into_iter().any(|(_, truth)| truth.get(&offset) == Some(row)));
            }
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut listed: Vec<_> = rows.iter().map(|row| row.position.offset).collect();
        assert!(listed.is_sorted_by(|a, b| a > b), "newest first, each once");
        listed.reverse();
        let truth = &setup.history[&viewed];
        let own = truth.values().filter(|row| row.customer == customer);
        assert!(own.into_iter().all(|row| listed.binary_search(&row.position.offset).is_ok()));
    }
}

/// Keys that are bound in the history up to the view, and so must be known to it.
fn check_keys(setup: &Setup, view: &StatusView) {
    let mut bound = BTreeMap::new();
    // A gateway that starts while a deal retires may find its keys gone before it gets to know why;
    // it has not caught up then, so it lets nobody in.
    let retires = |deal_id| {
        let mut events = setup.decided.iter().flat_map(|decision| &decision.events);
        events.any(|event| matches!(event, Event::DealRetired(it) if it.deal_id == deal_id))
    };
    for decision in setup.decided.iter().filter(|decision| decision.offset < view.seen(0)) {
        for event in &decision.events {
            if let Event::OrderHeld(event) = event {
                bound.insert((event.deal_id, event.key), decision.offset);
            } else if let Event::OrderConfirmed(event) = event {
                bound.insert((event.deal_id, event.key), decision.offset);
            } else if let Event::DealRetired(event) = event {
                bound.retain(|key, _| key.0 != event.deal_id);
            }
        }
    }
    for deal in 0..3 {
        for key in 0..36 {
            let question = setup.question(deal, key, 1);
            let known = view.known_key(&question);
            match (bound.get(&(question.deal_id, question.key)), known) {
                (Some(offset), Some(Door::Known(found))) => assert_eq!(found, position(*offset)),
                (Some(_), Some(Door::KeyReused)) | (None, None) => {}
                (Some(_), None) if retires(question.deal_id) => {}
                (bound, known) => panic!("{bound:?} became {known:?}"),
            }
        }
    }
}

fn check_deals(setup: &Setup, view: &StatusView) {
    let mut truth = crate::memory_store::Rows::default();
    for decision in setup.decided.iter().filter(|decision| decision.offset < view.seen(0)) {
        truth.apply(0, &read_model::fold(LOG_ID, 0, decision));
    }
    let mut deals: Vec<_> = view.deals().iter().map(|deal| (**deal).clone()).collect();
    deals.sort_by_key(|deal| deal.deal_id);
    assert_eq!(deals, truth.deals.into_values().collect::<Vec<_>>());
}

fn run(steps: &[Step]) {
    let mut setup = Setup::new();
    for deal in 0..2 {
        setup.decide(Wish::Announce { deal, stock: 15, hold_seconds: 60 * u32::from(deal) });
    }
    let (mut view, mut follower): (StatusView, Follower) = setup.view();
    let mut is_down = false;
    for step in steps {
        match *step {
            Step::Decide(wish) => drop(setup.decide(wish)),
            Step::Project(records) if !is_down => setup.project(records),
            Step::Restart { meanwhile } if !is_down => {
                setup.store.freeze_deals();
                if meanwhile > 0 {
                    setup.project(meanwhile);
                }
                (view, follower) = setup.view();
            }
            Step::Project(_) | Step::Restart { .. } => {}
            Step::Follow => drop(block_on(follower.step()).unwrap()),
            Step::Evict => block_on(view.ask_store_once()),
            Step::Store { is_down: down } => {
                is_down = down;
                setup.store.set_down(down);
            }
        }
        check_orders(&setup, &view, is_down);
        check_commands(&setup, &view, is_down);
        check_keys(&setup, &view);
        if !is_down {
            check_pages(&setup, &view);
        }
    }
    check_deals(&setup, &view);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn a_view_over_a_read_model_answers_as_the_fold(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        run(&steps);
    }
}
