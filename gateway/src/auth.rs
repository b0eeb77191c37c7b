//! Who calls: bearer tokens in, principals out, and the tokens that this service issues itself.
//!
//! [`TokenIssuer`] writes tokens, [`LocalVerifier`] reads those of a local key behind the seam
//! [`VerifyToken`], the gatekeeper remembers what was verified. Must not know what a call does.

mod cache;
mod issuer;
mod principal;
mod verifier;

pub use issuer::{KeyFault, TokenIssuer, TokenRequest};
pub use principal::{Principal, Scope, Scopes};
pub use verifier::{LocalVerifier, TokenFault, Verified, VerifyToken};

use std::sync::Arc;

use http::{HeaderMap, header};
use platform::clock::Clock;
use schemas::http::ProblemCode;

use crate::problem::{BEARER_SCOPE, Refusal};
use cache::TokenCache;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Issuer of the tokens that this service issues itself.
pub const ISSUER: &str = "timedeal";
/// Audience of every token that is good here.
pub const AUDIENCE: &str = "timedeal";

/// Lets in who has a valid token. What was verified once is remembered until it expires.
pub(crate) struct Gatekeeper {
    verifier: Arc<dyn VerifyToken>,
    cache: TokenCache,
    clock: Arc<dyn Clock>,
}

impl Gatekeeper {
    pub(crate) fn new(
        verifier: Arc<dyn VerifyToken>,
        clock: Arc<dyn Clock>,
        seed: [u8; 32],
    ) -> Self {
        Self { verifier, cache: TokenCache::new(seed), clock }
    }

    /// Who sent these headers, if the token allows one of `scopes`.
    pub(crate) fn admit(&self, headers: &HeaderMap, scopes: Scopes) -> Result<Principal, Refusal> {
        let principal = self.identify(bearer(headers)?)?;
        if principal.scopes.meets(scopes) {
            return Ok(principal);
        }
        let detail = format!("the token has none of the scopes {scopes}");
        let refusal = Refusal::new(ProblemCode::Forbidden, detail);
        Err(refusal.with_header(header::WWW_AUTHENTICATE, BEARER_SCOPE))
    }

    fn identify(&self, token: &str) -> Result<Principal, Refusal> {
        let now_seconds = self.clock.now_millis().div_euclid(1_000);
        let hash = self.cache.hash(token);
        if let Some(principal) = self.cache.get(hash, now_seconds) {
            return Ok(principal);
        }
        let verified = self
            .verifier
            .verify(token, now_seconds)
            .map_err(|fault| Refusal::new(ProblemCode::Unauthenticated, fault.to_string()))?;
        self.cache.put(hash, verified, now_seconds);
        Ok(verified.principal)
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Refusal::token_missing());
    };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let token = text.and_then(|text| text.split_once(' ')).filter(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX
    });
    token.map(|(_, token)| token.trim()).ok_or_else(|| {
        Refusal::new(ProblemCode::Unauthenticated, "Authorization is not one bearer token")
    })
}
