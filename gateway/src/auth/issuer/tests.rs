//! Tokens, good and bad, against the verifier of a local key.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::secrets::{SecretBytes, SigningKeyMaterial, SigningKeys};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TokenIssuer, TokenRequest};
use crate::auth::{AUDIENCE, ISSUER, Scope, Scopes, TokenFault, VerifyToken};

const NOW: i64 = 1_800_000_000;
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

fn hs256() -> TokenIssuer {
    let secret = SecretBytes::new(SECRET.to_vec());
    TokenIssuer::of(&SigningKeys::single(SigningKeyMaterial::Hs256(secret))).unwrap()
}

fn eddsa() -> TokenIssuer {
    let pem = SecretBytes::new(ED25519_PEM.as_bytes().to_vec());
    TokenIssuer::of(&SigningKeys::single(SigningKeyMaterial::EdDsaPem(pem))).unwrap()
}

fn request() -> TokenRequest {
    TokenRequest {
        subject: Uuid::from_u128(7),
        scopes: Scopes::of(&[Scope::Shop, Scope::Support]),
        now_seconds: NOW,
        ttl: Duration::from_secs(600),
    }
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "exp": NOW + 600, "scope": "shop" })
}

#[track_caller]
fn check(change: Value, expect: Result<Scopes, TokenFault>) {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    let verified = hs256().verifier().verify(&signed(&claims), NOW);
    assert_eq!(verified.map(|verified| verified.principal.scopes), expect, "{claims}");
}

#[test]
fn tokens_of_either_kind_of_key_come_back() {
    for issuer in [hs256(), eddsa()] {
        let verified = issuer.verifier().verify(&issuer.issue(&request()), NOW).unwrap();
        assert_eq!(verified.principal.subject, Uuid::from_u128(7));
        assert_eq!(verified.principal.scopes, request().scopes);
        assert!(verified.good_at(NOW + 659));
        assert!(!verified.good_at(NOW + 660));
    }
}

#[test]
fn claims_are_checked() {
    let shop = Ok(Scopes::of(&[Scope::Shop]));
    check(json!({}), shop);
    check(json!({ "exp": NOW - 59 }), shop);
    check(json!({ "exp": NOW - 60 }), Err(TokenFault::Expired));
    check(json!({ "exp": "soon" }), Err(TokenFault::Incomplete));
    check(json!({ "nbf": NOW + 60 }), shop);
    check(json!({ "nbf": NOW + 61 }), Err(TokenFault::Expired));
    check(json!({ "iss": "other" }), Err(TokenFault::Foreign));
    check(json!({ "aud": "other" }), Err(TokenFault::Foreign));
    check(json!({ "aud": ["other", AUDIENCE] }), shop);
    check(json!({ "aud": ["other"] }), Err(TokenFault::Foreign));
    check(json!({ "aud": [] }), Err(TokenFault::Foreign));
    check(json!({ "aud": [7, AUDIENCE] }), Err(TokenFault::Incomplete));
    check(json!({ "iss": [ISSUER] }), Err(TokenFault::Incomplete));
    check(json!({ "sub": "b\"o\u{e9}b", "scope": "sh\u{6f}p" }), shop);
    for missing in ["exp", "iss", "aud", "sub"] {
        check(json!({ missing: null }), Err(TokenFault::Incomplete));
    }
}

#[test]
fn scopes_come_from_scope_or_scp() {
    let both = Ok(Scopes::of(&[Scope::Shop, Scope::Admin]));
    check(json!({ "scope": "shop admin" }), both);
    check(json!({ "scp": ["admin", "mail"] }), both);
    check(json!({ "scp": "admin mail" }), both);
    check(json!({ "scope": null, "scp": ["shop", "admin"] }), both);
    check(json!({ "scope": null }), Ok(Scopes::default()));
}

#[track_caller]
fn check_forged(token: &str) {
    for issuer in [hs256(), eddsa()] {
        assert!(issuer.verifier().verify(token, NOW).is_err(), "{token}");
    }
}

#[test]
fn forged_tokens_are_refused() {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let body = part(&claims());
    check_forged("");
    check_forged("a.b.c");
    check_forged(&format!("{}.{body}.", part(&json!({ "alg": "none", "typ": "JWT" }))));
    check_forged(&format!("{}.{body}.AAAA", part(&json!({ "alg": "HS256" }))));
    let other = EncodingKey::from_secret(b"another secret of thirty-two byte");
    let header = Header::new(Algorithm::HS256);
    check_forged(&jsonwebtoken::encode(&header, &claims(), &other).unwrap());
    let header = Header::new(Algorithm::HS512);
    let same = EncodingKey::from_secret(SECRET);
    check_forged(&jsonwebtoken::encode(&header, &claims(), &same).unwrap());
    // Well signed, but it says more in its header than is understood here.
    let header = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(Algorithm::HS256) };
    check_forged(&jsonwebtoken::encode(&header, &claims(), &same).unwrap());
    let good = signed(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    for token in [message, &format!("{message}."), &format!("{message}.{signature}.x")] {
        check_forged(token);
    }
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(
        &EncodingKey::from_ed_pem(ED25519_PEM.as_bytes()).unwrap(),
        Algorithm::EdDSA,
    );
    let jwk = serde_json::to_value(jwk.unwrap()).unwrap();
    let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let header = Header::new(Algorithm::HS256);
    let key = EncodingKey::from_secret(&public);
    let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
    assert_eq!(eddsa().verifier().verify(&token, NOW), Err(TokenFault::Forged));
    let token = eddsa().issue(&request());
    assert_eq!(hs256().verifier().verify(&token, NOW), Err(TokenFault::Forged));
}
