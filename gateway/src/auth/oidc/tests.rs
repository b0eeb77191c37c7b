//! Tokens of an issuer that publishes its keys on a loopback port: good ones, and every way in
//! which one can be bad.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::clock::ManualClock;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{OidcOptions, OidcOutcome, OidcVerifier, OidcWatch};
use crate::auth::{TokenFault, VerifyToken};

const NOW: i64 = 1_800_000_000;
/// The private key of RFC 8037, appendix A.1, and its public half.
const FIRST: (&str, &str) = (
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
);
const SECOND: (&str, &str) = (
    "MC4CAQAwBQYDK2VwBCIEIDhKK86gw5eo7VIq9uX3MurzcaDCYS1SPUNsu27cR0HF",
    "2zJvO3egL_JuOS7RqxmOlGKnpjKN0-P4BWRUf1aM1CY",
);

/// An issuer, and how often it was asked for its keys.
struct Issuer {
    url: String,
    keys: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keys, asked) = (Arc::new(Mutex::new(json!({ "keys": [] }))), Arc::default());
        let (served, counted, own) = (Arc::clone(&keys), Arc::clone(&asked), url.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (served, counted, own) = (served.clone(), Arc::clone(&counted), own.clone());
                let answer = service_fn(move |request| {
                    let body = answer(&request, &own, &served, &counted);
                    async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body)))) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { url, keys, asked }
    }

    fn publish(&self, keys: &[(&str, &str)]) {
        let key = |(kid, x): &(&str, &str)| {
            let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA" });
            (key["kid"], key["x"]) = (json!(kid), json!(x));
            key
        };
        let keys: Vec<Value> = keys.iter().map(key).collect();
        *self.keys.lock().unwrap() = json!({ "keys": keys });
    }

    fn verifier(&self, clock: &ManualClock) -> (OidcVerifier, OidcWatch) {
        // Another test may have been faster.
        drop(rustls::crypto::ring::default_provider().install_default());
        let options = OidcOptions::new(&self.url, "shop").unwrap();
        OidcVerifier::new(options, Arc::new(clock.clone())).unwrap()
    }

    fn claims(&self) -> Value {
        json!({ "iss": self.url, "aud": "shop", "sub": "bob", "exp": NOW + 600, "scope": "shop" })
    }
}

fn answer(
    request: &Request<Incoming>,
    own: &str,
    keys: &Mutex<Value>,
    asked: &AtomicUsize,
) -> String {
    if request.uri().path() == "/.well-known/openid-configuration" {
        return json!({ "issuer": own, "jwks_uri": format!("{own}/keys") }).to_string();
    }
    asked.fetch_add(1, Ordering::Relaxed);
    keys.lock().unwrap().to_string()
}

