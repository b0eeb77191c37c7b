//! Projectors in each other's way, and locks of somebody else.

use std::num::NonZeroU32;
use std::time::Duration;

use read_model::{CommitError, MysqlOptions, MysqlStore, Store as _, StoreError, UserError};
use sqlx::Connection as _;
use sqlx::mysql::MySqlConnection;

use super::Database;
use crate::accounts::user;
use crate::naive::{Naive, stored};
use crate::world::World;
use crate::{LOG, changes, commit, filter};

/// Waits until a connection other than `not` is executing a statement that is like this one, and
/// tells which. If somebody holds a lock that the statement wants, it is executed for long.
async fn executing(watch: &mut MySqlConnection, like: &str, not: Option<i64>) -> i64 {
    let query = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
                 WHERE db = DATABASE() AND id <> CONNECTION_ID() AND id <> ? AND info LIKE ?";
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    let seen = async {
        loop {
            pause.tick().await;
            let query = sqlx::query_scalar(query).bind(not.unwrap_or(0)).bind(like);
            let found: Option<i64> = query.fetch_optional(&mut *watch).await.unwrap();
            if let Some(id) = found {
                return id;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("somebody waits")
}

#[tokio::test]
async fn of_two_projectors_one_is_told_that_the_other_went_on() {
    let database = Database::new();
    let (one, other) = (database.store().await, database.store().await);
    let mut world = World::new();
    let mut decisions = vec![world.decide((0, 1, 0))];
    for expected in 0..20 {
        let step = &decisions[decisions.len() - 1..];
        let (first, second) =
            tokio::join!(commit(&one, expected, step), commit(&other, expected, step));
        let (lost, won) = if first.is_ok() { (second, first) } else { (first, second) };
        won.unwrap();
        assert!(matches!(lost, Err(CommitError::Moved { .. })), "{expected}: {lost:?}");
        decisions.push(world.decide((1, 0, 1)));
    }
    decisions.pop();
    assert_eq!(stored(&one, LOG, 0, 10).await, (20, Naive::of(LOG, 0, &decisions)));
}

/// The connections to the database of this one, without it.
async fn others(watch: &mut MySqlConnection) -> Vec<i64> {
    let query = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
                 WHERE db = DATABASE() AND id <> CONNECTION_ID()";
    sqlx::query_scalar(query).fetch_all(watch).await.unwrap()
}

#[tokio::test]
async fn what_is_refused_for_good_reason_costs_no_connection() {
    let database = Database::new();
    let one = NonZeroU32::MIN;
    let options = MysqlOptions { writers: one, readers: one, ..database.migrated().await };
    let store = MysqlStore::connect(&options).await.unwrap();
    let mut watch = database.connection().await;
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&store, 0, &decisions[..1]).await.unwrap();
    store.create_user(&user(1, "one@example.org")).await.unwrap();
    let before = others(&mut watch).await;
    for number in 2..5 {
        let lost = commit(&store, 0, &decisions[1..]).await;
        assert!(matches!(lost, Err(CommitError::Moved { .. })), "{lost:?}");
        let lost = commit(&store, 7, &decisions[1..]).await;
        assert!(matches!(lost, Err(CommitError::Moved { .. })), "{lost:?}");
        let taken = store.create_user(&user(number, "one@example.org")).await;
        assert!(matches!(taken, Err(UserError::EmailTaken)), "{taken:?}");
    }
    // What was refused is undone on that connection, so this is not a part of it.
    commit(&store, 1, &decisions[1..]).await.unwrap();
    let after = others(&mut watch).await;
    assert!(after.iter().all(|id| before.contains(id)), "{before:?}, then {after:?}");
    assert_eq!(stored(&store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
    watch.close().await.unwrap();
}

#[tokio::test]
async fn partitions_of_a_new_log_may_begin_at_once() {
    let database = Database::new();
    let store = database.store().await;
    for log_id in [LOG, LOG - 1] {
        let begun = (0..8_u16).map(|partition| {
            let store = store.clone();
            let changes = changes(log_id, partition, &[World::new().decide((18, 0, 0))]);
            tokio::spawn(
                async move { store.commit(partition, 0, &filter(log_id, 1), &changes).await },
            )
        });
        for task in begun.collect::<Vec<_>>() {
            task.await.unwrap().unwrap();
        }
        assert_eq!(store.projections(log_id).await.unwrap().len(), 8);
    }
    assert_eq!(store.log_ids().await.unwrap(), [LOG - 1, LOG]);
}

#[tokio::test]
async fn a_commit_that_waited_too_long_for_a_lock_is_tried_again() {
    let database = Database::new();
    let lock_timeout = Duration::from_secs(1);
    let options = MysqlOptions { lock_timeout, ..database.migrated().await };
    let store = MysqlStore::connect(&options).await.unwrap();
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&store, 0, &decisions[..1]).await.unwrap();
    let mut other = database.connection().await;
    let mut watch = database.connection().await;
    let hold = "START TRANSACTION; UPDATE projections SET rules = rules";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let release = async {
        let statement = "UPDATE projections SET read_offset%";
        let first = executing(&mut watch, statement, None).await;
        executing(&mut watch, statement, Some(first)).await;
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    };
    let (committed, ()) = tokio::join!(commit(&store, 1, &decisions[1..]), release);
    committed.unwrap();
    assert_eq!(stored(&store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
}

#[tokio::test]
async fn a_lock_that_is_never_given_back_is_unavailable() {
    let database = Database::new();
    let lock_timeout = Duration::from_secs(1);
    let options = MysqlOptions { lock_timeout, ..database.migrated().await };
    let store = MysqlStore::connect(&options).await.unwrap();
    let decisions = [World::new().decide((0, 1, 0))];
    let mut other = database.connection().await;
    let hold = "START TRANSACTION; INSERT INTO logs (log_id) VALUES (7)";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let refused = commit(&store, 0, &decisions).await;
    let unavailable = matches!(refused, Err(CommitError::Store(StoreError::Unavailable(_))));
    assert!(unavailable, "{refused:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    commit(&store, 0, &decisions).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_a_deadlock_took_back_is_tried_again() {
    let database = Database::new();
    let store = database.store().await;
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&store, 0, &decisions[..1]).await.unwrap();
    let mut other = database.connection().await;
    let mut watch = database.connection().await;
    // The transaction that has changed more is the one that the server lets go on.
    let hold = "START TRANSACTION; \
                INSERT INTO commands (log_id, partition_id, command_offset, decided_at) \
                SELECT 99, 1, a.i * 10 + b.i, 0 \
                FROM (SELECT 0 i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) a, \
                     (SELECT 0 i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) b; \
                UPDATE deals SET held = held + 1000";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let cross = async {
        executing(&mut watch, "INSERT INTO deals%", None).await;
        let want = "UPDATE projections SET rules = rules + 1";
        sqlx::raw_sql(want).execute(&mut other).await.expect("the commit is what was taken back");
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    };
    let (committed, ()) = tokio::join!(commit(&store, 1, &decisions[1..]), cross);
    committed.unwrap();
    assert_eq!(stored(&store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
    other.close().await.unwrap();
}
