//! When a partition that is asked back is given: not before everything of its worker is in the log.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use decision_log::Verdict;
use event_log::{Assignment, Assignments, Log};
use futures_executor::block_on;
use futures_util::FutureExt;
use order_worker::{Given, GroupGone, Order, PartitionWorker, Phase, Pool, PoolParts, WorkerParts};
use platform::shutdown::{ShutdownToken, TaskFault, TaskFaultKind, TaskGroup};
use tokio::sync::{oneshot, watch};

use crate::gate::Gate;
use crate::world::{World, eager, settle, until};

/// The pool of one worker; all of it runs on this test's own runtime.
struct Process {
    pool: Pool,
    stop: ShutdownToken,
    group: TaskGroup,
}

impl Process {
    fn start(world: &World, parts: WorkerParts) -> Self {
        let worker = PartitionWorker::new(parts, eager(), 1);
        let stop = ShutdownToken::new();
        let mut group = TaskGroup::new(stop.clone());
        let parts = PoolParts { workers: vec![(0, worker)], clock: Arc::new(world.clock.clone()) };
        Self { pool: Pool::start(parts, &mut group), stop, group }
    }

    async fn give_back(&self) {
        let (done, answer) = oneshot::channel();
        self.pool.step(Assignment::Revoked { partitions: vec![0], done }).await;
        answer.await.unwrap();
    }

    async fn end(self) {
        self.stop.trigger();
        assert!(self.group.join_all(Duration::from_secs(20)).await.is_clean());
    }
}

#[tokio::test]
async fn a_step_that_had_begun_before_the_revoke_is_waited_for() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let gate = Gate::new(&world.commands);
    let process =
        Process::start(&world, WorkerParts { commands: Arc::new(gate.clone()), ..world.parts() });
    process.pool.step(Assignment::Assigned(vec![0])).await;
    until(|| world.entries().1.decided_next == 2).await;
    process.give_back().await;
    // It is at rest. Now its first step after it gets the partition again takes its time.
    gate.open(false);
    world.buy(deal_id);
    process.pool.step(Assignment::Assigned(vec![0])).await;
    until(|| gate.readers() > 0).await;
    {
        let mut giving = pin!(process.give_back());
        assert!(giving.as_mut().now_or_never().is_none(), "the step may append something yet");
        gate.open(true);
        giving.await;
    }
    let before = block_on(world.decisions.end(0)).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(block_on(world.decisions.end(0)).unwrap(), before, "it appends nothing more");
    process.end().await;
}

#[tokio::test]
async fn a_claim_that_is_on_its_way_is_waited_for() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let process = Process::start(&world, world.parts());
    process.pool.step(Assignment::Lost(vec![0])).await;
    world.decisions.hold_next(0);
    process.pool.step(Assignment::Assigned(vec![0])).await;
    until(|| world.decisions.held(0) == 1).await;
    {
        let mut giving = pin!(process.give_back());
        for _ in 0..10 {
            assert!(giving.as_mut().now_or_never().is_none(), "its claim would fence the next");
            tokio::task::yield_now().await;
        }
        world.decisions.release(0);
        giving.await;
    }
    let mut next = world.worker(2, eager());
    settle(&mut next);
    world.buy(deal_id);
    settle(&mut next);
    world.assert_all_decided();
    assert_eq!(world.verdicts(Verdict::Owner), 2, "the next owner was not disturbed");
    process.end().await;
}

#[test]
fn a_worker_that_waits_for_its_turn_is_not_at_rest_while_its_claim_may_land() {
    let world = World::new();
    world.announce(10, 0);
    for lands in [true, false] {
        let mut worker = world.worker(1, eager());
        world.decisions.hold_next(0);
        assert!(worker.step().now_or_never().is_none(), "its claim is on its way");
        worker.follow(Order::Rest);
        settle(&mut worker);
        assert!(!worker.is_at_rest());
        assert!(worker.wait().now_or_never().is_none());
        if lands {
            world.decisions.release(0)
        } else {
            world.decisions.discard(0)
        };
        assert!(worker.wait().now_or_never().is_some(), "whoever waits is told");
        settle(&mut worker);
        assert!(worker.is_at_rest());
    }
}

#[tokio::test]
async fn a_process_whose_group_is_gone_stops() {
    let world = World::new();
    world.announce(10, 0);
    let Process { pool, stop, mut group } = Process::start(&world, world.parts());
    let (changes, assignments) = Assignments::channel();
    let run = pool.run(Given::WhileMember(assignments), stop.clone());
    group.spawn_fallible("assignments", run);
    changes.send(Assignment::Assigned(vec![0])).await.unwrap();
    until(|| world.board.list()[0].phase == Phase::Owning).await;
    assert!(!stop.is_cancelled());
    drop(changes);
    until(|| stop.is_cancelled()).await;
    let report = group.join_all(Duration::from_secs(20)).await;
    let kind = TaskFaultKind::Failed(GroupGone.to_string());
    assert_eq!(report.faults, [TaskFault { task: "assignments".to_owned(), kind }]);
    world.assert_all_decided();
}

#[tokio::test]
async fn what_no_group_has_given_stays() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let Process { pool, stop, mut group } = Process::start(&world, world.parts());
    group.spawn_fallible("assignments", pool.run(Assignments::all(1).into(), stop.clone()));
    for wanted in 2..10 {
        until(|| world.entries().1.decided_next == wanted).await;
        world.buy(deal_id);
    }
    assert!(!stop.is_cancelled());
    stop.trigger();
    assert!(group.join_all(Duration::from_secs(20)).await.is_clean());
}

#[tokio::test]
async fn an_order_that_nobody_can_change_any_more_stays() {
    let world = World::new();
    world.announce(10, 0);
    let (orders, told) = watch::channel(Order::Own);
    drop(orders);
    let (rest, _rested) = watch::channel(false);
    let stop = ShutdownToken::new();
    let running = tokio::spawn(world.worker(1, eager()).run(told, rest, stop.clone()));
    until(|| world.board.list()[0].phase == Phase::Owning).await;
    stop.trigger();
    running.await.unwrap();
}
