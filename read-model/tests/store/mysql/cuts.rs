//! Connections that end, and servers that fall silent.

use std::future::Future;
use std::num::NonZeroU32;
use std::time::Duration;

use read_model::{CommitError, MysqlOptions, MysqlStore, OrderFilter, Store as _, StoreError};
use sqlx::Connection as _;

use super::proxy::{Mode, Proxy};
use super::{Database, kill_all, number};
use crate::accounts::user;
use crate::naive::{Naive, stored};
use crate::world::{World, customer};
use crate::{LOG, commit};

/// Far longer than any of the limits below, and far shorter than a connection's own.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it is bounded")
}

fn history() -> OrderFilter {
    OrderFilter { limit: 10, ..OrderFilter::default() }
}

#[tokio::test]
async fn the_next_call_finds_another_connection_after_all_were_killed() {
    let database = Database::new();
    let store = database.store().await;
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&store, 0, &decisions[..1]).await.unwrap();
    store.log_ids().await.unwrap();
    let mut root = database.connection().await;
    let killed = kill_all(&mut root, &database.name).await;
    assert!(killed >= 2, "a writer and a reader");
    commit(&store, 1, &decisions[1..]).await.unwrap();
    assert_eq!(store.log_ids().await.unwrap(), [LOG]);
    assert_eq!(stored(&store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
    root.close().await.unwrap();
}

/// Cuts the wire around a COMMIT; what became of it shows when the state is read again.
async fn check_cut(mode: Mode, committed: bool) {
    let database = Database::new();
    let (proxy, options) = Proxy::before(&database.migrated().await).await;
    let store = MysqlStore::connect(&options).await.unwrap();
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&store, 0, &decisions[..1]).await.unwrap();
    proxy.set(mode);
    let unknown = commit(&store, 1, &decisions[1..]).await;
    let unavailable = matches!(unknown, Err(CommitError::Store(StoreError::Unavailable(_))));
    assert!(unavailable, "{unknown:?}");
    let read_offset = store.projections(LOG).await.unwrap()[0].filter.read_offset;
    assert_eq!(read_offset, if committed { 2 } else { 1 });
    let again = commit(&store, 1, &decisions[1..]).await;
    assert_eq!(matches!(again, Err(CommitError::Moved { .. })), committed, "{again:?}");
    assert_eq!(again.is_ok(), !committed);
    assert_eq!(stored(&store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_leaves_nothing() {
    check_cut(Mode::CutBeforeCommit, false).await;
}

#[tokio::test]
async fn a_connection_lost_after_the_commit_leaves_all_of_it() {
    check_cut(Mode::CutAfterCommit, true).await;
}

#[tokio::test]
async fn a_mute_server_is_unavailable_in_time_and_forgotten_when_it_speaks() {
    let database = Database::new();
    let two = NonZeroU32::new(2).unwrap();
    let options = MysqlOptions {
        readers: two,
        writers: two,
        acquire_timeout: Duration::from_millis(700),
        read_timeout: Duration::from_millis(100),
        write_timeout: Duration::from_millis(100),
        ..database.migrated().await
    };
    let (proxy, options) = Proxy::before(&options).await;
    let store = MysqlStore::connect(&options).await.unwrap();
    let decisions = [World::new().decide((0, 1, 0))];
    let mut snapshot = store.snapshot().await.unwrap();
    proxy.set(Mode::Mute);
    // More often than there are connections.
    for _ in 0..3 {
        let mute = soon(store.orders_of(customer(1), history())).await;
        assert!(matches!(mute, Err(StoreError::Unavailable(_))), "{mute:?}");
        let mute = soon(commit(&store, 0, &decisions)).await;
        assert!(matches!(mute, Err(CommitError::Store(StoreError::Unavailable(_)))), "{mute:?}");
    }
    proxy.set(Mode::Open);
    soon(commit(&store, 0, &decisions)).await.unwrap();
    assert_eq!(soon(store.orders_of(customer(1), history())).await.unwrap(), []);
    // A snapshot is of one moment: what was asked while nobody answered ends it.
    drop(soon(snapshot.projections(LOG)).await);
    drop(snapshot);
    soon(store.close()).await;
}

#[tokio::test]
async fn connections_that_fell_mute_are_replaced_within_one_call() {
    let database = Database::new();
    let (proxy, options) = Proxy::before(&database.migrated().await).await;
    let store = MysqlStore::connect(&options).await.unwrap();
    let decisions = [World::new().decide((0, 1, 0))];
    commit(&store, 0, &decisions).await.unwrap();
    // As after a failover: the old machine is gone without a word.
    proxy.mute_present();
    assert_eq!(soon(store.log_ids()).await.unwrap(), [LOG]);
    soon(commit(&store, 1, &[])).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let database = Database::new();
    let read_timeout = Duration::from_millis(100);
    let options = MysqlOptions { read_timeout, ..database.migrated().await };
    let (proxy, options) = Proxy::before(&options).await;
    let store = MysqlStore::connect(&options).await.unwrap();
    proxy.set(Mode::WithholdAfter("FROM orders"));
    let late = soon(store.orders_of(customer(1), history())).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    proxy.until(Mode::Withholding).await;
    proxy.set(Mode::Open);
    assert_eq!(store.orders_of(customer(1), history()).await.unwrap(), []);
}

#[tokio::test]
async fn a_commit_that_is_given_up_as_it_begins_leaves_no_transaction_to_the_next_call() {
    let database = Database::new();
    let writers = NonZeroU32::MIN;
    let options = MysqlOptions { writers, ..database.migrated().await };
    let (proxy, options) = Proxy::before(&options).await;
    let store = MysqlStore::connect(&options).await.unwrap();
    commit(&store, 0, &[World::new().decide((0, 1, 0))]).await.unwrap();
    proxy.set(Mode::WithholdAfter("BEGIN"));
    tokio::select! {
        done = commit(&store, 1, &[]) => panic!("nobody told it: {done:?}"),
        () = proxy.until(Mode::Withholding) => {}
    }
    proxy.set(Mode::Open);
    // In that transaction it would wait for a commit that nobody knows of.
    let user = user(1, "a@example.com");
    store.create_user(&user).await.unwrap();
    assert_eq!(store.user_by_email("a@example.com").await.unwrap(), Some(user));
}

#[tokio::test]
async fn a_read_beyond_its_time_is_unavailable_and_the_server_stops_it() {
    let database = Database::new();
    let read_timeout = Duration::from_millis(200);
    let lock_timeout = Duration::from_secs(60);
    let options = MysqlOptions { read_timeout, lock_timeout, ..database.migrated().await };
    let store = MysqlStore::connect(&options).await.unwrap();
    let mut other = database.connection().await;
    sqlx::raw_sql("LOCK TABLES orders WRITE").execute(&mut other).await.unwrap();
    let late = soon(store.orders_of(customer(1), history())).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    let left = "SELECT COUNT(*) FROM information_schema.processlist \
                WHERE db = DATABASE() AND info LIKE 'SELECT log_id%'";
    // Long before the lock's own limit.
    let stopped = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while number(&mut other, left).await != Some(0) {
            pause.tick().await;
        }
    };
    soon(stopped).await;
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut other).await.unwrap();
    assert_eq!(store.orders_of(customer(1), history()).await.unwrap(), []);
    other.close().await.unwrap();
}
