//! Reminders: holds that run out, clocks that disagree.

use std::time::Duration;

use order_worker::WorkerOptions;
use schemas::log::Event;

use crate::world::{World, eager, pass, settle};

fn ticks(world: &World) -> usize {
    let expired = |event: &Event| matches!(event, Event::OrderExpired(_));
    let purchase = |event: &Event| matches!(event, Event::OrderHeld(_) | Event::DealAnnounced(_));
    let decisions = world.effective();
    decisions
        .iter()
        .filter(|it| it.events.iter().all(expired) && !it.events.iter().any(purchase))
        .count()
}

fn expired(world: &World) -> usize {
    let events = world.effective().into_iter().flat_map(|decision| decision.events);
    events.filter(|event| matches!(event, Event::OrderExpired(_))).count()
}

#[test]
fn twenty_thousand_holds_due_in_one_second_take_forty_ticks() {
    let world = World::new();
    let deal_id = world.announce(20_000, 60);
    (0..20_000).for_each(|_| world.buy(deal_id));
    let mut worker = world.worker(1, WorkerOptions::default());
    settle(&mut worker);
    assert_eq!(expired(&world), 0);
    world.clock.advance(Duration::from_secs(61));
    for _ in 0..100 {
        pass(&world, &mut worker, Duration::from_secs(1));
        settle(&mut worker);
    }
    assert_eq!(expired(&world), 20_000);
    assert_eq!(ticks(&world), 20_000_usize.div_ceil(512));
    world.assert_all_decided();
}

#[test]
fn a_clock_three_seconds_ahead_neither_expires_early_nor_floods_the_log() {
    let world = World::with_log_clock_behind(Duration::from_secs(3));
    let deal_id = world.announce(1, 60);
    world.buy(deal_id);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    for _ in 0..700 {
        pass(&world, &mut worker, Duration::from_millis(100));
        settle(&mut worker);
        if expired(&world) == 1 {
            break;
        }
    }
    assert_eq!(expired(&world), 1);
    let decisions = world.effective();
    let held = decisions.iter().find_map(|it| match &it.events[..] {
        [Event::OrderHeld(event)] => Some(event.expires_at),
        _ => None,
    });
    let last = decisions.last().unwrap();
    assert!(last.log_time >= held.unwrap(), "by the log's time the hold had run out");
    assert!(ticks(&world) <= 3, "one tick too early, then one when it is due");
}

#[test]
fn a_deal_is_retired_long_after_it_closed() {
    let world = World::new();
    let deal_id = world.announce(1, 0);
    world.buy(deal_id);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    let retired = || {
        let events = world.effective().into_iter().flat_map(|decision| decision.events);
        events.filter(|event| matches!(event, Event::DealRetired(_))).count()
    };
    world.clock.advance(Duration::from_secs(86_400 * 30));
    pass(&world, &mut worker, Duration::from_secs(1));
    settle(&mut worker);
    assert_eq!(retired(), 0);
    world.clock.advance(Duration::from_secs(86_400));
    for _ in 0..5 {
        pass(&world, &mut worker, Duration::from_secs(1));
        settle(&mut worker);
    }
    assert_eq!(retired(), 1);
}
