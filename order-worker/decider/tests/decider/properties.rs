//! Random scripts. [`World`] checks every step of them: the promises by an auditor that counts anew
//! (I1, I2, I5, I7, I8, I9), the same decision from a restored state (I4), the same bytes from a
//! rebuilt one. Here are the scripts, and what concerns a script as a whole.

use decider::Input;
use proptest::prelude::*;
use schemas::Timestamp;
use schemas::limits::STOCK_MAX;
use schemas::log::{Command, DealTerms, PaymentResult};

use crate::orders::{
    adjust, announce, buy, cancel, close, euros, expire, pause, pay, reschedule, resume, retire,
    seconds, terms,
};
use crate::world::World;

/// A step: seconds that pass, then a record.
type Step = (i64, Option<Command>);

fn deal() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("d"), 1 => Just("e")]
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["ann", "bob", "cyd"])
}

fn purchase() -> impl Strategy<Value = Command> {
    let key = prop::sample::select(vec!["k", "l", "m", "n", "o"]);
    (deal(), name(), key, 0_u32..5)
        .prop_map(|(deal, name, key, quantity)| buy(deal, name, key, quantity))
}

fn payment() -> impl Strategy<Value = Command> {
    let id = prop::sample::select(vec!["p", "q", "r", "s", "t", "u"]);
    let result = prop_oneof![
        1 => Just(PaymentResult::Failed),
        4 => Just(PaymentResult::Succeeded),
        1 => Just(PaymentResult::Refunded),
    ];
    let amount = prop_oneof![8 => (1_i64..4).prop_map(|units| 100 * units), 1 => any::<i64>()];
    (0_u64..40, id, result, amount)
        .prop_map(|(order, id, result, amount)| pay(order, id, result, euros(amount)))
}

/// Few, so that a retirement often names the right one.
fn closing() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![60, 120, 250])
}

fn announcement() -> impl Strategy<Value = Command> {
    let times = (prop_oneof![3 => Just(0_i64), 1 => 0_i64..60], closing());
    let counts = (0_u64..7, 1_u32..4, prop::sample::select(vec![0_u32, 0, 5, 20]));
    (deal(), times, counts).prop_map(|(deal, (opens, closes), (stock, limit, hold_seconds))| {
        let (opens_at, closes_at) = (seconds(opens), seconds(closes));
        let limit_per_customer = limit;
        let changed =
            DealTerms { stock, limit_per_customer, opens_at, closes_at, hold_seconds, ..terms() };
        announce(deal, changed)
    })
}

fn management() -> impl Strategy<Value = Command> {
    let time = || prop::option::of(closing().prop_map(seconds));
    let adjusted = (deal(), -4_i64..5, prop::sample::select(vec!["a", "b", "c", "d"]));
    prop_oneof![
        adjusted.prop_map(|(deal, delta, key)| adjust(deal, delta, key)),
        deal().prop_map(pause),
        deal().prop_map(resume),
        deal().prop_map(resume),
        (deal(), time(), time()).prop_map(|(deal, opens, closes)| reschedule(deal, opens, closes)),
        (deal(), closing()).prop_map(|(deal, closes)| retire(deal, seconds(closes))),
    ]
}

fn command() -> impl Strategy<Value = Option<Command>> {
    prop_oneof![
        2 => announcement().prop_map(Some),
        16 => purchase().prop_map(Some),
        6 => payment().prop_map(Some),
        4 => (0_u64..40, name()).prop_map(|(order, name)| Some(cancel(order, name))),
        3 => Just(Some(expire())),
        3 => management().prop_map(Some),
        1 => (deal(), 0..5).prop_map(|(deal, often)| (often == 0).then(|| close(deal))),
    ]
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    let pass = prop_oneof![6 => 0_i64..3, 2 => 0_i64..25, 1 => -30_i64..120];
    let opening = (Just(0), announcement().prop_map(Some));
    (opening, prop::collection::vec((pass, command()), 1..45)).prop_map(|(opening, mut steps)| {
        steps.insert(0, opening);
        steps
    })
}

