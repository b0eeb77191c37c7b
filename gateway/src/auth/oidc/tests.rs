//! An OIDC issuer on loopback: what it publishes, when it is asked, and whose tokens are good.

mod attacks;
mod issuer;
mod outages;
mod published;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::clock::ManualClock;
use platform::secrets::{SecretBytes, SigningKeyMaterial, SigningKeys};
use platform::shutdown::ShutdownToken;
use schemas::http::ProblemCode;
use serde_json::json;
use uuid::Uuid;

use super::{OidcOutcome, WAITING_MAX};
use crate::auth::{
    ByIssuer, Gatekeeper, Scope, Scopes, TokenFault, TokenIssuer, TokenRequest, VerifyToken,
};
use issuer::{ED25519, Fixture, NOW, P256, RSA_1, RSA_2, forge, signed};

const SHOP: Scopes = Scopes::of(&[Scope::Shop]);

fn headers(token: &str) -> HeaderMap {
    let value = format!("Bearer {token}").parse().unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

/// Waits until the earliest sleeper is due in `left`, with a deadline that only a broken program
/// misses.
async fn until_the_watch_sleeps(clock: &ManualClock, left: Duration) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while clock.until_next() != Some(left) {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap();
}

fn gate(fixture: &Fixture) -> Gatekeeper {
    let (verifier, clock) = (fixture.verifier.clone(), fixture.clock.clone());
    Gatekeeper::new(Arc::new(verifier), Arc::new(clock), [1; 32])
}

#[tokio::test]
async fn tokens_of_every_allowed_algorithm_are_good() {
    let mut fixture = Fixture::start(&[RSA_1, P256, ED25519]).await;
    assert_eq!(fixture.watch.step().await, OidcOutcome::Changed);
    for key in [RSA_1, P256, ED25519] {
        let verified = fixture.verify(&signed(key, &fixture.claims())).unwrap();
        assert_eq!(verified.principal.scopes, SHOP);
        assert_eq!(verified.until_seconds, NOW + 660);
    }
}

#[tokio::test]
async fn a_token_of_a_key_that_was_just_rotated_in_waits_for_it_and_is_good() {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    fixture.watch.step().await;
    let gate = gate(&fixture);
    let (old, new) = (fixture.headers(RSA_1), fixture.headers(RSA_2));
    assert!(gate.admit(&old, SHOP).await.is_ok());
    fixture.issuer.publish(&[RSA_2]);
    fixture.clock.advance(Duration::from_secs(10));
    let (clock, stop) = (fixture.clock.clone(), ShutdownToken::new());
    let running = tokio::spawn(fixture.watch.run(stop.clone()));
    assert!(gate.admit(&new, SHOP).await.is_ok());
    assert_eq!(fixture.issuer.asked(), 2);
    // The old key is gone, and what was remembered of it.
    let mut refusal = Box::pin(gate.admit(&old, SHOP));
    assert!(refusal.as_mut().now_or_never().is_none(), "it may be a new key again");
    clock.advance(Duration::from_secs(10));
    assert_eq!(refusal.await.unwrap_err().code(), ProblemCode::Unauthenticated);
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_once_in_ten_seconds() {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    fixture.watch.step().await;
    fixture.clock.advance(Duration::from_secs(10));
    let gate = gate(&fixture);
    let claims = fixture.claims();
    let flood: Vec<HeaderMap> = (0..WAITING_MAX + 50)
        .map(|number| {
            let kid = format!("made-up-{number}");
            headers(&forge(&kid, Algorithm::EdDSA, &ED25519.private(), &claims))
        })
        .collect();
    let (clock, stop) = (fixture.clock.clone(), ShutdownToken::new());
    let running = tokio::spawn(fixture.watch.run(stop.clone()));
    let codes = async |flood: &[HeaderMap]| {
        let answers = join_all(flood.iter().map(|headers| gate.admit(headers, SHOP))).await;
        let codes = answers.into_iter().map(|answer| answer.unwrap_err().code());
        codes.partition::<Vec<_>, _>(|code| *code == ProblemCode::Unauthenticated)
    };
    let (refused, told_to_come_again) = codes(&flood).await;
    assert_eq!(refused.len(), WAITING_MAX);
    assert_eq!(told_to_come_again, vec![ProblemCode::NotReady; 50]);
    assert_eq!(fixture.issuer.asked(), 2);
    // Within ten seconds the next ones wait, and nobody is asked.
    let mut second = Box::pin(codes(&flood[..50]));
    assert!(second.as_mut().now_or_never().is_none());
    until_the_watch_sleeps(&clock, Duration::from_secs(10)).await;
    clock.advance(Duration::from_millis(9_999));
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!(fixture.issuer.asked(), 2);
    // Good tokens do not wait behind them.
    assert!(gate.admit(&fixture.issuer.headers(RSA_1), SHOP).await.is_ok());
    clock.advance(Duration::from_millis(1));
    assert_eq!(second.await.0.len(), 50);
    assert_eq!(fixture.issuer.asked(), 3);
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn one_answer_serves_all_who_asked_before_it() {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    fixture.watch.step().await;
    fixture.clock.advance(Duration::from_secs(10));
    let token = signed(RSA_2, &fixture.claims());
    let renewals = join_all((0..3).map(|_| fixture.verifier.renew(&token)));
    // The watch waits already; the first wish wakes it, and the others come before it asks.
    let (outcome, renewed) = tokio::join!(fixture.watch.step(), renewals);
    assert_eq!((renewed, outcome), (vec![Ok(()); 3], OidcOutcome::Unchanged));
    // Nobody waits any more, so the next time is a usual one, minutes later.
    let mut next = Box::pin(fixture.watch.step());
    assert!(next.as_mut().now_or_never().is_none());
    assert!(fixture.clock.until_next().unwrap() > Duration::from_secs(60));
}

#[tokio::test]
async fn keys_that_stay_the_same_leave_what_is_remembered() {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    fixture.watch.step().await;
    let generation = fixture.verifier.generation();
    fixture.clock.advance(Duration::from_secs(720));
    assert_eq!(fixture.watch.step().await, OidcOutcome::Unchanged);
    assert_eq!(fixture.verifier.generation(), generation);
    fixture.issuer.publish(&[RSA_1, RSA_2]);
    fixture.clock.advance(Duration::from_secs(720));
    assert_eq!(fixture.watch.step().await, OidcOutcome::Changed);
    assert!(fixture.verifier.generation() > generation);
    assert!(fixture.verify(&signed(RSA_2, &fixture.claims())).is_ok());
}

#[tokio::test]
async fn the_issuer_that_a_token_names_says_who_verifies_it() {
    let mut fixture = Fixture::start(&[ED25519]).await;
    fixture.watch.step().await;
    let local = |secret: u8| {
        let secret = SigningKeyMaterial::Hs256(SecretBytes::new(vec![secret; 32]));
        TokenIssuer::of(&SigningKeys::single(secret)).unwrap()
    };
    let issuer = local(7);
    let both = ByIssuer { local: issuer.verifier(), oidc: fixture.verifier.clone() };
    let request = TokenRequest {
        subject: Uuid::from_u128(7),
        scopes: SHOP,
        now_seconds: NOW,
        ttl: Duration::from_secs(600),
    };
    let claims = fixture.claims();
    let own = both.verify(&issuer.issue(&request), NOW).unwrap();
    assert_eq!(own.principal.subject, Uuid::from_u128(7));
    assert!(both.verify(&signed(ED25519, &claims), NOW).is_ok());
    assert!(both.verify(&local(8).issue(&request), NOW).is_err());
    // Each key only vouches for its own issuer.
    let secret = EncodingKey::from_secret(&[7; 32]);
    let crossed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap();
    assert_eq!(both.verify(&crossed, NOW), Err(TokenFault::Forged));
    let mut as_local = claims.clone();
    as_local["iss"] = json!(crate::auth::ISSUER);
    assert_eq!(both.verify(&signed(ED25519, &as_local), NOW), Err(TokenFault::Forged));
    let mut stranger = claims;
    stranger["iss"] = json!("https://other.example");
    assert!(both.verify(&signed(ED25519, &stranger), NOW).is_err());
}
