//! Partitions that are asked back, come back, or go to somebody else.

use std::sync::Arc;
use std::time::Duration;

use decision_log::Verdict;
use event_log::{Assignment, Log};
use futures_executor::block_on;
use order_worker::{Order, PartitionWorker, Phase, Pool, PoolParts, Step};
use platform::shutdown::{ShutdownToken, TaskGroup};
use schemas::DealId;
use tokio::sync::oneshot;

use crate::world::{World, eager, pass, settle};

fn owning(world: &World, seed: u64) -> (PartitionWorker, DealId) {
    let deal_id = world.announce(10, 0);
    let mut worker = world.worker(seed, eager());
    settle(&mut worker);
    (worker, deal_id)
}

fn ends(world: &World) -> (u64, u64) {
    (block_on(world.commands.end(0)).unwrap(), block_on(world.decisions.end(0)).unwrap())
}

#[test]
fn a_partition_is_given_back_only_when_what_was_decided_is_read_back() {
    let world = World::new();
    let (mut worker, deal_id) = owning(&world, 1);
    world.buy(deal_id);
    world.decisions.hold_next(0);
    settle(&mut worker);
    worker.follow(Order::Rest);
    settle(&mut worker);
    assert!(!worker.is_at_rest(), "a decision is on its way");
    world.decisions.release(0);
    settle(&mut worker);
    assert!(worker.is_at_rest());
    world.assert_all_decided();
}

#[test]
fn a_partition_that_comes_straight_back_is_not_claimed_again() {
    let world = World::new();
    let (mut worker, deal_id) = owning(&world, 1);
    worker.follow(Order::Rest);
    settle(&mut worker);
    world.buy(deal_id);
    settle(&mut worker);
    assert_eq!(world.effective().len(), 1, "it decides nothing while it rests");
    assert_eq!(world.board.list()[0].phase, Phase::Unassigned);
    worker.follow(Order::Own);
    settle(&mut worker);
    world.assert_all_decided();
    assert_eq!(world.verdicts(Verdict::Owner), 1, "what it knew was good still");
    assert_eq!(world.board.list()[0].phase, Phase::Owning);
}

#[test]
fn a_partition_that_somebody_else_had_is_taken_over_afresh() {
    let world = World::new();
    let (mut worker, deal_id) = owning(&world, 1);
    worker.follow(Order::Rest);
    settle(&mut worker);
    let mut other = world.worker(2, eager());
    world.buy(deal_id);
    settle(&mut other);
    other.follow(Order::Rest);
    settle(&mut other);
    world.buy(deal_id);
    worker.follow(Order::Own);
    // The former owner may be a dead one's late claim: a session is waited for.
    for _ in 0..3 {
        settle(&mut worker);
        pass(&world, &mut worker, Duration::from_secs(8));
    }
    settle(&mut worker);
    world.assert_all_decided();
    assert_eq!(world.verdicts(Verdict::Owner), 3);
    assert_eq!(world.confirmed(), 2);
}

#[test]
fn who_rests_appends_nothing_not_even_reminders() {
    let world = World::new();
    let deal_id = world.announce(10, 5);
    let mut worker = world.worker(1, eager());
    world.buy(deal_id);
    settle(&mut worker);
    worker.follow(Order::Rest);
    settle(&mut worker);
    let before = ends(&world);
    // The hold runs out meanwhile, and a snapshot would be due.
    for _ in 0..10 {
        pass(&world, &mut worker, Duration::from_secs(1));
        settle(&mut worker);
    }
    assert_eq!(ends(&world), before);
    worker.follow(Order::Own);
    for _ in 0..3 {
        settle(&mut worker);
        pass(&world, &mut worker, Duration::from_secs(1));
    }
    settle(&mut worker);
    assert!(ends(&world) > before, "the reminder comes when it is awake");
    world.assert_all_decided();
}

#[test]
fn who_never_had_a_partition_claims_it_only_when_it_is_given() {
    let world = World::new();
    world.announce(10, 0);
    let mut worker = world.worker(1, eager());
    worker.follow(Order::Rest);
    for _ in 0..3 {
        assert_eq!(block_on(worker.step()), Step::Idle);
        pass(&world, &mut worker, Duration::from_secs(10));
    }
    assert_eq!(world.verdicts(Verdict::Owner), 0);
    worker.follow(Order::Own);
    assert_eq!(world.board.list()[0].phase, Phase::TakingOver, "it is not ready before it is");
    settle(&mut worker);
    assert_eq!(world.verdicts(Verdict::Owner), 1);
}

#[test]
fn what_is_known_of_a_partition_that_stays_away_is_let_go() {
    let world = World::new();
    let (mut worker, deal_id) = owning(&world, 1);
    worker.follow(Order::Rest);
    settle(&mut worker);
    for _ in 0..20 {
        pass(&world, &mut worker, Duration::from_secs(1));
        settle(&mut worker);
    }
    world.buy(deal_id);
    worker.follow(Order::Own);
    settle(&mut worker);
    world.assert_all_decided();
    assert_eq!(world.verdicts(Verdict::Owner), 2, "it had to read up and claim anew");
}

#[test]
fn who_is_stopped_while_it_rests_is_done_at_once() {
    let world = World::new();
    let (mut worker, deal_id) = owning(&world, 1);
    worker.follow(Order::Rest);
    settle(&mut worker);
    world.buy(deal_id);
    let before = ends(&world);
    worker.drain();
    assert_eq!(block_on(worker.step()), Step::Drained);
    assert_eq!(ends(&world), before);
}

/// Two processes take turns; whatever is bought meanwhile is decided once and in order.
#[tokio::test]
async fn turns_of_two_pools_lose_nothing_and_double_nothing() {
    const TURNS: usize = 12;
    let world = World::new();
    let deal_id = world.announce(1_000, 0);
    let stop = ShutdownToken::new();
    let mut group = TaskGroup::new(stop.clone());
    let pools: Vec<Pool> = (1..=2)
        .map(|seed| {
            let workers = vec![(0, world.worker(seed, eager()))];
            let parts = PoolParts { workers, clock: Arc::new(world.clock.clone()) };
            Pool::start(parts, &mut group)
        })
        .collect();
    for turn in 0..TURNS {
        let pool = &pools[turn % 2];
        pool.step(Assignment::Assigned(vec![0])).await;
        (0..20).for_each(|_| world.buy(deal_id));
        let wanted = block_on(world.commands.end(0)).unwrap() / 2;
        while world.entries().1.decided_next < wanted {
            // Whoever was fenced waits for a session.
            world.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        let (done, answer) = oneshot::channel();
        pool.step(Assignment::Revoked { partitions: vec![0], done }).await;
        answer.await.unwrap();
        let before = ends(&world).1;
        tokio::task::yield_now().await;
        assert_eq!(ends(&world).1, before, "it has answered, so it appends nothing more");
    }
    pools[0].step(Assignment::Assigned(vec![0])).await;
    while world.entries().1.decided_next < block_on(world.commands.end(0)).unwrap() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    world.assert_all_decided();
    assert_eq!(world.confirmed(), 20 * TURNS);
    stop.trigger();
    assert!(group.join_all(Duration::from_secs(20)).await.is_clean());
}