/// Extremes of every number that a command carries.
fn absurd() -> impl Strategy<Value = Command> {
    let time = || prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0_i64)];
    let counts = (prop_oneof![any::<u64>(), 0..=STOCK_MAX], any::<u32>(), any::<u32>());
    let announced = (deal(), time(), time(), counts, any::<i64>()).prop_map(
        |(deal, opens, closes, counts, price)| {
            let (stock, limit_per_customer, hold_seconds) = counts;
            let opens_at = Timestamp::from_millis(opens);
            let closes_at = Timestamp::from_millis(closes);
            let price = euros(price);
            let changed = DealTerms {
                stock,
                limit_per_customer,
                opens_at,
                closes_at,
                hold_seconds,
                price,
                ..terms()
            };
            announce(deal, changed)
        },
    );
    let moved = (deal(), prop::option::of(time()), prop::option::of(time()));
    prop_oneof![
        announced,
        (deal(), name(), any::<u32>()).prop_map(|(deal, name, units)| buy(deal, name, "k", units)),
        (deal(), any::<i64>()).prop_map(|(deal, delta)| adjust(deal, delta, "a")),
        moved.prop_map(|(deal, opens, closes)| {
            let at = |millis: Option<i64>| millis.map(Timestamp::from_millis);
            reschedule(deal, at(opens), at(closes))
        }),
        (deal(), time()).prop_map(|(deal, at)| retire(deal, Timestamp::from_millis(at))),
        (any::<u64>(), name()).prop_map(|(order, name)| cancel(order, name)),
        (any::<u64>(), any::<i64>()).prop_map(|(order, amount)| {
            pay(order, "p", PaymentResult::Succeeded, euros(amount))
        }),
    ]
}

fn play(steps: &[Step]) -> World {
    let mut world = World::new();
    let mut now = 0;
    for (pass, command) in steps {
        now += pass;
        match command {
            Some(command) => world.command(command, seconds(now)),
            None => world.step(Input::Genesis, seconds(now)),
        };
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_script_keeps_the_promises(steps in script()) {
        play(&steps).rebuilt();
    }

    #[test]
    fn a_script_decided_again_gives_the_same_bytes(steps in script()) {
        let (once, again) = (play(&steps), play(&steps));
        for (one, other) in once.decisions.iter().zip(&again.decisions) {
            prop_assert_eq!(one.encode(), other.encode());
        }
        prop_assert_eq!(once.state.encode(), again.state.encode());
    }

    #[test]
    fn sending_a_purchase_again_takes_no_more_units(steps in script()) {
        let mut twice = Vec::new();
        for (pass, command) in steps {
            let again = command.clone().filter(|it| matches!(it, Command::PlacePurchase(_)));
            twice.push((pass, command));
            twice.extend(again.map(|command| (0, Some(command))));
        }
        let world = play(&twice);
        for pair in twice.windows(2).zip(world.decisions.windows(2)) {
            let ([(_, Some(first)), (0, Some(second))], [_, decision]) = pair else { continue };
            if first == second && matches!(first, Command::PlacePurchase(_)) {
                let took = decision.events.iter().any(|event| {
                    ["order_held", "order_confirmed"].contains(&event.kind())
                });
                prop_assert!(!took, "{:?}", decision.events);
            }
        }
    }

    #[test]
    fn absurd_numbers_never_panic(
        steps in prop::collection::vec(absurd(), 1..20),
        times in prop::collection::vec(any::<i64>(), 20),
    ) {
        let mut world = World::new();
        world.command(&announce("d", DealTerms { opens_at: seconds(0), ..terms() }), seconds(0));
        for (command, time) in steps.iter().zip(times) {
            world.command(command, Timestamp::from_millis(time % 1_000_000));
        }
        world.command(&expire(), Timestamp::from_millis(i64::MAX));
        world.rebuilt();
    }
}
