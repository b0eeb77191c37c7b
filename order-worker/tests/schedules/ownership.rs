//! Lost appends, zombies, claims and snapshots.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use decision_log::Verdict;
use event_log::{Fate, ReadLimits};
use futures_executor::block_on;
use order_worker::{Order, PartitionWorker, Phase, Share, Step, WorkerOptions};

use crate::world::{World, eager, pass, settle, settle_over};

#[test]
fn a_lost_append_before_a_kept_one_loses_no_decision() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    world.buy(deal_id);
    world.buy(deal_id);
    world.decisions.lose_next_silently(0);
    settle_over(&world, &mut worker);
    world.assert_all_decided();
    assert_eq!(world.confirmed(), 2);
    assert_eq!(world.verdicts(Verdict::Gap), 1, "the kept append stood in the log and was ignored");
    assert_eq!(world.verdicts(Verdict::Owner), 2, "its owner started over");
}

#[test]
fn an_append_of_unknown_outcome_that_landed_is_not_doubled() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    world.buy(deal_id);
    world.decisions.hold_next(0);
    settle(&mut worker);
    assert_eq!(world.effective().len(), 1, "only the announcement is decided");
    let mut second = world.worker(2, eager());
    settle(&mut second);
    world.assert_all_decided();
    world.decisions.release(0);
    settle_over(&world, &mut worker);
    world.assert_all_decided();
    assert_eq!(world.confirmed(), 1);
}

#[test]
fn a_zombie_between_the_new_owners_records_is_fenced() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let mut zombie = world.worker(1, eager());
    settle(&mut zombie);
    world.buy(deal_id);
    world.decisions.hold_next(0);
    settle(&mut zombie);
    let mut owner = world.worker(2, eager());
    settle(&mut owner);
    world.buy(deal_id);
    settle(&mut owner);
    world.decisions.release(0);
    world.buy(deal_id);
    settle(&mut owner);
    world.assert_all_decided();
    assert_eq!(world.verdicts(Verdict::Fenced), 1);
    assert_eq!(block_on(zombie.step()), Step::Busy, "it reads the new owner's record");
    assert_eq!(world.board.list()[0].phase, Phase::TakingOver, "and steps down");
}

#[test]
fn of_two_claims_by_equal_names_the_first_in_the_log_wins() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let mut first = world.worker(1, eager());
    let mut second = world.worker(2, eager());
    world.decisions.hold_next(0);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    {
        let mut claiming = std::pin::pin!(first.step());
        assert!(claiming.as_mut().poll(&mut context).is_pending(), "its claim is on its way");
        settle(&mut second);
        world.decisions.release(0);
        assert!(claiming.as_mut().poll(&mut context).is_ready(), "it has read its own claim");
    }
    assert_eq!(world.verdicts(Verdict::Owner), 1);
    assert_eq!(world.verdicts(Verdict::StaleOwner), 1);
    world.buy(deal_id);
    settle(&mut first);
    assert_eq!(world.effective().len(), 1, "the loser decides nothing");
    settle(&mut second);
    world.assert_all_decided();
}

/// A worker whose claim stands in the log, though it has given up waiting for it.
fn claimed_unheard(world: &World) -> PartitionWorker {
    let mut worker = world.worker(1, eager());
    world.decisions.hold_next(0);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    {
        let mut claiming = std::pin::pin!(worker.step());
        assert!(claiming.as_mut().poll(&mut context).is_pending());
        world.clock.advance(Duration::from_secs(6));
        assert!(claiming.as_mut().poll(&mut context).is_ready(), "patience has an end");
    }
    world.decisions.release(0);
    worker
}

#[test]
fn a_claim_that_lands_late_is_its_claimants_all_the_same() {
    let world = World::new();
    world.announce(10, 0);
    let mut worker = claimed_unheard(&world);
    settle_over(&world, &mut worker);
    assert_eq!(world.verdicts(Verdict::Owner), 1, "no second claim was needed");
    world.assert_all_decided();
}

#[test]
fn a_claim_that_was_won_and_outbid_before_it_was_heard_of_is_not_ours() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let mut late = claimed_unheard(&world);
    let mut owner = world.worker(2, eager());
    settle(&mut owner);
    world.buy(deal_id);
    pass(&world, &mut late, Duration::from_secs(1));
    settle(&mut late);
    assert_eq!(world.effective().len(), 1, "it does not decide in the other's name");
    settle(&mut owner);
    world.assert_all_decided();
    assert_eq!(world.verdicts(Verdict::Repeat { differs: false }), 0);
}