fn sign(private: &str, kid: &str, claims: &Value) -> String {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{private}\n-----END PRIVATE KEY-----\n");
    let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

#[tokio::test]
async fn tokens_of_the_issuer_are_good_and_of_others_not() {
    let (issuer, clock) = (Issuer::start().await, ManualClock::new(NOW * 1_000));
    issuer.publish(&[("one", FIRST.1)]);
    let (verifier, mut watch) = issuer.verifier(&clock);
    assert_eq!(watch.step().await, OidcOutcome::Changed);
    let check = |token: &str| verifier.verify(token, NOW).map(|_| ());
    let with = |name: &str, value: Value| {
        let mut claims = issuer.claims();
        claims[name] = value;
        sign(FIRST.0, "one", &claims)
    };
    assert_eq!(check(&sign(FIRST.0, "one", &issuer.claims())), Ok(()));
    assert_eq!(check(&with("iss", json!("https://other"))), Err(TokenFault::Foreign));
    assert_eq!(check(&with("aud", json!("other"))), Err(TokenFault::Foreign));
    assert_eq!(check(&with("exp", json!(NOW - 61))), Err(TokenFault::Expired));
    // Signed by somebody else under a name that is known.
    assert_eq!(check(&sign(SECOND.0, "one", &issuer.claims())), Err(TokenFault::Forged));
    // The public key taken for a shared secret.
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let secret = EncodingKey::from_secret(FIRST.1.as_bytes());
    let confused = jsonwebtoken::encode(&header, &issuer.claims(), &secret).unwrap();
    assert_eq!(check(&confused), Err(TokenFault::Forged));
    // `{"alg":"none"}`, and no signature.
    let signed = sign(FIRST.0, "one", &issuer.claims());
    let body = signed.split('.').nth(1).unwrap();
    assert_eq!(check(&format!("eyJhbGciOiJub25lIn0.{body}.")), Err(TokenFault::Forged));
}

#[tokio::test]
async fn a_key_that_was_rotated_in_is_fetched_when_a_token_names_it() {
    let (issuer, clock) = (Issuer::start().await, ManualClock::new(NOW * 1_000));
    issuer.publish(&[("one", FIRST.1)]);
    let (verifier, mut watch) = issuer.verifier(&clock);
    watch.step().await;
    clock.advance(Duration::from_secs(20));
    let token = sign(SECOND.0, "two", &issuer.claims());
    assert_eq!(verifier.verify(&token, NOW).map(|_| ()), Err(TokenFault::UnknownKey));
    issuer.publish(&[("one", FIRST.1), ("two", SECOND.1)]);
    let (renewed, outcome) = tokio::join!(verifier.renew(&token), watch.step());
    assert_eq!((renewed, outcome), (Ok(()), OidcOutcome::Changed));
    assert!(verifier.verify(&token, NOW).is_ok());
    let generation = verifier.generation();
    // A key that is withdrawn is good no more.
    issuer.publish(&[("two", SECOND.1)]);
    clock.advance(Duration::from_secs(1_000));
    watch.step().await;
    assert!(verifier.verify(&sign(FIRST.0, "one", &issuer.claims()), NOW).is_err());
    assert!(verifier.generation() > generation, "what was remembered is looked at again");
}

#[tokio::test]
async fn however_many_tokens_name_unknown_keys_the_issuer_is_asked_once_in_ten_seconds() {
    let (issuer, clock) = (Issuer::start().await, ManualClock::new(NOW * 1_000));
    issuer.publish(&[("one", FIRST.1)]);
    let (verifier, mut watch) = issuer.verifier(&clock);
    watch.step().await;
    let before = issuer.asked.load(Ordering::Relaxed);
    clock.advance(Duration::from_secs(20));
    let unknown: Vec<_> =
        (0..20).map(|it| sign(SECOND.0, &it.to_string(), &issuer.claims())).collect();
    let renewals = futures_util::future::join_all(unknown.iter().map(|it| verifier.renew(it)));
    let (renewed, _) = tokio::join!(renewals, watch.step());
    assert!(renewed.iter().all(Result::is_ok), "{renewed:?}");
    assert_eq!(issuer.asked.load(Ordering::Relaxed), before + 1);
    // The next one has to wait, and its clock stands still.
    let mut again = std::pin::pin!(watch.step());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut late = std::pin::pin!(verifier.renew(&unknown[0]));
    assert!(late.as_mut().poll(&mut context).is_pending());
    assert!(again.as_mut().poll(&mut context).is_pending());
    assert_eq!(issuer.asked.load(Ordering::Relaxed), before + 1);
}

#[tokio::test]
async fn an_issuer_that_is_away_costs_its_tokens_nothing_for_a_while() {
    let (issuer, clock) = (Issuer::start().await, ManualClock::new(NOW * 1_000));
    issuer.publish(&[("one", FIRST.1)]);
    let (verifier, mut watch) = issuer.verifier(&clock);
    watch.step().await;
    let token = sign(FIRST.0, "one", &issuer.claims());
    *issuer.keys.lock().unwrap() = json!("the page is being repaired");
    clock.advance(Duration::from_secs(1_000));
    assert_eq!(watch.step().await, OidcOutcome::Failed);
    assert!(verifier.verify(&token, NOW).is_ok(), "the keys before stay");
    clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    assert_eq!(verifier.verify(&token, NOW).map(|_| ()), Err(TokenFault::UnknownKey));
}
