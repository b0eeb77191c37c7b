//! Commands that nobody can read are copied before the read model says that they were refused.

use bytes::Bytes;
use event_log::Record;
use projector::{HEADER_OFFSET, HEADER_PARTITION, Step};
use schemas::log::Decision;

use crate::faulty::Fault;
use crate::setup::{FIRST, Setup, catch_up};
use crate::world::World;

const BROKEN: &[u8] = b"\xff\xfe not JSON at all";

/// An unreadable command at offset 1, and what was decided about it.
async fn broken_command() -> (Setup, Decision) {
    let setup = Setup::new().await;
    let key = Bytes::from_static(b"sku-1");
    let record = Record { key, payload: BROKEN.into(), ..Record::default() };
    assert_eq!(setup.commands.append_raw(0, record).offset, 1);
    setup.own(FIRST);
    let decision = World::new().decide((18, 0, 2));
    setup.decide(FIRST, &decision);
    (setup, decision)
}

#[tokio::test]
async fn an_unreadable_command_is_copied_with_its_position() {
    let (setup, decision) = broken_command().await;
    catch_up(&mut setup.projector()).await;
    setup.holds(&[decision]).await;
    let letters = setup.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!((&*letters[0].payload, &*letters[0].key), (BROKEN, b"sku-1".as_slice()));
    assert_eq!(letters[0].header(HEADER_PARTITION).unwrap(), "0");
    assert_eq!(letters[0].header(HEADER_OFFSET).unwrap(), "1");
}

#[tokio::test]
async fn nothing_is_committed_past_a_command_that_was_not_copied() {
    let (setup, decision) = broken_command().await;
    let mut projector = setup.projector();
    setup.dead_letters.fate_next(0, event_log::Fate::Refused);
    assert_eq!(projector.step().await, Step::Unavailable);
    setup.dead_letters.lose_next(0);
    assert_eq!(projector.step().await, Step::Unavailable);
    assert_eq!(setup.stored().await.0, 0);
    catch_up(&mut projector).await;
    assert_eq!(setup.letters().await.len(), 1);
    setup.holds(&[decision]).await;
}

#[tokio::test]
async fn a_crash_between_copy_and_commit_copies_twice() {
    let (setup, decision) = broken_command().await;
    setup.store.fail_next(Fault::Refused);
    assert_eq!(setup.projector().step().await, Step::Unavailable);
    catch_up(&mut setup.projector()).await;
    assert_eq!(setup.letters().await.len(), 2);
    setup.holds(&[decision]).await;
}

#[tokio::test]
async fn a_command_that_fills_its_record_is_copied_bare() {
    let setup = Setup::new().await;
    let payload = Bytes::from(vec![b'['; event_log::RECORD_BYTES_MAX]);
    setup.commands.append_raw(0, Record { payload: payload.clone(), ..Record::default() });
    setup.own(FIRST);
    setup.decide(FIRST, &World::new().decide((18, 0, 2)));
    catch_up(&mut setup.projector()).await;
    let letters = setup.letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].payload == payload && letters[0].headers.is_empty());
}

#[tokio::test]
async fn a_command_that_retention_took_holds_nothing_up() {
    let (setup, decision) = broken_command().await;
    setup.commands.append_raw(0, Record::default());
    setup.commands.trim(0, 2);
    catch_up(&mut setup.projector()).await;
    assert_eq!(setup.letters().await, []);
    setup.holds(&[decision]).await;
}

#[tokio::test]
async fn a_decided_command_that_the_commands_log_lacks_parks() {
    let (setup, _) = broken_command().await;
    setup.commands.truncate(0, 1);
    assert_eq!(setup.projector().step().await, Step::Parked);
    assert!(setup.status().park.unwrap().starts_with("commands/0"));
    assert_eq!(setup.stored().await.0, 0);
}
