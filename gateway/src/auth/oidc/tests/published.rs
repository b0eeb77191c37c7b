//! Which published keys count.

use serde_json::{Value, json};

use super::issuer::{ED25519, P256, RSA_1, RSA_2, RSA_SHORT, TestKey};
use crate::auth::TokenFault;
use crate::auth::oidc::published::PublishedKeys;
use crate::auth::oidc::{OidcAlgorithm, OidcOptions};

fn read(keys: &[Value]) -> Result<PublishedKeys, &'static str> {
    let options = OidcOptions::new("https://id.example", "shop").unwrap();
    PublishedKeys::read(json!({ "keys": keys, "more": 1 }).to_string().as_bytes(), &options)
}

fn changed(key: TestKey, change: Value) -> Value {
    let mut public = key.public();
    for (name, value) in change.as_object().unwrap() {
        public[name] = value.clone();
    }
    public
}

#[track_caller]
fn check(key: Value, counts: bool) {
    // Another key beside it, so that the set is never empty.
    let keys = read(&[P256.public(), key.clone()]).unwrap();
    let found = keys.find(Some(RSA_1.kid), OidcAlgorithm::Rs256);
    assert_eq!(found.is_ok(), counts, "{key}");
    assert!(keys.find(Some(P256.kid), OidcAlgorithm::Es256).is_ok());
}

#[test]
fn keys_for_other_uses_are_left_out_and_the_rest_counts() {
    check(RSA_1.public(), true);
    check(changed(RSA_1, json!({ "alg": null })), true);
    check(changed(RSA_1, json!({ "use": "sig", "key_ops": ["verify"], "x5c": ["A"] })), true);
    check(changed(RSA_1, json!({ "use": "enc" })), false);
    check(changed(RSA_1, json!({ "key_ops": ["encrypt"] })), false);
    check(changed(RSA_1, json!({ "alg": "RS512" })), false);
    check(changed(RSA_1, json!({ "alg": "HS256" })), false);
    check(changed(RSA_1, json!({ "kty": "odd" })), false);
    check(changed(RSA_1, json!({ "n": "!" })), false);
    check(changed(RSA_SHORT, json!({ "kid": RSA_1.kid })), false);
    check(json!({ "kty": "oct", "alg": "HS256", "kid": RSA_1.kid, "k": "c2VjcmV0" }), false);
    check(json!("hunter2"), false);
}

#[test]
fn an_ed25519_key_of_another_length_is_left_out() {
    let counts = |x: &str| read(&[changed(ED25519, json!({ "x": x }))]).is_ok();
    assert!(counts(&"A".repeat(43)));
    for length in [0, 2, 42, 44, 86] {
        assert!(!counts(&"A".repeat(length)), "{length}");
    }
}

#[test]
fn a_shared_secret_alone_is_no_set() {
    assert!(read(&[json!({ "kty": "oct", "alg": "HS256", "kid": "a", "k": "AA" })]).is_err());
}

#[test]
fn a_token_finds_the_key_that_it_names_and_no_other() {
    let keys = read(&[RSA_1.public(), RSA_2.public(), ED25519.public()]).unwrap();
    let find = |kid, algorithm| keys.find(kid, algorithm).map(|key| key.algorithm());
    assert!(find(Some(RSA_2.kid), OidcAlgorithm::Rs256).is_ok());
    assert_eq!(find(Some("new"), OidcAlgorithm::Rs256), Err(TokenFault::UnknownKey));
    assert_eq!(find(Some(RSA_1.kid), OidcAlgorithm::EdDsa), Err(TokenFault::Forged));
    // Without a name it has to be the only one.
    assert!(find(None, OidcAlgorithm::EdDsa).is_ok());
    assert_eq!(find(None, OidcAlgorithm::Rs256), Err(TokenFault::Forged));
    assert_eq!(find(None, OidcAlgorithm::Es256), Err(TokenFault::UnknownKey));
}

#[test]
fn the_same_keys_are_the_same_set() {
    let set = |keys: &[TestKey]| {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        read(&keys).unwrap()
    };
    assert!(set(&[RSA_1, P256]).is_same(&set(&[RSA_1, P256])));
    assert!(!set(&[RSA_1, P256]).is_same(&set(&[RSA_1])));
    assert!(!set(&[RSA_1]).is_same(&set(&[RSA_2])));
}
