//! Tokens that this service issues itself: for sessions, for the demo, for the command line.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use platform::secrets::SigningKeyMaterial;
use serde::Serialize;
use uuid::Uuid;

use super::principal::Scopes;
use super::verifier::LocalVerifier;
use super::{AUDIENCE, ISSUER};

/// A signing key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used: {0}")]
pub struct KeyFault(#[source] jsonwebtoken::errors::Error);

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

/// Issues tokens with one local key; clones share it.
#[derive(Clone)]
pub struct TokenIssuer {
    key: Arc<EncodingKey>,
    header: Header,
    verifier: LocalVerifier,
}

impl TokenIssuer {
    /// An issuer that signs with this key: HS256 with a secret, EdDSA with an Ed25519 key.
    ///
    /// # Errors
    /// If the key is not what its kind says.
    pub fn new(material: &SigningKeyMaterial) -> Result<Self, KeyFault> {
        let (key, public, algorithm) = match material {
            SigningKeyMaterial::Hs256(secret) => {
                let secret = secret.expose();
                let key = EncodingKey::from_secret(secret);
                (key, DecodingKey::from_secret(secret), Algorithm::HS256)
            }
            SigningKeyMaterial::EdDsaPem(pem) => {
                let key = EncodingKey::from_ed_pem(pem.expose()).map_err(KeyFault)?;
                let jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(KeyFault)?;
                let public = DecodingKey::from_jwk(&jwk).map_err(KeyFault)?;
                (key, public, Algorithm::EdDSA)
            }
        };
        let verifier = LocalVerifier::new(public, algorithm, ISSUER, AUDIENCE);
        Ok(Self { key: Arc::new(key), header: Header::new(algorithm), verifier })
    }

    /// What verifies the tokens of this issuer.
    #[must_use]
    pub fn verifier(&self) -> LocalVerifier {
        self.verifier.clone()
    }

    /// Issues a token.
    ///
    /// # Panics
    /// Never for a key that [`TokenIssuer::new`] took.
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
        jsonwebtoken::encode(&self.header, &claims, &self.key).expect("the key was tried before")
    }
}

impl std::fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenIssuer({:?})", self.header.alg)
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
