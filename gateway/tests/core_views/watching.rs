//! Watches of orders and deals: who is woken by what, counted and not timed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use event_log::ReadLimits;
use futures_executor::block_on;
use futures_util::task::{ArcWake, waker};
use futures_util::{FutureExt, pin_mut};
use gateway::status::StatusLimits;
use schemas::http::DealStatus;

use crate::setup::{self, Setup, catch_up, position};
use crate::world::{self, Wish};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl ArcWake for Wakes {
    fn wake_by_ref(this: &Arc<Self>) {
        this.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn buy(key: u8, quantity: u32) -> Wish {
    Wish::Buy { deal: 0, customer: 0, key, quantity }
}

#[test]
fn an_order_wakes_its_watchers_when_it_is_decided_and_when_it_changes() {
    let mut setup = Setup::new();
    let (view, mut follower) = setup.view();
    let mut watch = view.watch_order(position(2)).unwrap();
    setup.decide(Wish::Announce { deal: 0, stock: 10, hold_seconds: 60 });
    catch_up(&mut follower);
    assert!(watch.changed().now_or_never().is_none());
    setup.decide(buy(0, 1));
    catch_up(&mut follower);
    assert!(watch.changed().now_or_never().is_some());
    setup.decide(buy(1, 1));
    setup.decide(buy(0, 1));
    catch_up(&mut follower);
    assert!(watch.changed().now_or_never().is_none());
    setup.decide(Wish::Pay { order: 1 });
    catch_up(&mut follower);
    assert!(watch.changed().now_or_never().is_some());
    assert!(view.watch_order(schemas::Position { partition: 9, offset: 0 }).is_none());
}

#[test]
fn a_batch_wakes_a_watcher_after_all_of_it_was_applied() {
    let mut setup = Setup::new();
    let (view, mut follower) = setup.view();
    let watch = view.watch_order(position(2)).unwrap();
    let wakes = Arc::<Wakes>::default();
    setup.decide(Wish::Announce { deal: 0, stock: 10, hold_seconds: 60 });
    setup.decide(buy(0, 1));
    setup.decide(Wish::Pay { order: 0 });
    let mut watch = watch;
    let changed = watch.changed();
    pin_mut!(changed);
    let waker = waker(Arc::clone(&wakes));
    assert!(changed.as_mut().poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    block_on(follower.step()).unwrap();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(view.seen(0), 4);
}

#[test]
fn whoever_sees_an_announcement_decided_finds_its_deal() {
    // One round catches a view that tells too early only now and then.
    for _ in 0..10 {
        look_all_the_time(200);
    }
}

fn look_all_the_time(deals: u8) {
    let mut setup = Setup::new();
    let read = ReadLimits { records_max: 1, ..setup::LIMITS };
    let (view, mut follower) = setup.view_within(StatusLimits { read, ..Default::default() });
    for deal in 0..deals {
        setup.decide(Wish::Announce { deal, stock: 10, hold_seconds: 0 });
    }
    std::thread::scope(|scope| {
        // Looks all the time, so also between any two things that the follower does for a batch.
        scope.spawn(|| {
            for deal in 0..deals {
                while view.seen(0) <= u64::from(deal) + 1 {
                    std::hint::spin_loop();
                }
                assert!(view.deal(world::deal_id(deal)).is_some(), "deal {deal}");
            }
        });
        catch_up(&mut follower);
    });
}

#[test]
fn counters_of_a_deal_wait_for_the_tick_and_sold_out_does_not() {
    let mut setup = Setup::new();
    setup.decide(Wish::Announce { deal: 0, stock: 10, hold_seconds: 0 });
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    let mut watch = view.watch_deal(world::deal_id(0)).unwrap();
    assert_eq!(watch.latest().row.stock_left, 10);
    for key in 0..3 {
        setup.decide(buy(key, 2));
        catch_up(&mut follower);
    }
    assert!(watch.changed().now_or_never().is_none());
    block_on(view.ask_ends_once());
    assert!(watch.changed().now_or_never().is_some());
    assert_eq!(watch.latest().row.stock_left, 4);
    block_on(view.ask_ends_once());
    assert!(watch.changed().now_or_never().is_none());
    setup.decide(buy(9, 4));
    catch_up(&mut follower);
    assert!(watch.changed().now_or_never().is_some());
    assert_eq!(watch.latest().status, DealStatus::SoldOut);
    assert!(view.watch_deal(world::deal_id(7)).is_none());
}

#[test]
fn a_deal_closes_by_the_clock_alone() {
    let mut setup = Setup::new();
    setup.decide(Wish::Announce { deal: 0, stock: 10, hold_seconds: 0 });
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    let mut watch = view.watch_deal(world::deal_id(0)).unwrap();
    assert_eq!(watch.latest().status, DealStatus::Open);
    setup.clock.step_wall(world::CLOSES_AT.as_millis());
    block_on(view.ask_ends_once());
    assert!(watch.changed().now_or_never().is_some());
    assert_eq!(watch.latest().status, DealStatus::Closed);
}

#[test]
fn ten_thousand_watchers_of_a_deal_share_one_frame() {
    let mut setup = Setup::new();
    setup.decide(Wish::Announce { deal: 0, stock: 1, hold_seconds: 0 });
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    let watch = || view.watch_deal(world::deal_id(0)).unwrap();
    let mut watches: Vec<_> = (0..10_000).map(|_| watch()).collect();
    let wakes = Arc::<Wakes>::default();
    let waker = waker(Arc::clone(&wakes));
    let mut changes: Vec<_> = watches.iter_mut().map(|it| Box::pin(it.changed())).collect();
    for changed in &mut changes {
        assert!(changed.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    }
    setup.decide(buy(0, 1));
    catch_up(&mut follower);
    assert_eq!(wakes.0.load(Ordering::Relaxed), changes.len());
    drop(changes);
    let made = AtomicUsize::new(0);
    let frames = watches.iter_mut().map(|watch| {
        watch.latest().frame(|_| {
            made.fetch_add(1, Ordering::Relaxed);
            Bytes::from_static(b"event: deal")
        })
    });
    assert!(frames.into_iter().all(|frame| frame == "event: deal"));
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[test]
fn who_has_seen_more_waits_until_the_view_has_it_too() {
    let mut setup = Setup::new();
    let (view, mut follower) = setup.view();
    let second = Duration::from_secs(1);
    assert!(block_on(view.wait_seen(0, 1, second)));
    assert!(block_on(view.wait_seen(99, 1_000, second)));
    let waiting = view.wait_seen(0, 2, second);
    pin_mut!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    setup.decide(Wish::Nothing);
    catch_up(&mut follower);
    assert_eq!(waiting.now_or_never(), Some(true));
    let waiting = view.wait_seen(0, 3, second);
    pin_mut!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    setup.clock.advance(second);
    assert_eq!(waiting.now_or_never(), Some(false));
}
