//! Stores and logs that fail, and causes to park.

use std::time::Duration;

use decision_log::genesis_record;
use event_log::Record;
use platform::clock::Clock as _;
use projector::Step;
use schemas::log::Genesis;

use crate::faulty::Fault;
use crate::setup::{FIRST, LOG, Setup, catch_up};
use crate::world::World;

#[tokio::test]
async fn what_a_store_refused_is_committed_once_it_heals() {
    let setup = Setup::new().await;
    let mut world = World::new();
    setup.own(FIRST);
    let mut projector = setup.projector();
    catch_up(&mut projector).await;
    let mut decisions = Vec::new();
    for (wish, fault) in [
        ((0, 1, 0), Fault::Refused),
        ((1, 0, 1), Fault::AnswerLost),
        ((14, 2, 7), Fault::AnswerLost),
        ((14, 2, 7), Fault::Refused),
    ] {
        decisions.push(world.decide(wish));
        setup.decide(FIRST, decisions.last().unwrap());
        setup.store.fail_next(fault);
        assert_eq!(projector.step().await, Step::Unavailable);
        catch_up(&mut projector).await;
        setup.holds(&decisions).await;
    }
}

#[tokio::test]
async fn lag_is_shown_while_the_store_is_away() {
    let setup = Setup::new().await;
    setup.own(FIRST);
    let mut projector = setup.projector();
    catch_up(&mut projector).await;
    setup.clock.advance(Duration::from_secs(100));
    let mut world = World::new();
    setup.decide(FIRST, &world.decide((0, 1, 0)));
    setup.clock.advance(Duration::from_secs(5));
    setup.decide(FIRST, &world.decide((1, 0, 0)));
    setup.store.fail_next(Fault::Refused);
    assert_eq!(projector.step().await, Step::Unavailable);
    let status = setup.status();
    assert_eq!((status.read_offset, status.end, status.lag_records), (2, 4, 2));
    assert_eq!((status.lag_ms, status.park), (5_000, None));
    catch_up(&mut projector).await;
    assert_eq!((setup.status().lag_records, setup.status().lag_ms), (0, 0));
}

#[tokio::test]
async fn records_that_decide_nothing_are_not_as_old_as_the_last_decision() {
    let setup = Setup::new().await;
    setup.own(FIRST);
    setup.decide(FIRST, &World::new().decide((0, 1, 0)));
    let mut projector = setup.projector();
    catch_up(&mut projector).await;
    // A quiet night, and then more than one batch of claims.
    setup.clock.advance(Duration::from_secs(30_000));
    (0..3_000).for_each(|_| setup.own(FIRST));
    assert!(matches!(projector.step().await, Step::Committed { .. }));
    let status = setup.status();
    assert!(status.lag_records > 0);
    assert_eq!((status.waiting_since_ms, status.lag_ms), (Some(setup.clock.now_millis()), 0));
}

#[tokio::test]
async fn a_closed_log_is_unavailable() {
    let setup = Setup::new().await;
    setup.decisions.close();
    assert_eq!(setup.projector().step().await, Step::Unavailable);
}

#[tokio::test]
async fn a_damaged_store_parks_until_it_is_whole() {
    let setup = Setup::new().await;
    setup.store.fail_next(Fault::Damaged);
    let mut projector = setup.projector();
    assert_eq!(projector.step().await, Step::Parked);
    assert!(setup.status().park.unwrap().contains("damaged"));
    catch_up(&mut projector).await;
    assert_eq!(setup.status().park, None);
    setup.holds(&[]).await;
}

#[tokio::test]
async fn another_log_under_the_same_address_parks() {
    let setup = Setup::without_genesis().await;
    setup.genesis(LOG + 1);
    setup.own(FIRST);
    let mut projector = setup.projector();
    assert_eq!(projector.step().await, Step::Parked);
    assert_eq!(projector.step().await, Step::Parked);
    let park = setup.status().park.unwrap();
    assert!(park.contains("the log is 8") && park.contains("log 7"), "{park}");
    assert_eq!(setup.stored().await.0, 0);
}

#[tokio::test]
async fn another_number_of_partitions_parks() {
    let setup = Setup::without_genesis().await;
    setup.decisions.append_raw(0, genesis_record(&Genesis { log_id: LOG, partitions: 2 }));
    assert_eq!(setup.projector().step().await, Step::Parked);
    assert!(setup.status().park.unwrap().contains("2 partitions"));
}

#[tokio::test]
async fn a_record_of_a_newer_writer_parks_behind_everything_before_it() {
    let setup = Setup::new().await;
    setup.own(FIRST);
    let decision = World::new().decide((0, 1, 0));
    setup.decide(FIRST, &decision);
    let payload = br#"{"v":9,"type":"decision"}"#.as_slice().into();
    setup.decisions.append_raw(0, Record { payload, ..Record::default() });
    let mut projector = setup.projector();
    assert_eq!(projector.step().await, Step::Committed { records: 3 });
    assert_eq!(projector.step().await, Step::Parked);
    let status = setup.status();
    assert_eq!((status.read_offset, status.end, status.lag_records), (3, 4, 1));
    assert!(status.park.unwrap().contains("upgrade"));
}

#[tokio::test]
async fn a_log_that_was_cut_parks_until_it_is_whole() {
    let setup = Setup::new().await;
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1), (13, 0, 0)].map(|wish| world.decide(wish));
    setup.own(FIRST);
    setup.decide(FIRST, &decisions[0]);
    setup.decide(FIRST, &decisions[1]);
    let mut projector = setup.projector();
    catch_up(&mut projector).await;
    setup.decisions.truncate(0, 3);
    assert_eq!(projector.step().await, Step::Parked);
    assert!(setup.status().park.unwrap().contains("outside the decisions log"));
    setup.decide(FIRST, &decisions[1]);
    setup.decide(FIRST, &decisions[2]);
    catch_up(&mut projector).await;
    setup.holds(&decisions).await;
}
