//! Accounts.

use read_model::{StoreError, UserError, UserRow};
use schemas::Timestamp;

use crate::Backend;
use crate::world::customer;

pub(crate) fn user(number: u16, email: &str) -> UserRow {
    UserRow {
        customer: customer(number),
        email: email.into(),
        name: "Jürgen 김".into(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into(),
        created_at: Timestamp::from_millis(1_700_000_000_001),
    }
}

pub(crate) async fn an_account_is_found_by_its_address(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.user_by_email("a@example.com").await.unwrap(), None);
    store.create_user(&user(1, "a@example.com")).await.unwrap();
    store.create_user(&user(2, "b@example.com")).await.unwrap();
    let found = store.user_by_email("a@example.com").await.unwrap();
    assert_eq!(found, Some(user(1, "a@example.com")));
}

pub(crate) async fn an_address_has_one_account(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_user(&user(1, "a@example.com")).await.unwrap();
    let twice = store.create_user(&user(2, "a@example.com")).await;
    assert!(matches!(twice, Err(UserError::EmailTaken)), "{twice:?}");
    let found = store.user_by_email("a@example.com").await.unwrap();
    assert_eq!(found, Some(user(1, "a@example.com")));
}

pub(crate) async fn a_customer_has_one_account(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_user(&user(1, "a@example.com")).await.unwrap();
    let twice = store.create_user(&user(1, "b@example.com")).await;
    assert!(matches!(twice, Err(UserError::Store(StoreError::Damaged(_)))), "{twice:?}");
}

pub(crate) async fn accounts_outlive_the_process(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_user(&user(1, "a@example.com")).await.unwrap();
    store.close().await;
    let store = backend.open().await;
    assert!(store.user_by_email("a@example.com").await.unwrap().is_some());
}
