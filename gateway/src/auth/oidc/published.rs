//! The keys that an issuer publishes (a JWK set), each bound to the one algorithm that it is used
//! with. Pure; must not know how the set was fetched.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use serde::Deserialize;

use super::options::{OidcAlgorithm, OidcOptions};
use crate::auth::claims::VerifyingKey;
use crate::auth::verifier::TokenFault;

/// Most keys of a set that are looked at.
const KEYS_MAX: usize = 64;
/// Sizes of an RSA modulus in bytes: shorter ones are weak, longer ones cost too much.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// Size of a point on edwards25519.
const ED25519_BYTES: usize = 32;

/// The keys of one issuer that can be used here.
#[derive(Default)]
pub(super) struct PublishedKeys {
    keys: Vec<PublishedKey>,
    by_kid: HashMap<Box<str>, usize>,
    /// What they were made of, to tell whether a set is another.
    jwks: Vec<Jwk>,
}

struct PublishedKey {
    algorithm: OidcAlgorithm,
    key: VerifyingKey,
}

impl PublishedKeys {
    /// The keys of a set. A key that is not understood, is not allowed or is not for signatures is
    /// left out: issuers publish keys for others too.
    ///
    /// # Errors
    /// If it is no JWK set, or no key is left.
    pub(super) fn read(json: &[u8], options: &OidcOptions) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| "it is no JWK set")?;
        let mut read = Self::default();
        for value in set.keys.into_iter().take(KEYS_MAX) {
            let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
            read.add(jwk, options);
        }
        if read.keys.is_empty() { Err("it has no key that can be used here") } else { Ok(read) }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.jwks == other.jwks
    }

    /// The one key that may have signed a token with this name and algorithm.
    ///
    /// A token that names no key is only taken if there is just one of its algorithm (OpenID
    /// Connect Core, 10.1): trying several would let anybody make us work.
    pub(super) fn find(
        &self,
        kid: Option<&str>,
        algorithm: OidcAlgorithm,
    ) -> Result<&VerifyingKey, TokenFault> {
        let Some(kid) = kid else {
            let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm);
            let first = fitting.next().ok_or(TokenFault::UnknownKey)?;
            return fitting.next().map_or(Ok(&first.key), |_| Err(TokenFault::Forged));
        };
        let index = self.by_kid.get(kid).ok_or(TokenFault::UnknownKey)?;
        let found = &self.keys[*index];
        if found.algorithm == algorithm { Ok(&found.key) } else { Err(TokenFault::Forged) }
    }

    fn add(&mut self, jwk: Jwk, options: &OidcOptions) {
        let Some(algorithm) = algorithm(&jwk).filter(|it| options.allows(it.as_jwa()).is_some())
        else {
            return;
        };
        let Ok(key) = DecodingKey::from_jwk(&jwk) else { return };
        let (issuer, audience) = (options.issuer(), options.audience());
        let key = VerifyingKey::public(key, algorithm.as_jwa(), issuer, audience);
        if let Some(kid) = &jwk.common.key_id {
            let kid: Box<str> = kid.as_str().into();
            if self.by_kid.contains_key(&kid) {
                // Two keys of one name: which is meant cannot be known.
                return;
            }
            self.by_kid.insert(kid, self.keys.len());
        }
        self.keys.push(PublishedKey { algorithm, key });
        self.jwks.push(jwk);
    }
}

/// The algorithm of a key that verifies signatures, by its type; what the key says of itself must
/// not contradict.
fn algorithm(jwk: &Jwk) -> Option<OidcAlgorithm> {
    let (algorithm, named) = if let AlgorithmParameters::RSA(rsa) = &jwk.algorithm {
        let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
        if !RSA_BYTES.contains(&modulus.len()) {
            return None;
        }
        (OidcAlgorithm::Rs256, KeyAlgorithm::RS256)
    } else if let AlgorithmParameters::EllipticCurve(point) = &jwk.algorithm
        && point.curve == EllipticCurve::P256
    {
        (OidcAlgorithm::Es256, KeyAlgorithm::ES256)
    } else if let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm
        && pair.curve == EllipticCurve::Ed25519
    {
        // jsonwebtoken looks at the length only when it verifies, and panics then.
        URL_SAFE_NO_PAD.decode(&pair.x).ok().filter(|key| key.len() == ED25519_BYTES)?;
        (OidcAlgorithm::EdDsa, KeyAlgorithm::EdDSA)
    } else {
        // Shared secrets (`oct`) in particular.
        return None;
    };
    let common = &jwk.common;
    let agrees = common.key_algorithm.is_none_or(|it| it == named);
    let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
    let operations = common.key_operations.as_ref();
    let verifies = operations.is_none_or(|all| all.contains(&KeyOperations::Verify));
    (agrees && signs && verifies).then_some(algorithm)
}
