//! Verification of tokens. The algorithm belongs to the key: whatever a token's header claims, no
//! other is tried, so a public key can never be taken for a shared secret.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::principal::{Principal, Scopes, subject};

/// How far the clocks of issuers may be from ours.
const LEEWAY_SECONDS: i64 = 60;

/// A token that was verified. It is good from `from_seconds` until before `until_seconds`, Unix
/// time with the leeway already in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whom it speaks for.
    pub principal: Principal,
    /// First second at which it is good.
    pub from_seconds: i64,
    /// First second at which it is good no more.
    pub until_seconds: i64,
}

impl Verified {
    /// Whether the token is good at this second.
    #[must_use]
    pub fn good_at(&self, now_seconds: i64) -> bool {
        (self.from_seconds..self.until_seconds).contains(&now_seconds)
    }
}

/// Why a token is not good. Says nothing that helps a forger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is no token, or was not signed with the key that counts.
    #[error("the token was not signed by an issuer that counts here")]
    Forged,
    /// Its `iss` or `aud` is another.
    #[error("the token is not meant for this service")]
    Foreign,
    /// Its time is over, or has not come.
    #[error("the token has expired or is not good yet")]
    Expired,
    /// A claim is missing or has the wrong type.
    #[error("the token is malformed, or lacks exp, iss, aud or sub")]
    Incomplete,
}

/// The seam for issuers: a local key now; an issuer's published keys fit behind it as well, kept
/// fresh by a task of their own, since nobody may wait in here.
pub trait VerifyToken: Send + Sync {
    /// Whom the token speaks for at `now_seconds` Unix time.
    ///
    /// # Errors
    /// If the token is not good.
    fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault>;
}

/// Verifies tokens of one key, one issuer and one audience.
#[derive(Clone)]
pub struct LocalVerifier {
    key: Arc<DecodingKey>,
    validation: Arc<Validation>,
}

impl LocalVerifier {
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
        Self { key: Arc::new(key), validation: Arc::new(validation) }
    }
}

impl VerifyToken for LocalVerifier {
    fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault> {
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
