//! Keys of this service's own, and the verification of what they signed. The keys may be replaced
//! at any time; must not know where they come from.

use std::fmt;

use async_trait::async_trait;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use platform::secrets::{Rotating, SigningKeyMaterial, SigningKeys};

use super::claims::VerifyingKey;
use super::verifier::{TokenFault, Verified, VerifyToken};
use super::{AUDIENCE, ISSUER};

/// A signing key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used: {0}")]
pub struct KeyFault(#[source] jsonwebtoken::errors::Error);

/// A list of keys, made ready: HS256 with a secret, EdDSA with an Ed25519 key.
pub struct TokenKeys {
    keys: Vec<LocalKey>,
    signing: EncodingKey,
    header: Header,
}

struct LocalKey {
    kid: Option<Box<str>>,
    key: VerifyingKey,
}

impl TokenKeys {
    /// Makes the keys ready.
    ///
    /// # Errors
    /// If one of them is not what its kind says.
    pub fn new(list: &SigningKeys) -> Result<Self, KeyFault> {
        let mut keys = Vec::with_capacity(list.keys().len());
        for key in list.keys() {
            let (_, public, algorithm) = halves(&key.material)?;
            let verifying = VerifyingKey::new(public, algorithm, ISSUER, AUDIENCE);
            keys.push(LocalKey { kid: key.kid.clone(), key: verifying });
        }
        let (signing, _, algorithm) = halves(&list.signing().material)?;
        let mut header = Header::new(algorithm);
        header.kid = list.signing().kid.as_deref().map(str::to_owned);
        Ok(Self { keys, signing, header })
    }

    /// The keys of a file in any form that [`SigningKeys::from_bytes`] takes. Keys may come and go:
    /// what a key signed that is gone is good no more, and that is what taking it out is for.
    ///
    /// # Errors
    /// What is wrong with the content, without showing it.
    pub fn read(bytes: &[u8], _before: Option<&Self>) -> Result<Self, String> {
        let list = SigningKeys::from_bytes(bytes)?;
        Self::new(&list).map_err(|fault| fault.to_string())
    }

    pub(super) fn signing(&self) -> (&Header, &EncodingKey) {
        (&self.header, &self.signing)
    }

    /// The keys that may have signed a token with this header:
    ///
    /// - a token that names a key, and the key is here: that key, and its algorithm has to be the
    ///   token's own, or a public key could be taken for a secret;
    /// - a token that names another key: only keys without a name, which never wrote one, but
    ///   whoever else holds such a key may have. A key that has a name has signed under it alone,
    ///   so a name that is not here is a key that was taken out;
    /// - a token that names none: any key of its algorithm, since it may be older than the name.
    fn candidates<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = &'a VerifyingKey> {
        let named = header.kid.as_deref();
        let is_here = self.keys.iter().any(|key| key.kid.is_some() && key.kid.as_deref() == named);
        let keys = self.keys.iter().filter(move |key| match (named, key.kid.as_deref()) {
            (None, _) => true,
            (Some(_), None) => !is_here,
            (Some(named), Some(kid)) => named == kid,
        });
        keys.map(|key| &key.key).filter(|key| key.algorithm() == header.alg)
    }
}

/// A key as it signs and as it verifies.
fn halves(
    material: &SigningKeyMaterial,
) -> Result<(EncodingKey, DecodingKey, Algorithm), KeyFault> {
    match material {
        SigningKeyMaterial::Hs256(secret) => {
            let secret = secret.expose();
            let key = EncodingKey::from_secret(secret);
            Ok((key, DecodingKey::from_secret(secret), Algorithm::HS256))
        }
        SigningKeyMaterial::EdDsaPem(pem) => {
            let key = EncodingKey::from_ed_pem(pem.expose()).map_err(KeyFault)?;
            let jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(KeyFault)?;
            let public = DecodingKey::from_jwk(&jwk).map_err(KeyFault)?;
            Ok((key, public, Algorithm::EdDSA))
        }
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<_> = self.keys.iter().map(|key| key.kid.as_deref()).collect();
        f.debug_struct("TokenKeys").field("kids", &kids).finish_non_exhaustive()
    }
}

/// Verifies tokens of this service's own keys.
#[derive(Clone, Debug)]
pub struct LocalVerifier {
    keys: Rotating<TokenKeys>,
}

impl LocalVerifier {
    /// Verifies with these keys, also with those that replace them later.
    #[must_use]
    pub fn new(keys: Rotating<TokenKeys>) -> Self {
        Self { keys }
    }
}

#[async_trait]
impl VerifyToken for LocalVerifier {
    fn generation(&self) -> u64 {
        self.keys.load().number()
    }

    fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault> {
        let keys = self.keys.load();
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Forged)?;
        let mut judged = Err(TokenFault::Forged);
        for key in keys.candidates(&header) {
            judged = key.verify(token, now_seconds);
            // Any other answer is about the claims of a token that this key has signed.
            if judged != Err(TokenFault::Forged) {
                break;
            }
        }
        judged
    }

    /// The keys are watched already: there are none to be had.
    async fn renew(&self, _token: &str) -> Result<(), TokenFault> {
        Err(TokenFault::UnknownKey)
    }
}

#[cfg(test)]
mod tests;
