//! What stands in a token, and the checks of it that are the same for every issuer. Must not know
//! which key is the right one.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::principal::{Principal, Scopes, subject};
use super::verifier::{TokenFault, Verified};

/// How far the clocks of issuers may be from ours.
const LEEWAY_SECONDS: i64 = 60;

/// A key together with the only algorithm that it is used with, and whose tokens it verifies.
pub(super) struct VerifyingKey {
    key: DecodingKey,
    validation: Validation,
    algorithm: Algorithm,
}

impl VerifyingKey {
    pub(super) fn new(
        key: DecodingKey,
        algorithm: Algorithm,
        issuer: &str,
        audience: &str,
    ) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked here, against the clock that was handed in.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { key, validation, algorithm }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The algorithm belongs to the key: whatever the token's header claims, no other is tried, so
    /// a public key can never be taken for a shared secret.
    pub(super) fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let claims = decoded.map_err(|fault| judge(fault.kind()))?.claims;
        let until_seconds = seconds(claims.exp).saturating_add(LEEWAY_SECONDS);
        let from = claims.nbf.map_or(i64::MIN, seconds);
        let from_seconds = from.saturating_sub(LEEWAY_SECONDS);
        let subject = subject(&claims.iss, &claims.sub);
        let scopes = claims.scopes();
        let principal = Principal { subject, scopes };
        let verified = Verified { principal, from_seconds, until_seconds };
        if verified.good_at(now_seconds) { Ok(verified) } else { Err(TokenFault::Expired) }
    }
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

#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of fault are another crate's")]
fn judge(kind: &ErrorKind) -> TokenFault {
    match kind {
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenFault::Foreign,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::Json(_) => TokenFault::Incomplete,
        _ => TokenFault::Forged,
    }
}

/// NumericDate may have a fraction (RFC 7519, 2); what is beyond any clock is the end of time.
fn seconds(numeric_date: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as is meant")]
    let seconds = numeric_date.floor() as i64;
    seconds
}

#[derive(Deserialize)]
struct Claims {
    sub: Box<str>,
    iss: Box<str>,
    exp: f64,
    nbf: Option<f64>,
    scope: Option<Box<str>>,
    scp: Option<Scp>,
}

/// `scp` is an array with some issuers and a string with others.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scp {
    Text(Box<str>),
    List(Vec<Box<str>>),
}

impl Claims {
    fn scopes(&self) -> Scopes {
        let scope = self.scope.as_deref().map_or_else(Scopes::default, Scopes::parse);
        match &self.scp {
            None => scope,
            Some(Scp::Text(text)) => text.split(' ').fold(scope, Scopes::with),
            Some(Scp::List(names)) => names.iter().fold(scope, |set, name| set.with(name)),
        }
    }
}
