//! What the server or the tables do not take, and what nobody is told.

use read_model::{Changes, MysqlOptions, MysqlStore, OpenError, Store as _, StoreError};
use schemas::DealId;

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

/// As many as there are, in ids of products that differ in capitals alone.
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
