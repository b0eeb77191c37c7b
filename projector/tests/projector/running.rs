//! The loop around the step: waiting, backing off, looking at a park again, stopping.

use std::time::Duration;

use platform::shutdown::ShutdownToken;
use projector::{PARK_RECHECK, Projector, STOP_GRACE};
use tokio::task::JoinHandle;

use crate::faulty::Fault;
use crate::setup::{FIRST, LOG, Setup, catch_up};
use crate::world::World;

fn start(projector: Projector) -> (ShutdownToken, JoinHandle<()>) {
    let shutdown = ShutdownToken::new();
    (shutdown.clone(), tokio::spawn(projector.run(shutdown)))
}

/// Lets the others run until it is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it becomes so");
}

#[tokio::test]
async fn a_running_projector_follows_the_log_until_shutdown() {
    let setup = Setup::new().await;
    let (shutdown, running) = start(setup.projector());
    setup.own(FIRST);
    let mut world = World::new();
    let mut decisions = Vec::new();
    for wish in [(0, 1, 0), (1, 0, 1), (8, 0, 0)] {
        decisions.push(world.decide(wish));
        setup.decide(FIRST, decisions.last().unwrap());
        let end = setup.end().await;
        until(|| setup.status().read_offset == end).await;
    }
    shutdown.trigger();
    running.await.unwrap();
    setup.holds(&decisions).await;
}

#[tokio::test]
async fn a_running_projector_backs_off_while_the_store_is_away() {
    let setup = Setup::new().await;
    setup.store.fail_next(Fault::Refused);
    setup.store.fail_next(Fault::AnswerLost);
    let (shutdown, running) = start(setup.projector());
    let mut pauses = 0;
    until(|| {
        pauses += usize::from(setup.clock.advance_to_next().is_some());
        setup.status().read_offset == 1
    })
    .await;
    assert_eq!(pauses, 2);
    shutdown.trigger();
    running.await.unwrap();
    setup.holds(&[]).await;
}

#[tokio::test]
async fn a_park_is_looked_at_again_after_its_pause() {
    let setup = Setup::without_genesis().await;
    setup.genesis(LOG + 1);
    let (shutdown, running) = start(setup.projector());
    until(|| setup.status().park.is_some() && setup.clock.until_next().is_some()).await;
    assert_eq!(setup.clock.until_next(), Some(PARK_RECHECK));
    setup.decisions.truncate(0, 0);
    setup.genesis(LOG);
    setup.clock.advance(PARK_RECHECK);
    until(|| setup.status().read_offset == 1).await;
    assert_eq!(setup.status().park, None);
    shutdown.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn shutdown_ends_a_pause() {
    let setup = Setup::without_genesis().await;
    setup.genesis(LOG + 1);
    let (shutdown, running) = start(setup.projector());
    until(|| setup.clock.until_next().is_some()).await;
    shutdown.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn a_commit_that_nobody_answers_keeps_no_projector_from_stopping() {
    let setup = Setup::new().await;
    setup.store.fail_next(Fault::Withheld);
    let (shutdown, running) = start(setup.projector());
    until(|| setup.store.has_begun_all()).await;
    shutdown.trigger();
    until(|| setup.clock.until_next() == Some(STOP_GRACE)).await;
    setup.clock.advance(STOP_GRACE);
    until(|| running.is_finished()).await;
    running.await.unwrap();
    assert_eq!(setup.stored().await.0, 0);
    // Whoever comes next finds nothing half done.
    catch_up(&mut setup.projector()).await;
    setup.holds(&[]).await;
}

#[tokio::test]
async fn a_commit_that_is_answered_soon_is_finished_before_the_stop() {
    let setup = Setup::new().await;
    setup.store.fail_next(Fault::Withheld);
    let (shutdown, running) = start(setup.projector());
    until(|| setup.store.has_begun_all()).await;
    shutdown.trigger();
    until(|| setup.clock.until_next().is_some()).await;
    assert!(!running.is_finished());
    setup.store.go_on();
    until(|| running.is_finished()).await;
    running.await.unwrap();
    setup.holds(&[]).await;
}

#[tokio::test]
async fn what_waits_is_shown_while_a_commit_hangs() {
    let setup = Setup::new().await;
    setup.own(FIRST);
    catch_up(&mut setup.projector()).await;
    let decision = World::new().decide((0, 1, 0));
    setup.decide(FIRST, &decision);
    setup.store.fail_next(Fault::Withheld);
    let (shutdown, running) = start(setup.projector());
    until(|| setup.store.has_begun_all()).await;
    let status = setup.status();
    assert_eq!((status.read_offset, status.end, status.lag_records), (2, 3, 1));
    assert_eq!(status.waiting_since_ms, Some(decision.log_time.as_millis()));
    setup.store.go_on();
    until(|| setup.status().read_offset == 3).await;
    assert_eq!((setup.status().waiting_since_ms, setup.status().lag_ms), (None, 0));
    shutdown.trigger();
    running.await.unwrap();
}
