//! Tokens that this service issues itself: for sessions, for the demo, for the command line.

use std::time::Duration;

use platform::secrets::{Rotating, SigningKeys};
use serde::Serialize;
use uuid::Uuid;

use super::local::{KeyFault, LocalVerifier, TokenKeys};
use super::principal::Scopes;
use super::{AUDIENCE, ISSUER};

/// What a token is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// Whom it speaks for.
    pub subject: Uuid,
    /// What it allows.
    pub scopes: Scopes,
    /// When it is issued, Unix time.
    pub now_seconds: i64,
    /// How long it is good.
    pub ttl: Duration,
}

/// Issues tokens with the key that signs; clones share it.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    keys: Rotating<TokenKeys>,
}

impl TokenIssuer {
    /// An issuer that signs with these keys, also with those that replace them later.
    #[must_use]
    pub fn new(keys: Rotating<TokenKeys>) -> Self {
        Self { keys }
    }

    /// An issuer whose keys stay as they are.
    ///
    /// # Errors
    /// If a key is not what its kind says.
    pub fn of(keys: &SigningKeys) -> Result<Self, KeyFault> {
        Ok(Self::new(Rotating::new(TokenKeys::new(keys)?)))
    }

    /// What verifies the tokens of this issuer.
    #[must_use]
    pub fn verifier(&self) -> LocalVerifier {
        LocalVerifier::new(self.keys.clone())
    }

    /// Issues a token.
    ///
    /// # Panics
    /// Never for keys that [`TokenKeys::new`] took.
    #[must_use]
    pub fn issue(&self, request: &TokenRequest) -> String {
        let ttl_seconds = i64::try_from(request.ttl.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: request.subject,
            iat: request.now_seconds,
            exp: request.now_seconds.saturating_add(ttl_seconds),
            jti: Uuid::new_v4(),
            scope: request.scopes.to_string(),
        };
        let keys = self.keys.load();
        let (header, key) = keys.signing();
        jsonwebtoken::encode(header, &claims, key).expect("the key was tried before")
    }
}

#[derive(Serialize)]
struct Claims {
    iss: &'static str,
    aud: &'static str,
    sub: Uuid,
    iat: i64,
    exp: i64,
    /// Two tokens of one second are two tokens.
    jti: Uuid,
    scope: String,
}

#[cfg(test)]
#[path = "issuer/tests.rs"]
mod tests;
