//! Snapshots save time: making and reading them holds nobody up, and who gets none goes on.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use decision_log::Verdict;
use event_log::{Assignments, Log};
use futures_executor::block_on;
use futures_util::FutureExt;
use object_store::{ObjectStore, ObjectStoreExt};
use order_worker::{
    PartitionWorker, Phase, Pool, PoolParts, Snapshots, Step, Work, WorkerOptions, WorkerParts,
};
use platform::shutdown::{ShutdownToken, TaskGroup};
use schemas::log::FilterState;

use crate::store::{Mood, MoodyStore};
use crate::world::{World, eager, settle};

/// Options under which every decision is worth a snapshot.
fn often() -> WorkerOptions {
    WorkerOptions { snapshot_decisions: 1, snapshot_pause: Duration::ZERO, ..eager() }
}

fn on(world: &World, store: &Arc<MoodyStore>) -> WorkerParts {
    let snapshots = Snapshots::new(Arc::clone(store) as Arc<dyn ObjectStore>, 7);
    WorkerParts { snapshots, ..world.parts() }
}

/// A partition with one deal and one purchase, both in a snapshot.
fn stored(world: &World, store: &Arc<MoodyStore>) {
    let deal_id = world.announce(10, 0);
    world.buy(deal_id);
    settle(&mut PartitionWorker::new(on(world, store), often(), 1));
    world.assert_all_decided();
}

#[test]
fn a_store_that_is_no_use_is_done_without() {
    for (mood, clock_steps) in [(Mood::Broken, 0), (Mood::Silent, 1), (Mood::Stuck, 1)] {
        let world = World::new();
        let store = Arc::new(MoodyStore::default());
        stored(&world, &store);
        store.turn(mood);
        let mut next = PartitionWorker::new(on(&world, &store), eager(), 2);
        {
            let mut taking_over = std::pin::pin!(next.step());
            for _ in 0..clock_steps {
                assert!(taking_over.as_mut().now_or_never().is_none(), "{mood:?}");
                world.clock.advance(Duration::from_secs(20));
            }
            assert_eq!(taking_over.now_or_never(), Some(Step::Busy), "{mood:?}");
        }
        assert_eq!(world.board.list()[0].phase, Phase::Owning, "{mood:?}");
        assert_eq!(world.verdicts(Verdict::Owner), 2, "{mood:?}");
        world.announce(10, 0);
        settle(&mut next);
        world.assert_all_decided();
    }
}

/// Those of the log that it replaced would have parked it, had they been seen.
#[test]
fn a_new_log_is_not_begun_while_the_store_says_nothing() {
    let world = World::new();
    let store = Arc::new(MoodyStore::default());
    world.announce(10, 0);
    store.turn(Mood::Broken);
    let mut worker = PartitionWorker::new(on(&world, &store), eager(), 1);
    assert_eq!(worker.step().now_or_never(), Some(Step::Busy));
    assert_eq!(world.board.list()[0].phase, Phase::TakingOver);
    assert_eq!(world.verdicts(Verdict::Owner), 0);
}

/// Work that is done when the test says so.
fn later(snapshots: Snapshots) -> (Snapshots, mpsc::Receiver<Work>) {
    let (sender, work) = mpsc::channel();
    let sender = Mutex::new(sender);
    let offload = move |work| sender.lock().unwrap().send(work).unwrap();
    (snapshots.offloaded_to(offload), work)
}

#[test]
fn a_snapshot_is_made_elsewhere_and_nothing_is_decided_meanwhile() {
    let world = World::new();
    let deal_id = world.announce(10, 0);
    let (snapshots, work) = later(world.snapshots());
    let parts = WorkerParts { snapshots, ..world.parts() };
    let mut worker = PartitionWorker::new(parts, often(), 1);
    settle(&mut worker);
    let make = work.try_recv().unwrap();
    world.buy(deal_id);
    settle(&mut worker);
    assert_eq!(world.effective().len(), 1, "its state is looked at");
    assert!(worker.wait().now_or_never().is_none());
    make();
    assert!(worker.wait().now_or_never().is_some(), "whoever waits is told");
    settle(&mut worker);
    world.assert_all_decided();
    let stored = block_on(world.snapshots().load(0)).unwrap().unwrap();
    assert_eq!(stored.filter.decided_next, 2);
    // The purchase is due for the next one. Whoever gives up on that holds nobody up either.
    drop(work.try_recv().unwrap());
    world.buy(deal_id);
    settle(&mut worker);
    world.assert_all_decided();
}

/// As a process has it: several threads, and others that may block.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_waits_for_its_last_snapshot() {
    let world = World::new();
    world.announce(10, 0);
    let snapshots = world.snapshots().offloaded_to(|work| drop(tokio::task::spawn_blocking(work)));
    for seed in 1..=2 {
        let parts = WorkerParts { snapshots: snapshots.clone(), ..world.parts() };
        let end = world.decisions.end(0).await.unwrap();
        let stop = ShutdownToken::new();
        let mut group = TaskGroup::new(stop.clone());
        let workers = vec![(0, PartitionWorker::new(parts, eager(), seed))];
        let pool = PoolParts { workers, clock: Arc::new(world.clock.clone()) };
        let pool = Pool::start(pool, &mut group);
        let run = pool.run(Assignments::all(1).into(), stop.clone());
        group.spawn_fallible("assignments", run);
        world.send_bytes(b"something to decide".to_vec());
        // Its claim, and a decision.
        world.decisions.wait(0, end + 1).await;
        stop.trigger();
        assert!(group.join_all(Duration::from_secs(20)).await.is_clean());
        let stored = world.snapshots().load(0).await.unwrap().unwrap().filter;
        assert_eq!(stored, world.entries().1);
    }
}

#[test]
fn a_snapshot_is_read_elsewhere() {
    let world = World::new();
    world.announce(10, 0);
    settle(&mut world.worker(1, often()));
    let (snapshots, work) = later(world.snapshots());
    let parts = WorkerParts { snapshots, ..world.parts() };
    let mut next = PartitionWorker::new(parts, eager(), 2);
    {
        let mut taking_over = std::pin::pin!(next.step());
        assert!(taking_over.as_mut().now_or_never().is_none());
        work.try_recv().unwrap()();
        assert_eq!(taking_over.now_or_never(), Some(Step::Busy));
    }
    assert_eq!(world.board.list()[0].phase, Phase::Owning);
}

#[test]
fn a_large_snapshot_is_uploaded_in_parts() {
    const LENGTHS: [(usize, usize); 4] =
        [(1, 0), (8 << 20, 0), ((8 << 20) + 1, 1), ((50 << 20) + 3, 1)];
    for (length, uploads) in LENGTHS {
        let store = Arc::new(MoodyStore::default());
        let snapshots = Snapshots::new(Arc::clone(&store) as Arc<dyn ObjectStore>, 7);
        let filter = FilterState { log_id: Some(7), read_offset: 1, ..FilterState::default() };
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        block_on(snapshots.save(0, &filter, bytes.clone())).unwrap();
        let listed =
            block_on(store.list_with_delimiter(Some(&"log-7/partition-0".into()))).unwrap();
        let got = block_on(async { store.get(&listed.objects[0].location).await?.bytes().await });
        assert!(got.unwrap() == bytes, "{length} bytes came back as others");
        assert_eq!(store.uploads(), uploads, "{length} bytes");
    }
}
