//! What stands in a token, and the checks of it that are the same for every issuer. Must not know
//! which key is the right one.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde::Deserialize;
use sha2::Sha256;

use super::principal::{Principal, Scopes, subject};
use super::verifier::{TokenFault, Verified};

/// How far the clocks of issuers may be from ours.
const LEEWAY_SECONDS: i64 = 60;

/// A key together with the only algorithm that it is used with, and whose tokens it verifies.
///
/// `jsonwebtoken` does the cryptography of public keys. Its `decode` would also do the rest, but
/// it reads header and claims twice, and hashes a secret anew, for every customer who comes for the
/// first time: that was nearly half of what such a token cost.
pub(super) struct VerifyingKey {
    key: Key,
    issuer: Box<str>,
    audience: Box<str>,
}

enum Key {
    /// HS256, the secret hashed already.
    Secret(Hmac<Sha256>),
    Public(DecodingKey, Algorithm),
}

impl VerifyingKey {
    /// A secret, for HS256.
    pub(super) fn secret(secret: &[u8], issuer: &str, audience: &str) -> Self {
        let keyed = Hmac::new_from_slice(secret).expect("HMAC takes any length");
        Self::new(Key::Secret(keyed), issuer, audience)
    }

    /// A public key, for this algorithm.
    pub(super) fn public(
        key: DecodingKey,
        algorithm: Algorithm,
        issuer: &str,
        audience: &str,
    ) -> Self {
        Self::new(Key::Public(key, algorithm), issuer, audience)
    }

    fn new(key: Key, issuer: &str, audience: &str) -> Self {
        Self { key, issuer: issuer.into(), audience: audience.into() }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match &self.key {
            Key::Secret(_) => Algorithm::HS256,
            Key::Public(_, algorithm) => *algorithm,
        }
    }

    /// Verifies a token whose header was read: it names this key's algorithm. No other is tried in
    /// any case, so a public key can never be taken for a shared secret.
    pub(super) fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Forged)?;
        if !self.has_signed(message, signature) {
            return Err(TokenFault::Forged);
        }
        let (_, payload) = message.split_once('.').ok_or(TokenFault::Forged)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenFault::Forged)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| TokenFault::Incomplete)?;
        self.judge(&claims, now_seconds)
    }

    fn has_signed(&self, message: &str, signature: &str) -> bool {
        match &self.key {
            Key::Secret(keyed) => URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
                keyed.clone().chain_update(message).verify_slice(&signature).is_ok()
            }),
            Key::Public(key, algorithm) => {
                jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, *algorithm)
                    .is_ok_and(|is_good| is_good)
            }
        }
    }

    fn judge(&self, claims: &Claims<'_>, now_seconds: i64) -> Result<Verified, TokenFault> {
        if claims.iss != *self.issuer || !claims.aud.contains(&self.audience) {
            return Err(TokenFault::Foreign);
        }
        let until_seconds = seconds(claims.exp).saturating_add(LEEWAY_SECONDS);
        let from = claims.nbf.map_or(i64::MIN, seconds);
        let from_seconds = from.saturating_sub(LEEWAY_SECONDS);
        let subject = subject(&claims.iss, &claims.sub);
        let principal = Principal { subject, scopes: claims.scopes() };
        let verified = Verified { principal, from_seconds, until_seconds };
        if verified.good_at(now_seconds) { Ok(verified) } else { Err(TokenFault::Expired) }
    }
}

/// How a token says that it was signed; nothing of it is verified.
///
/// # Errors
/// If it is no token, or demands that more is understood than is (`crit`, RFC 7515, 4.1.11).
pub(super) fn read_header(token: &str) -> Result<Header, TokenFault> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Forged)?;
    if header.crit.is_some() { Err(TokenFault::Forged) } else { Ok(header) }
}

/// The issuer that a token names. It is not verified: good for choosing who verifies, and for
/// nothing else.
pub(super) fn claimed_issuer(token: &str) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: Box<str>,
    }
    let claimed = jsonwebtoken::dangerous::insecure_decode_claims::<Claimed>(token);
    claimed.ok().map(|claimed| claimed.iss)
}

/// NumericDate may have a fraction (RFC 7519, 2); what is beyond any clock is the end of time.
fn seconds(numeric_date: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as is meant")]
    let seconds = numeric_date.floor() as i64;
    seconds
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    sub: Cow<'a, str>,
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    aud: Names<'a>,
    exp: f64,
    nbf: Option<f64>,
    #[serde(borrow)]
    scope: Option<Name<'a>>,
    #[serde(borrow)]
    scp: Option<Names<'a>>,
}

/// `aud` and `scp` are arrays with some issuers and strings with others.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names<'a> {
    One(#[serde(borrow)] Name<'a>),
    Many(#[serde(borrow)] Vec<Name<'a>>),
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Names<'_> {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(name) => name.0 == wanted,
            Self::Many(names) => names.iter().any(|name| name.0 == wanted),
        }
    }
}

impl Claims<'_> {
    fn scopes(&self) -> Scopes {
        let scope = self.scope.as_ref().map_or_else(Scopes::default, |it| Scopes::parse(&it.0));
        match &self.scp {
            None => scope,
            Some(Names::One(text)) => text.0.split(' ').fold(scope, Scopes::with),
            Some(Names::Many(names)) => names.iter().fold(scope, |set, name| set.with(&name.0)),
        }
    }
}
