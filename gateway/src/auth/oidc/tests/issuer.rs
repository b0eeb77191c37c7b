//! An issuer on loopback whose answers can be changed, and the tokens that it signs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::clock::ManualClock;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::auth::oidc::{OidcAlgorithm, OidcOptions, OidcVerifier, OidcWatch};
use crate::auth::{TokenFault, Verified, VerifyToken};

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const AUDIENCE: &str = "shop";

/// A key that an issuer may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct TestKey {
    pub(super) kid: &'static str,
    pub(super) algorithm: Algorithm,
    pem: &'static str,
}

macro_rules! key {
    ($name:ident, $algorithm:ident, $file:literal) => {
        pub(super) const $name: TestKey = TestKey {
            kid: $file,
            algorithm: Algorithm::$algorithm,
            pem: include_str!(concat!("test-keys/", $file, ".pem")),
        };
    };
}
key!(RSA_1, RS256, "rsa-1");
key!(RSA_2, RS256, "rsa-2");
key!(RSA_SHORT, RS256, "rsa-short");
key!(P256, ES256, "p256");
key!(ED25519, EdDSA, "ed25519");

/// What everybody can make of the published [`RSA_1`].
pub(super) const RSA_1_PUBLIC: &str = include_str!("test-keys/rsa-1-public.pem");

impl TestKey {
    pub(super) fn private(self) -> EncodingKey {
        let pem = self.pem.as_bytes();
        let read = match self.kid {
            "p256" => EncodingKey::from_ec_pem(pem),
            "ed25519" => EncodingKey::from_ed_pem(pem),
            _ => EncodingKey::from_rsa_pem(pem),
        };
        read.unwrap()
    }

    pub(super) fn public(self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private(), self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    /// The modulus of an RSA key, as everybody can read it.
    pub(super) fn modulus(self) -> String {
        self.public()["n"].as_str().unwrap().to_owned()
    }
}

pub(super) fn claims(issuer: &str) -> Value {
    json!({ "iss": issuer, "aud": AUDIENCE, "sub": "bob", "exp": NOW + 600, "scope": "shop" })
}

pub(super) fn signed(key: TestKey, claims: &Value) -> String {
    forge(key.kid, key.algorithm, &key.private(), claims)
}

pub(super) fn forge(kid: &str, algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// What the issuer answers.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) issuer: String,
    pub(super) jwks_url: String,
    pub(super) keys: Bytes,
    pub(super) status: u16,
    asked: u64,
}

#[derive(Clone, Debug)]
pub(super) struct LocalIssuer {
    address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
}

impl LocalIssuer {
    async fn start(keys: &[TestKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(Answers {
            issuer: format!("http://{address}"),
            jwks_url: format!("http://{address}/keys"),
            keys: Bytes::new(),
            status: 200,
            asked: 0,
        }));
        let issuer = Self { address, answers };
        issuer.publish(keys);
        let serving = issuer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let issuer = serving.clone();
                let answer = service_fn(move |request| {
                    std::future::ready(Ok::<_, Infallible>(issuer.answer(&request)))
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), answer));
            }
        });
        issuer
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn publish(&self, keys: &[TestKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        self.set(|answers| answers.keys = json!({ "keys": keys }).to_string().into());
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    /// How often it was asked for its keys.
    pub(super) fn asked(&self) -> u64 {
        self.answers.lock().unwrap().asked
    }

    pub(super) fn headers(&self, key: TestKey) -> HeaderMap {
        super::headers(&signed(key, &claims(&self.url())))
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let mut answers = self.answers.lock().unwrap();
        let body = match request.uri().path() {
            "/.well-known/openid-configuration" => {
                let (issuer, jwks_url) = (&answers.issuer, &answers.jwks_url);
                json!({ "issuer": issuer, "jwks_uri": jwks_url, "more": [] }).to_string().into()
            }
            "/keys" => {
                answers.asked += 1;
                answers.keys.clone()
            }
            other => panic!("nobody asks for {other}"),
        };
        Response::builder().status(answers.status).body(Full::new(body)).unwrap()
    }
}

/// An issuer, and a verifier of its tokens.
pub(super) struct Fixture {
    pub(super) issuer: LocalIssuer,
    pub(super) clock: ManualClock,
    pub(super) verifier: OidcVerifier,
    pub(super) watch: OidcWatch,
}

impl Fixture {
    pub(super) async fn start(keys: &[TestKey]) -> Self {
        Self::start_for(keys, &OidcAlgorithm::ALL).await
    }

    pub(super) async fn start_for(keys: &[TestKey], algorithms: &[OidcAlgorithm]) -> Self {
        let issuer = LocalIssuer::start(keys).await;
        let options = OidcOptions::new(&issuer.url(), AUDIENCE).unwrap();
        Self::of(issuer, options.with_algorithms(algorithms))
    }

    pub(super) fn of(issuer: LocalIssuer, options: OidcOptions) -> Self {
        // Whoever installs it first has installed the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let clock = ManualClock::new(NOW * 1_000);
        let (verifier, watch) = OidcVerifier::new(options, Arc::new(clock.clone())).unwrap();
        Self { issuer, clock, verifier, watch }
    }

    pub(super) fn claims(&self) -> Value {
        claims(&self.issuer.url())
    }

    pub(super) fn headers(&self, key: TestKey) -> HeaderMap {
        self.issuer.headers(key)
    }

    pub(super) fn verify(&self, token: &str) -> Result<Verified, TokenFault> {
        self.verifier.verify(token, NOW)
    }
}
