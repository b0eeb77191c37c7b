//! Issuers that are away, or answer what they should not.

use std::time::Duration;

use platform::clock::Clock;
use platform::shutdown::ShutdownToken;
use schemas::http::ProblemCode;
use serde_json::json;

use super::issuer::{Answers, ED25519, Fixture, LocalIssuer, NOW, RSA_1, signed};
use super::{SHOP, gate, headers};
use crate::auth::TokenFault;
use crate::auth::oidc::{OidcOptions, OidcOutcome};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn keys_outlive_an_outage_of_their_issuer_by_a_day() {
    let mut fixture = Fixture::start(&[ED25519]).await;
    fixture.watch.step().await;
    let mut claims = fixture.claims();
    claims["exp"] = json!(NOW + 10 * 24 * 60 * 60);
    let token = signed(ED25519, &claims);
    let gate = gate(&fixture);
    assert!(gate.admit(&headers(&token), SHOP).await.is_ok());
    fixture.issuer.set(|answers| answers.status = 503);
    fixture.clock.advance(DAY.checked_sub(Duration::from_millis(1)).unwrap());
    assert_eq!(fixture.watch.step().await, OidcOutcome::Failed);
    assert!(fixture.verify(&token).is_ok());
    assert!(gate.admit(&headers(&token), SHOP).await.is_ok());
    // Also what is remembered is good no longer.
    fixture.clock.advance(Duration::from_secs(2));
    assert_eq!(fixture.verify(&token), Err(TokenFault::UnknownKey));
    fixture.clock.advance(Duration::from_secs(10));
    let (issuer, stop) = (fixture.issuer.clone(), ShutdownToken::new());
    let running = tokio::spawn(fixture.watch.run(stop.clone()));
    let refusal = gate.admit(&headers(&token), SHOP).await.unwrap_err();
    assert_eq!(refusal.code(), ProblemCode::NotReady);
    issuer.set(|answers| answers.status = 200);
    fixture.clock.advance(Duration::from_secs(10));
    assert!(gate.admit(&headers(&token), SHOP).await.is_ok());
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_is_asked_again_soon() {
    let mut fixture = Fixture::start(&[ED25519]).await;
    fixture.issuer.set(|answers| answers.status = 500);
    assert_eq!(fixture.watch.step().await, OidcOutcome::Failed);
    let token = signed(ED25519, &fixture.claims());
    assert_eq!(fixture.verify(&token), Err(TokenFault::UnknownKey));
    fixture.issuer.set(|answers| answers.status = 200);
    let before = fixture.clock.elapsed_millis();
    fixture.clock.advance(Duration::from_secs(36));
    assert_eq!(fixture.watch.step().await, OidcOutcome::Changed);
    assert!(fixture.clock.elapsed_millis() - before <= 36_000);
    assert!(fixture.verify(&token).is_ok());
}

#[tokio::test]
async fn nobody_at_the_address_is_a_failure_and_no_more() {
    let fixture = Fixture::start(&[RSA_1]).await;
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let options = OidcOptions::new(&format!("http://{nobody}"), "shop").unwrap();
    let mut fixture = Fixture::of(fixture.issuer, options);
    assert_eq!(fixture.watch.step().await, OidcOutcome::Failed);
}

async fn check(change: impl FnOnce(&LocalIssuer)) {
    let mut fixture = Fixture::start(&[RSA_1]).await;
    change(&fixture.issuer);
    assert_eq!(fixture.watch.step().await, OidcOutcome::Failed);
    let token = signed(RSA_1, &fixture.claims());
    assert_eq!(fixture.verify(&token), Err(TokenFault::UnknownKey));
}

#[tokio::test]
async fn answers_that_cannot_be_trusted_bring_no_keys() {
    check(|issuer| issuer.set(|it| it.issuer = "https://other.example".to_owned())).await;
    check(|issuer| issuer.set(|it| it.issuer.push('/'))).await;
    check(|issuer| issuer.set(|it| it.jwks_url = "http://id.example/keys".to_owned())).await;
    check(|issuer| issuer.set(|it| it.jwks_url = "file:///keys".to_owned())).await;
    check(|issuer| issuer.set(|it| it.keys = "no JSON".into())).await;
    check(|issuer| issuer.set(|it| it.keys = r#"{"keys":[]}"#.into())).await;
    let padded = |it: &Answers| [&it.keys[..], &[b' '; 262_144]].concat();
    check(|issuer| issuer.set(|it| it.keys = padded(it).into())).await;
    check(|issuer| issuer.set(|it| it.status = 302)).await;
}

#[tokio::test]
async fn keys_at_a_known_address_need_no_document() {
    let fixture = Fixture::start(&[RSA_1]).await;
    fixture.issuer.set(|answers| answers.issuer = "of somebody else".to_owned());
    let url = fixture.issuer.url();
    let options = OidcOptions::new(&url, "shop").unwrap();
    let options = options.with_jwks_url(&format!("{url}/keys")).unwrap();
    let mut fixture = Fixture::of(fixture.issuer, options);
    assert_eq!(fixture.watch.step().await, OidcOutcome::Changed);
    assert!(fixture.verify(&signed(RSA_1, &fixture.claims())).is_ok());
}
