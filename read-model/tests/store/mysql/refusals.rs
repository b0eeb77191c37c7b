//! What the server or the tables do not take, and what nobody is told.

use read_model::{
    Changes, CommitError, MysqlOptions, MysqlStore, OpenError, Store as _, StoreError,
};
use schemas::DealId;
use sqlx::AssertSqlSafe;

use super::{Database, number};
use crate::naive::{Naive, stored};
use crate::world::World;
use crate::{LOG, changes, commit, filter};

#[tokio::test]
async fn an_audit_reads_beside_projectors_and_writes_nothing() {
    let database = Database::new();
    let service = database.store().await;
    let decisions = [World::new().decide((0, 1, 0))];
    commit(&service, 0, &decisions).await.unwrap();
    let audit = MysqlStore::open_read_only(&database.options()).await.unwrap();
    let expected = (1, Naive::of(LOG, 0, &decisions));
    assert_eq!(stored(&audit, LOG, 0, 10).await, expected);
    let refused = commit(&audit, 1, &[]).await.unwrap_err();
    assert!(refused.to_string().contains("unavailable"), "{refused}");
    assert!(refused.to_string().contains("READ ONLY"), "{refused}");
    assert_eq!(stored(&service, LOG, 0, 10).await, expected);
}

#[tokio::test]
async fn a_password_is_not_told() {
    let database = Database::new();
    let url = database.migrated().await.url;
    let (_, rest) = url.split_once('@').unwrap();
    let options = MysqlOptions::new(format!("mysql://nobody:s3cret@{rest}"));
    let refused = MysqlStore::connect(&options).await.unwrap_err();
    let unavailable = matches!(refused, OpenError::Store(StoreError::Unavailable(_)));
    assert!(unavailable, "{refused:?}");
    assert!(!format!("{refused} {refused:?} {options:?}").contains("s3cret"));
    let store = MysqlStore::connect(&database.options()).await.unwrap();
    assert!(!format!("{store:?}").contains("mysql://"));
}

#[tokio::test]
async fn a_store_without_a_server_is_unavailable() {
    // A port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut options = MysqlOptions::new(format!("mysql://root@127.0.0.1:{port}/nothing"));
    options.acquire_timeout = std::time::Duration::from_millis(300);
    let refused = MysqlStore::connect(&options).await.unwrap_err();
    let unavailable = matches!(refused, OpenError::Store(StoreError::Unavailable(_)));
    assert!(unavailable, "{refused:?}");
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let database = Database::new();
    let store = database.store().await;
    store.close().await;
    let refused = store.log_ids().await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let refused = commit(&store, 0, &[World::new().decide((0, 1, 0))]).await.unwrap_err();
    assert!(refused.to_string().contains("unavailable"), "{refused}");
}

/// What a commit makes of an error that the server gives with this number.
async fn check_error(database: &Database, number: u16, passes: bool) {
    let mut connection = database.connection().await;
    let sql = format!(
        "DROP TRIGGER IF EXISTS breaks; \
         CREATE TRIGGER breaks BEFORE INSERT ON commands FOR EACH ROW \
         SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'broken'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let store = MysqlStore::connect(&database.options()).await.unwrap();
    let refused = commit(&store, 0, &[World::new().decide((18, 0, 0))]).await;
    let unavailable = matches!(refused, Err(CommitError::Store(StoreError::Unavailable(_))));
    let damaged = matches!(refused, Err(CommitError::Store(StoreError::Damaged(_))));
    assert_eq!((unavailable, damaged), (passes, !passes), "{number}: {refused:?}");
    assert_eq!(store.projections(LOG).await.unwrap(), []);
}

#[tokio::test]
async fn errors_that_may_pass_are_told_from_damage() {
    let database = Database::new();
    database.migrated().await;
    // Reads only (twice), too many connections, disk full (twice), deadlock, lock, no right.
    for number in [1290, 1836, 1040, 1114, 1021, 1213, 1205, 1142] {
        check_error(&database, number, true).await;
    }
    // No such table or column, too long, null.
    for number in [1146, 1054, 1406, 1048] {
        check_error(&database, number, false).await;
    }
}

/// Two ids that differ in capitals alone are two products.
#[tokio::test]
async fn products_know_capitals() {
    let database = Database::new();
    let store = database.store().await;
    let mut all = changes(LOG, 0, &[World::new().decide((0, 1, 0))]);
    for change in all.clone() {
        if let Changes::Deal(mut deal, mut product) = change {
            product.product_id = product.product_id.as_str().to_uppercase().parse().unwrap();
            deal.product_id = product.product_id.clone();
            deal.deal_id = DealId::of(&deal.product_id, &deal.deal_key);
            all.push(Changes::Deal(deal, product));
        }
    }
    store.commit(0, 0, &filter(LOG, 1), &all).await.unwrap();
    let mut connection = database.connection().await;
    assert_eq!(number(&mut connection, "SELECT COUNT(*) FROM products").await, Some(2));
    assert_eq!(store.deals(LOG).await.unwrap().1.len(), 2);
}
