//! Who calls: bearer tokens in, principals out, and the tokens that this service issues itself.
//!
//! [`TokenIssuer`] writes tokens. Behind the seam [`VerifyToken`], [`LocalVerifier`] reads those of
//! keys of this service's own and [`OidcVerifier`] those of an issuer that publishes its keys. The
//! gatekeeper remembers what was verified. Must not know what a call does.

mod cache;
mod claims;
mod issuer;
mod local;
mod oidc;
mod principal;
mod verifier;

pub use issuer::{TokenIssuer, TokenRequest};
pub use local::{KeyFault, LocalVerifier, TokenKeys};
pub use oidc::{OidcAlgorithm, OidcFault, OidcOptions, OidcOutcome, OidcVerifier, OidcWatch};
pub use principal::{Principal, Scope, Scopes};
pub use verifier::{ByIssuer, TokenFault, Verified, VerifyToken};

pub(crate) use oidc::{describe_metrics, judge};

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, header};
use platform::clock::Clock;
use schemas::http::ProblemCode;

use crate::problem::{BEARER_SCOPE, Refusal};
use cache::{TokenCache, TokenHash};

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Issuer of the tokens that this service issues itself.
pub const ISSUER: &str = "timedeal";
/// Audience of every token that is good here.
pub const AUDIENCE: &str = "timedeal";

/// When whoever has a token of an issuer that is away may come again.
const ISSUER_AWAY: Duration = Duration::from_secs(5);

/// Lets in who has a valid token. What was verified once is remembered until it expires, or until
/// the keys change.
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

    /// Who sent these headers, if the token allows one of `scopes`. Waits only for a token whose
    /// key is not known yet.
    pub(crate) async fn admit(
        &self,
        headers: &HeaderMap,
        scopes: Scopes,
    ) -> Result<Principal, Refusal> {
        let principal = self.identify(bearer(headers)?).await?;
        if principal.scopes.meets(scopes) {
            return Ok(principal);
        }
        let detail = format!("the token has none of the scopes {scopes}");
        let refusal = Refusal::new(ProblemCode::Forbidden, detail);
        Err(refusal.with_header(header::WWW_AUTHENTICATE, BEARER_SCOPE))
    }

    async fn identify(&self, token: &str) -> Result<Principal, Refusal> {
        let hash = self.cache.hash(token);
        match self.recall_or_verify(token, hash) {
            Ok(principal) => Ok(principal),
            Err(TokenFault::UnknownKey) => {
                self.verifier.renew(token).await.map_err(refuse)?;
                self.recall_or_verify(token, hash).map_err(refuse)
            }
            Err(fault) => Err(refuse(fault)),
        }
    }

    fn recall_or_verify(&self, token: &str, hash: TokenHash) -> Result<Principal, TokenFault> {
        let now_seconds = self.clock.now_millis().div_euclid(1_000);
        // Before the keys are used: keys that come in between make this entry useless, not wrong.
        let generation = self.verifier.generation();
        if let Some(principal) = self.cache.get(hash, generation, now_seconds) {
            return Ok(principal);
        }
        let verified = self.verifier.verify(token, now_seconds)?;
        self.cache.put(hash, generation, verified, now_seconds);
        Ok(verified.principal)
    }
}

fn refuse(fault: TokenFault) -> Refusal {
    match fault {
        TokenFault::Forged
        | TokenFault::Foreign
        | TokenFault::Expired
        | TokenFault::Incomplete
        | TokenFault::UnknownKey => Refusal::new(ProblemCode::Unauthenticated, fault.to_string()),
        // The token may be good: its holder must not throw it away.
        TokenFault::Unavailable => {
            Refusal::new(ProblemCode::NotReady, fault.to_string()).after(ISSUER_AWAY)
        }
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Refusal::token_missing());
    };
    // Read faster than by `to_str`; a byte that is not ASCII is in no token that was signed.
    let text = std::str::from_utf8(value.as_bytes()).ok().filter(|_| values.next().is_none());
    let token = text.and_then(|text| text.split_once(' ')).filter(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX
    });
    token.map(|(_, token)| token.trim()).ok_or_else(|| {
        Refusal::new(ProblemCode::Unauthenticated, "Authorization is not one bearer token")
    })
}
