//! Gauges say how far behind a partition is, and only those of the worker that has it.

use std::time::Duration;

use event_log::{Record, headers};
use order_worker::{Order, PartitionWorker};
use schemas::DealId;

use crate::gauges::Gauges;
use crate::world::{World, eager, pass, settle};

fn measured(world: &World, seed: u64) -> (PartitionWorker, Gauges) {
    let gauges = Gauges::default();
    let worker = gauges.of(|| world.worker(seed, eager()));
    (worker, gauges)
}

fn look_again(world: &World, worker: &mut PartitionWorker) {
    pass(world, worker, Duration::from_secs(11));
    settle(worker);
}

/// An owner with three decisions that the log has not acknowledged.
fn behind(world: &World, worker: &mut PartitionWorker) -> DealId {
    let deal_id = world.announce(10, 0);
    settle(worker);
    for _ in 0..3 {
        world.buy(deal_id);
        world.decisions.hold_next(0);
    }
    settle(worker);
    deal_id
}

#[test]
fn a_parked_partition_falls_behind() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let (mut worker, gauges) = measured(&world, 1);
    settle(&mut worker);
    world.send_bytes(br#"{"v":1,"type":"gift_wrap_order"}"#.to_vec());
    settle(&mut worker);
    assert_eq!(gauges.parked(), 1.0);
    for looks in 1..4 {
        world.buy(deal_id);
        look_again(&world, &mut worker);
        assert_eq!(gauges.lag(), (f64::from(1 + looks), f64::from(11 * looks)));
    }
    assert_eq!(world.board.list()[0].commands_end, 6, "operators see it too");
}

#[test]
fn a_partition_that_was_never_owned_falls_behind_too() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    world.clock.step_wall(-120_000);
    let (mut worker, gauges) = measured(&world, 1);
    settle(&mut worker);
    assert_eq!((gauges.parked(), gauges.lag().0), (1.0, 1.0));
    world.buy(deal_id);
    look_again(&world, &mut worker);
    assert_eq!((gauges.parked(), gauges.lag().0), (1.0, 2.0));
}

#[test]
fn what_was_sent_and_not_acknowledged_waits_and_grows_old() {
    let world = World::new();
    let (mut worker, gauges) = measured(&world, 1);
    behind(&world, &mut worker);
    assert_eq!(gauges.lag(), (3.0, 0.0));
    pass(&world, &mut worker, Duration::from_secs(3));
    settle(&mut worker);
    assert_eq!(gauges.lag(), (3.0, 3.0));
}

#[test]
fn who_has_lost_a_partition_says_nothing_of_it() {
    let world = World::new();
    let (mut worker, gauges) = measured(&world, 1);
    behind(&world, &mut worker);
    assert_eq!(gauges.lag().0, 3.0);
    settle(&mut world.worker(2, eager()));
    settle(&mut worker);
    assert_eq!(gauges.lag(), (0.0, 0.0));
}

#[test]
fn who_rests_says_nothing_at_once() {
    let world = World::new();
    let (mut worker, gauges) = measured(&world, 1);
    behind(&world, &mut worker);
    worker.follow(Order::Rest);
    assert_eq!(gauges.lag(), (0.0, 0.0));
}

#[test]
fn what_parks_a_partition_while_it_rests_is_its_owners_alarm() {
    let world = World::new();
    let (mut worker, gauges) = measured(&world, 1);
    behind(&world, &mut worker);
    worker.follow(Order::Rest);
    // Nobody has claimed epoch 9: whoever reads it parks.
    let payload = br#"{"v":1,"type":"decision","offset":2,"after":2,"log_time":1,"events":[]}"#;
    let headers = headers([("epoch", "9".to_owned()), ("claim", "0".repeat(32))]);
    let record = Record { headers, payload: payload.to_vec().into(), ..Record::default() };
    world.decisions.append_raw(0, record);
    settle(&mut worker);
    assert_eq!(gauges.parked(), 0.0);
    worker.follow(Order::Own);
    settle(&mut worker);
    assert_eq!((gauges.parked(), gauges.lag().0), (1.0, 3.0), "now it is this worker's");
}
