//! Lists of keys: who may have signed what, and what becomes of it once keys come and go.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::clock::ManualClock;
use platform::secrets::{Rotating, SigningKeys};
use schemas::http::ProblemCode;
use serde_json::json;
use uuid::Uuid;

use super::{LocalVerifier, TokenKeys};
use crate::auth::{
    AUDIENCE, Gatekeeper, ISSUER, Scope, Scopes, TokenFault, TokenIssuer, TokenRequest, VerifyToken,
};

const NOW: i64 = 1_800_000_000;
const ED25519: &str = include_str!("../oidc/tests/test-keys/ed25519.pem");
/// Secrets of 32 bytes of one letter, as base64.
const A: &str = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
const B: &str = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=";

/// A `signing.json` with these keys, of which the last signs.
fn list(keys: &[(&str, &str)]) -> TokenKeys {
    let keys: Vec<_> = keys
        .iter()
        .map(|(kid, secret)| match *secret {
            ED25519 => json!({ "kid": kid, "algorithm": "EdDSA", "private_key": secret }),
            _ => json!({ "kid": kid, "algorithm": "HS256", "secret": secret }),
        })
        .collect();
    let file = json!({ "version": 2, "keys": keys }).to_string();
    TokenKeys::read(file.as_bytes(), None).unwrap()
}

fn nameless(secret: &str) -> TokenKeys {
    TokenKeys::new(&SigningKeys::from_bytes(secret.as_bytes()).unwrap()).unwrap()
}

fn issue(keys: TokenKeys) -> String {
    TokenIssuer::new(Rotating::new(keys)).issue(&TokenRequest {
        subject: Uuid::from_u128(7),
        scopes: Scopes::of(&[Scope::Shop]),
        now_seconds: NOW,
        ttl: Duration::from_secs(600),
    })
}

#[track_caller]
fn check(keys: TokenKeys, token: &str, expect: Result<(), TokenFault>) {
    let verified = LocalVerifier::new(Rotating::new(keys)).verify(token, NOW);
    assert_eq!(verified.map(|_| ()), expect);
}

const FORGED: Result<(), TokenFault> = Err(TokenFault::Forged);

#[test]
fn every_key_of_the_list_verifies_what_it_signed() {
    let all = || list(&[("a", A), ("e", ED25519), ("b", B)]);
    for keys in [list(&[("a", A)]), list(&[("e", ED25519)]), list(&[("b", B)])] {
        check(all(), &issue(keys), Ok(()));
    }
    let header = jsonwebtoken::decode_header(issue(all())).unwrap();
    assert_eq!((header.kid.as_deref(), header.alg), (Some("b"), Algorithm::HS256));
}

#[test]
fn a_token_without_a_name_is_tried_against_all_keys_of_its_algorithm() {
    // Signed before the key got a name.
    let old = issue(nameless(A));
    assert_eq!(jsonwebtoken::decode_header(&old).unwrap().kid, None);
    check(list(&[("a", A), ("e", ED25519), ("b", B)]), &old, Ok(()));
    check(list(&[("e", ED25519), ("b", B)]), &old, FORGED);
    check(list(&[("a", A), ("b", B)]), &issue(nameless(ED25519)), FORGED);
}

#[test]
fn a_token_that_names_an_unknown_key_is_tried_against_keys_without_a_name_only() {
    let token = issue(list(&[("gone", A)]));
    check(list(&[("a", A)]), &token, FORGED);
    check(nameless(A), &token, Ok(()));
    check(nameless(B), &token, FORGED);
}

#[test]
fn a_key_is_used_with_its_own_algorithm_alone() {
    let sign = |kid: &str, algorithm, key: &EncodingKey| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        // As keys of ours write it, and as somebody else may.
        [header.clone(), Header { typ: None, ..header }].map(|header| {
            let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "exp": NOW + 600 });
            jsonwebtoken::encode(&header, &claims, key).unwrap()
        })
    };
    let (secret, ed25519) = (
        EncodingKey::from_base64_secret(A).unwrap(),
        EncodingKey::from_ed_pem(ED25519.as_bytes()).unwrap(),
    );
    for (tokens, expect) in [
        (sign("a", Algorithm::HS256, &secret), Ok(())),
        (sign("e", Algorithm::EdDSA, &ed25519), Ok(())),
        // Well signed, but under the name of a key of another kind.
        (sign("e", Algorithm::HS256, &secret), FORGED),
        (sign("a", Algorithm::EdDSA, &ed25519), FORGED),
        (sign("a", Algorithm::HS512, &secret), FORGED),
    ] {
        for token in tokens {
            check(list(&[("a", A), ("e", ED25519)]), &token, expect);
        }
    }
}

fn headers(token: &str) -> HeaderMap {
    let value = format!("Bearer {token}").parse().unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

#[tokio::test]
async fn what_a_key_signed_goes_with_it_also_if_it_was_remembered() {
    let keys = Rotating::new(list(&[("a", A)]));
    let verifier = Arc::new(LocalVerifier::new(keys.clone()));
    let clock = Arc::new(ManualClock::new(NOW * 1_000));
    let gate = Gatekeeper::new(verifier, clock, [1; 32]);
    let (old, new) = (headers(&issue(list(&[("a", A)]))), headers(&issue(list(&[("b", B)]))));
    let shop = Scopes::of(&[Scope::Shop]);
    // The second time from memory.
    assert!(gate.admit(&old, shop).await.is_ok() && gate.admit(&old, shop).await.is_ok());
    let refused = gate.admit(&new, shop).await.unwrap_err();
    assert_eq!(refused.code(), ProblemCode::Unauthenticated);
    keys.replace(list(&[("a", A), ("b", B)]));
    assert!(gate.admit(&old, shop).await.is_ok() && gate.admit(&new, shop).await.is_ok());
    keys.replace(list(&[("b", B)]));
    let refused = gate.admit(&old, shop).await.unwrap_err();
    assert_eq!(refused.code(), ProblemCode::Unauthenticated);
    assert!(gate.admit(&new, shop).await.is_ok());
}

#[test]
fn keys_print_without_what_they_are() {
    let keys = list(&[("a", A), ("e", ED25519)]);
    assert_eq!(format!("{keys:?}"), r#"TokenKeys { kids: [Some("a"), Some("e")], .. }"#);
}
