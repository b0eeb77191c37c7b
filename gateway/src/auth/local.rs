//! Keys of this service's own, and the verification of what they signed. The keys may be replaced
//! at any time; must not know where they come from.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use platform::secrets::{Rotating, SigningKeyMaterial, SigningKeys};

use super::claims::{VerifyingKey, read_header};
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
    usual: Vec<Usual>,
}

struct LocalKey {
    kid: Option<Box<str>>,
    key: VerifyingKey,
}

/// How tokens begin that one of the keys signed here, so that nobody reads it each time.
struct Usual {
    beginning: Box<str>,
    /// Indexes of the keys that may have signed what begins so.
    candidates: Vec<usize>,
}

impl TokenKeys {
    /// Makes the keys ready.
    ///
    /// # Errors
    /// If one of them is not what its kind says.
    pub fn new(list: &SigningKeys) -> Result<Self, KeyFault> {
        let (mut keys, mut written) = (Vec::new(), Vec::new());
        for key in list.keys() {
            let (signing, verifying) = halves(&key.material)?;
            let header = header(verifying.algorithm(), key.kid.as_deref());
            let token = jsonwebtoken::encode(&header, &(), &signing).map_err(KeyFault)?;
            written.push((header, token));
            keys.push(LocalKey { kid: key.kid.clone(), key: verifying });
        }
        let usual = written.iter().map(|(header, token)| {
            let candidates = candidates(&keys, header);
            Usual { beginning: beginning(token).into(), candidates }
        });
        let usual = usual.collect();
        let (signing, verifying) = halves(&list.signing().material)?;
        let header = header(verifying.algorithm(), list.signing().kid.as_deref());
        Ok(Self { keys, signing, header, usual })
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

    /// Indexes of the keys that may have signed this token.
    fn candidates(&self, token: &str) -> Result<Cow<'_, [usize]>, TokenFault> {
        let beginning = beginning(token);
        if let Some(usual) = self.usual.iter().find(|usual| *usual.beginning == *beginning) {
            return Ok(Cow::Borrowed(&usual.candidates));
        }
        Ok(Cow::Owned(candidates(&self.keys, &read_header(token)?)))
    }
}

/// The header of a token, as it is written.
fn beginning(token: &str) -> &str {
    token.split_once('.').map_or(token, |(beginning, _)| beginning)
}

fn header(algorithm: Algorithm, kid: Option<&str>) -> Header {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    header
}

/// The keys that may have signed a token with this header:
///
/// - a token that names a key, and the key is here: that key, and its algorithm has to be the
///   token's own, or a public key could be taken for a secret;
/// - a token that names another key: only keys without a name, which never wrote one, but whoever
///   else holds such a key may have. A key that has a name has signed under it alone, so a name
///   that is not here is a key that was taken out;
/// - a token that names none: any key of its algorithm, since it may be older than the name.
fn candidates(keys: &[LocalKey], header: &Header) -> Vec<usize> {
    let named = header.kid.as_deref();
    let is_here = keys.iter().any(|key| key.kid.is_some() && key.kid.as_deref() == named);
    let may_have_signed = |key: &LocalKey| {
        let fits = match (named, key.kid.as_deref()) {
            (None, _) => true,
            (Some(_), None) => !is_here,
            (Some(named), Some(kid)) => named == kid,
        };
        fits && key.key.algorithm() == header.alg
    };
    (0..keys.len()).filter(|index| may_have_signed(&keys[*index])).collect()
}

/// A key as it signs and as it verifies.
fn halves(material: &SigningKeyMaterial) -> Result<(EncodingKey, VerifyingKey), KeyFault> {
    match material {
        SigningKeyMaterial::Hs256(secret) => {
            let secret = secret.expose();
            let verifying = VerifyingKey::secret(secret, ISSUER, AUDIENCE);
            Ok((EncodingKey::from_secret(secret), verifying))
        }
        SigningKeyMaterial::EdDsaPem(pem) => {
            let key = EncodingKey::from_ed_pem(pem.expose()).map_err(KeyFault)?;
            let jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(KeyFault)?;
            let public = DecodingKey::from_jwk(&jwk).map_err(KeyFault)?;
            let verifying = VerifyingKey::public(public, Algorithm::EdDSA, ISSUER, AUDIENCE);
            Ok((key, verifying))
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
        let mut judged = Err(TokenFault::Forged);
        for index in keys.candidates(token)?.iter() {
            judged = keys.keys[*index].key.verify(token, now_seconds);
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