#[test]
fn a_claim_that_stands_before_the_snapshot_does_not_block_the_next_one() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let mut late = claimed_unheard(&world);
    let mut owner = world.worker(2, eager());
    settle(&mut owner);
    owner.drain();
    settle(&mut owner);
    assert_eq!(block_on(owner.step()), Step::Drained, "with a snapshot");
    world.buy(deal_id);
    settle_over(&world, &mut late);
    world.assert_all_decided();
}

#[test]
fn a_fenced_owner_claims_again_only_a_session_timeout_later() {
    let world = World::new();
    world.announce(10, 0);
    let mut first = world.worker(1, eager());
    settle(&mut first);
    let mut second = world.worker(2, eager());
    settle(&mut second);
    settle(&mut first);
    assert_eq!(world.verdicts(Verdict::Owner), 2, "it did not claim back at once");
    pass(&world, &mut first, Duration::from_secs(8));
    settle(&mut first);
    assert_eq!(world.verdicts(Verdict::Owner), 3);
}

#[test]
fn a_snapshot_never_holds_what_was_not_read_back() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let often = WorkerOptions { snapshot_decisions: 1, snapshot_pause: Duration::ZERO, ..eager() };
    let mut worker = world.worker(1, often);
    settle(&mut worker);
    let before = block_on(world.snapshots().load(0)).unwrap().unwrap().filter;
    assert_eq!(before.decided_next, 2);
    world.buy(deal_id);
    world.decisions.hold_next(0);
    settle(&mut worker);
    let ahead = block_on(world.snapshots().load(0)).unwrap().unwrap().filter;
    assert_eq!(ahead, before, "the decision is not in the log yet");
    world.decisions.discard(0);
    world.buy(deal_id);
    settle_over(&world, &mut worker);
    world.assert_all_decided();
    let after = block_on(world.snapshots().load(0)).unwrap().unwrap();
    assert_eq!(after.filter, world.entries().1, "the fold of exactly what stands in the log");
    assert_eq!(after.state.log_time(), after.filter.log_time);
}

#[test]
fn a_snapshot_and_the_whole_log_rebuild_the_same_state() {
    let world = World::new();
    let deal_id = world.announce(3, 0);
    let mut worker = world.worker(1, eager());
    (0..5).for_each(|_| world.buy(deal_id));
    settle(&mut worker);
    worker.drain();
    settle(&mut worker);
    assert_eq!(block_on(worker.step()), Step::Drained);
    let stored = block_on(world.snapshots().load(0)).unwrap().unwrap();
    let mut folded = decider::State::default();
    world.effective().iter().for_each(|decision| folded.fold(decision));
    assert_eq!(stored.state.encode(), folded.encode());
    assert_eq!(world.confirmed(), 3);
}

#[test]
fn a_full_pipeline_decides_everything_in_order() {
    let world = World::new();
    let deal_id = world.announce(100, 0);
    (0..1_000).for_each(|_| world.buy(deal_id));
    let batch = ReadLimits { records_max: 7, ..WorkerOptions::default().batch };
    let mut worker = world.worker(1, WorkerOptions { batch, ..WorkerOptions::default() });
    settle(&mut worker);
    world.assert_all_decided();
    assert_eq!(world.confirmed(), 100);
}

#[test]
fn a_partition_gets_more_of_what_may_wait_when_another_goes() {
    let world = World::new();
    let deal_id = world.announce(100, 0);
    let share = Share::new(8);
    let worker = |seed| world.worker(seed, WorkerOptions::default()).sharing(&share);
    let (mut worker, mut other) = (worker(1), worker(2));
    settle(&mut worker);
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sizes);
    world.decisions.set_fates(move |_, records| {
        seen.lock().unwrap().push(records.len());
        Fate::Held
    });
    let mut held = || {
        (0..20).for_each(|_| world.buy(deal_id));
        settle(&mut worker);
        world.decisions.release(0);
        settle(&mut worker);
        world.decisions.release(0);
        std::mem::take(&mut *sizes.lock().unwrap())[..4].to_vec()
    };
    assert_eq!(held(), [1; 4]);
    other.follow(Order::Rest);
    assert_eq!(held(), [2; 4]);
    other.follow(Order::Own);
    assert_eq!(held(), [1; 4]);
}
