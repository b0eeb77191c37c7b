//! Encrypted connections: whose certificate is believed.

use std::path::Path;

use read_model::{MysqlOptions, MysqlStore, OpenError, Store as _, StoreError};
use test_servers::Server;

use super::Database;
use super::proxy::Proxy;
use crate::world::World;
use crate::{LOG, commit};

/// Parameters by which nobody is believed but whom this authority has signed.
fn verifying(authority: impl AsRef<Path>) -> String {
    format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={}", authority.as_ref().display())
}

async fn check_refused(options: &MysqlOptions) {
    let connected = MysqlStore::connect(options).await.map(drop);
    for outcome in [connected, MysqlStore::migrate(options).await] {
        let refused = outcome.unwrap_err();
        let unavailable = matches!(refused, OpenError::Store(StoreError::Unavailable(_)));
        assert!(unavailable, "{refused:?}");
        assert!(refused.to_string().contains("certificate"), "{refused}");
    }
}

#[tokio::test]
async fn a_server_whose_authority_is_known_is_believed() {
    let database = Database::new();
    database.create().await;
    let parameters = verifying(Server::CertificateAuthority.address());
    let options = MysqlOptions::new(format!("{}?{parameters}", database.options().url));
    MysqlStore::migrate(&options).await.unwrap();
    let store = MysqlStore::connect(&options).await.unwrap();
    commit(&store, 0, &[World::new().decide((0, 1, 0))]).await.unwrap();
    assert_eq!(store.log_ids().await.unwrap(), [LOG]);
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused() {
    let database = Database::new();
    let url = database.migrated().await.url;
    let directory = tempfile::tempdir().unwrap();
    let stranger = directory.path().join("stranger.pem");
    std::fs::write(&stranger, include_str!("stranger.pem")).unwrap();
    check_refused(&MysqlOptions::new(format!("{url}?{}", verifying(&stranger)))).await;
}

#[tokio::test]
async fn a_server_by_a_name_that_its_certificate_does_not_have_is_refused() {
    let database = Database::new();
    let options = database.migrated().await;
    let parameters = verifying(Server::CertificateAuthority.address());
    let (_proxy, elsewhere) = Proxy::at("127.0.0.2", &options, &parameters).await;
    check_refused(&elsewhere).await;
    let (_proxy, here) = Proxy::at("127.0.0.1", &options, &parameters).await;
    MysqlStore::connect(&here).await.unwrap();
}
