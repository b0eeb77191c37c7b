//! Tokens that must not pass, whoever made them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::issuer::{ED25519, Fixture, NOW, P256, RSA_1, RSA_1_PUBLIC, RSA_2, forge, signed};
use crate::auth::TokenFault;
use crate::auth::oidc::{OidcAlgorithm, OidcOutcome};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What this header and these claims give if they are signed as `key` signs.
fn with_header(header: &Value, claims: &Value, key: &EncodingKey, signs: Algorithm) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, signs).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test]
async fn a_signature_is_not_enough_without_the_right_claims() {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    fixture.watch.step().await;
    let issuer = fixture.issuer.url();
    let check = |name: &str, value: Value, expect: Result<(), TokenFault>| {
        let mut claims = fixture.claims();
        if value == json!("absent") {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        let verified = fixture.verify(&signed(RSA_1, &claims)).map(|_| ());
        assert_eq!(verified, expect, "{claims}");
    };
    for (name, value, expect) in [
        // The clocks of issuers may be a minute off, and no more.
        ("exp", json!(NOW - 59), Ok(())),
        ("exp", json!(NOW - 60), Err(TokenFault::Expired)),
        ("nbf", json!(NOW + 60), Ok(())),
        ("nbf", json!(NOW + 61), Err(TokenFault::Expired)),
        ("exp", json!("absent"), Err(TokenFault::Incomplete)),
        ("exp", json!(null), Err(TokenFault::Incomplete)),
        ("exp", json!("tomorrow"), Err(TokenFault::Incomplete)),
        ("iss", json!("https://other.example"), Err(TokenFault::Foreign)),
        ("iss", json!(format!("{issuer}/")), Err(TokenFault::Foreign)),
        ("iss", json!("absent"), Err(TokenFault::Incomplete)),
        ("aud", json!(["other", "shop"]), Ok(())),
        ("aud", json!("other"), Err(TokenFault::Foreign)),
        ("aud", json!([]), Err(TokenFault::Foreign)),
        ("aud", json!("absent"), Err(TokenFault::Incomplete)),
        ("sub", json!(null), Err(TokenFault::Incomplete)),
        ("sub", json!("absent"), Err(TokenFault::Incomplete)),
    ] {
        check(name, value, expect);
    }
}

#[tokio::test]
async fn forged_tokens_are_refused_and_nobody_is_asked_because_of_them() {
    let mut fixture = Fixture::start(&[RSA_1, P256, ED25519]).await;
    fixture.watch.step().await;
    let claims = fixture.claims();
    let good = signed(RSA_1, &claims);
    assert!(fixture.verify(&good).is_ok());
    let unsigned = |algorithm: &str| {
        let header = part(&json!({ "alg": algorithm, "kid": RSA_1.kid }));
        format!("{header}.{}.", part(&claims))
    };
    // The public key, in every form in which it can be had, taken for a shared secret.
    let confused = |secret: &str| {
        let secret = EncodingKey::from_secret(secret.as_bytes());
        forge(RSA_1.kid, Algorithm::HS256, &secret, &claims)
    };
    let named = |kid: &str, algorithm, key: &EncodingKey| forge(kid, algorithm, key, &claims);
    let mut raised = claims.clone();
    raised["scope"] = json!("admin");
    let parts: Vec<&str> = good.split('.').collect();
    let nameless = json!({ "alg": "RS256", "kid": 7 });
    let forged = [
        unsigned("none"),
        unsigned("None"),
        unsigned("RS256"),
        confused(RSA_1_PUBLIC),
        confused(RSA_1_PUBLIC.trim_end()),
        confused(&RSA_1.modulus()),
        confused(&RSA_1.public().to_string()),
        // Well signed, but under the name of a key of another kind, each way round.
        named(RSA_1.kid, Algorithm::ES256, &P256.private()),
        named(P256.kid, Algorithm::RS256, &RSA_1.private()),
        named(ED25519.kid, Algorithm::RS256, &RSA_1.private()),
        // With the right key, but not as it is used.
        named(RSA_1.kid, Algorithm::RS512, &RSA_1.private()),
        named(RSA_1.kid, Algorithm::PS256, &RSA_1.private()),
        // By somebody else, who has a key of the same kind.
        named(RSA_1.kid, Algorithm::RS256, &RSA_2.private()),
        with_header(&nameless, &claims, &RSA_1.private(), Algorithm::RS256),
        format!("{}.{}.{}", parts[0], part(&raised), parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        "hunter2".to_owned(),
    ];
    for token in forged {
        assert_eq!(fixture.verify(&token), Err(TokenFault::Forged), "{token}");
    }
    assert_eq!(fixture.issuer.asked(), 1);
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_or_points_at_is_not_looked_at() {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    fixture.watch.step().await;
    let own = RSA_2.public();
    for (name, value) in [("jwk", own), ("jku", json!(format!("{}/own", fixture.issuer.url())))] {
        let mut header = json!({ "alg": "RS256", "kid": RSA_1.kid });
        header[name] = value;
        let token = with_header(&header, &fixture.claims(), &RSA_2.private(), Algorithm::RS256);
        assert_eq!(fixture.verify(&token), Err(TokenFault::Forged), "{name}");
    }
}

#[tokio::test]
async fn a_key_that_is_published_for_encryption_signs_nothing() {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    let mut public = RSA_2.public();
    public["use"] = json!("enc");
    let keys = json!({ "keys": [RSA_1.public(), public] });
    fixture.issuer.set(|answers| answers.keys = keys.to_string().into());
    assert_eq!(fixture.watch.step().await, OidcOutcome::Changed);
    let claims = fixture.claims();
    assert!(fixture.verify(&signed(RSA_1, &claims)).is_ok());
    assert_eq!(fixture.verify(&signed(RSA_2, &claims)), Err(TokenFault::UnknownKey));
}

#[tokio::test]
async fn an_algorithm_that_is_not_allowed_is_refused() {
    let mut fixture = Fixture::start_for(&[RSA_1, P256], &[OidcAlgorithm::Es256]).await;
    fixture.watch.step().await;
    let claims = fixture.claims();
    assert!(fixture.verify(&signed(P256, &claims)).is_ok());
    assert_eq!(fixture.verify(&signed(RSA_1, &claims)), Err(TokenFault::Forged));
}
