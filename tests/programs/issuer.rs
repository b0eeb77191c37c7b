//! An OIDC issuer on loopback: its document, its published keys, and the tokens that it signs.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::selling::now_seconds;

/// Keys that are good for nothing but tests.
const RSA: &str = include_str!("../../gateway/src/auth/oidc/tests/test-keys/rsa-1.pem");
const P256: &str = include_str!("../../gateway/src/auth/oidc/tests/test-keys/p256.pem");

/// Which of its keys signs.
pub(crate) const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

pub(crate) struct Issuer {
    address: SocketAddr,
}

impl Issuer {
    /// Serves until the test ends. Without a document, only who knows where they are finds its
    /// keys.
    pub(crate) fn start(has_document: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = Self { address: listener.local_addr().unwrap() };
        let (url, keys_url) = (issuer.url(), issuer.keys_url());
        let keys = json!({ "keys": ALGORITHMS.map(published) }).to_string();
        let document = json!({ "issuer": url, "jwks_uri": keys_url }).to_string();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answer = |target: &str| match target {
                    "/keys" => Some(keys.as_str()),
                    "/.well-known/openid-configuration" if has_document => Some(document.as_str()),
                    _ => None,
                };
                // A client that goes away gets no answer, and others do.
                drop(serve(stream, answer));
            }
        });
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn keys_url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// A token for `sub`, meant for `aud`.
    pub(crate) fn token(&self, algorithm: Algorithm, sub: &str, aud: &str) -> String {
        let header = Header { kid: Some(name(algorithm)), ..Header::new(algorithm) };
        let claims = json!({
            "iss": self.url(), "aud": aud, "sub": sub, "exp": now_seconds() + 600,
            "scope": "openid shop"
        });
        jsonwebtoken::encode(&header, &claims, &private(algorithm)).unwrap()
    }
}

fn name(algorithm: Algorithm) -> String {
    format!("{algorithm:?}")
}

fn private(algorithm: Algorithm) -> EncodingKey {
    let is_rsa = algorithm == Algorithm::RS256;
    let read = if is_rsa {
        EncodingKey::from_rsa_pem(RSA.as_bytes())
    } else {
        EncodingKey::from_ec_pem(P256.as_bytes())
    };
    read.unwrap()
}

fn published(algorithm: Algorithm) -> Value {
    let mut key = Jwk::from_encoding_key(&private(algorithm), algorithm).unwrap();
    key.common.key_id = Some(name(algorithm));
    serde_json::to_value(key).unwrap()
}

/// Answers one request and closes the connection.
fn serve<'a>(
    mut stream: TcpStream,
    answer: impl Fn(&str) -> Option<&'a str>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let body = answer(first.split(' ').nth(1).unwrap_or_default());
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}
