//! Which issuer counts, for whom its tokens are meant, and what it may sign with. Pure.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jsonwebtoken::Algorithm;
use reqwest::Url;

use super::OidcFault;
use crate::auth::claims::read_header;
use crate::auth::verifier::TokenFault;

/// What an issuer may sign with. Shared secrets are not among them: whoever can read the published
/// keys could sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OidcAlgorithm {
    /// RSA with SHA-256, keys of 2,048 to 4,096 bits.
    Rs256,
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl OidcAlgorithm {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    pub(super) fn as_jwa(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for OidcAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        })
    }
}

impl FromStr for OidcAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.to_string() == text);
        found.ok_or_else(|| format!("{text} is none of RS256, ES256, EdDSA"))
    }
}

/// An OIDC issuer whose tokens are good here.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    issuer: Box<str>,
    audience: Box<str>,
    discovery: Url,
    jwks: Option<Url>,
    algorithms: Vec<OidcAlgorithm>,
}

impl OidcOptions {
    /// The issuer at this URL, which stands in its tokens exactly so as `iss`; its tokens must have
    /// `audience` in `aud`. It may sign with any [`OidcAlgorithm`].
    ///
    /// # Errors
    /// If the URL is not `https` (`http` for loopback addresses), or has more than host and path.
    pub fn new(issuer: &str, audience: &str) -> Result<Self, OidcFault> {
        let url = parse(issuer)?;
        let has_more = url.query().is_some() || url.fragment().is_some();
        if has_more || audience.is_empty() {
            return Err(OidcFault::Url("an issuer has no query, and an audience is not empty"));
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let discovery = parse(&format!("{base}/.well-known/openid-configuration"))?;
        let algorithms = OidcAlgorithm::ALL.to_vec();
        Ok(Self {
            issuer: issuer.into(),
            audience: audience.into(),
            discovery,
            jwks: None,
            algorithms,
        })
    }

    /// Takes the keys from this URL and asks for no document that names it.
    ///
    /// # Errors
    /// As [`OidcOptions::new`], and if it is `http` for an issuer that is `https`.
    pub fn with_jwks_url(mut self, url: &str) -> Result<Self, OidcFault> {
        self.jwks = Some(self.key_url(url)?);
        Ok(self)
    }

    /// Takes only tokens that were signed with one of these.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[OidcAlgorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn discovery(&self) -> &Url {
        &self.discovery
    }

    pub(super) fn jwks(&self) -> Option<&Url> {
        self.jwks.as_ref()
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.discovery)
    }

    /// The algorithm, if tokens may be signed with it.
    pub(super) fn allows(&self, algorithm: Algorithm) -> Option<OidcAlgorithm> {
        self.algorithms.iter().copied().find(|allowed| allowed.as_jwa() == algorithm)
    }

    /// Which key a token says that it was signed with, and how; nothing of it is verified.
    pub(super) fn claimed(
        &self,
        token: &str,
    ) -> Result<(Option<String>, OidcAlgorithm), TokenFault> {
        let header = read_header(token)?;
        let algorithm = self.allows(header.alg).ok_or(TokenFault::Forged)?;
        Ok((header.kid, algorithm))
    }

    /// Keys never come over a weaker channel than the document that names them.
    pub(super) fn key_url(&self, url: &str) -> Result<Url, OidcFault> {
        let url = parse(url)?;
        if self.discovery.scheme() == "https" && url.scheme() != "https" {
            return Err(OidcFault::Url("the keys of an https issuer come over https"));
        }
        Ok(url)
    }
}

fn parse(text: &str) -> Result<Url, OidcFault> {
    let url = Url::parse(text).map_err(|_| OidcFault::Url("it is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OidcFault::Url("it has a user or a password in it"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(OidcFault::Url("http is for loopback addresses; all else is https")),
        _ => Err(OidcFault::Url("it is not https")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{OidcAlgorithm, OidcOptions};

    #[track_caller]
    fn check(issuer: &str, expect: Result<&str, &str>) {
        let options = OidcOptions::new(issuer, "shop");
        match (options, expect) {
            (Ok(options), Ok(discovery)) => assert_eq!(options.discovery().as_str(), discovery),
            (Err(fault), Err(part)) => {
                assert!(fault.to_string().contains(part), "{fault}");
                assert!(!fault.to_string().contains("hunter2"), "{fault}");
            }
            (options, expect) => panic!("{options:?} is not {expect:?}"),
        }
    }

    #[test]
    fn an_issuer_is_https_or_loopback() {
        const WELL_KNOWN: &str = ".well-known/openid-configuration";
        for issuer in ["https://id.example", "https://id.example/", "http://127.0.0.1:9/a"] {
            let slash = if issuer.ends_with('/') { "" } else { "/" };
            check(issuer, Ok(&format!("{issuer}{slash}{WELL_KNOWN}")));
        }
        check("http://[::1]:9", Ok(&format!("http://[::1]:9/{WELL_KNOWN}")));
        check("http://localhost:9", Ok(&format!("http://localhost:9/{WELL_KNOWN}")));
        check("http://id.example", Err("http is for loopback"));
        check("http://127.0.0.1.example", Err("http is for loopback"));
        check("http://10.0.0.1", Err("http is for loopback"));
        check("ftp://id.example", Err("not https"));
        check("id.example", Err("no URL"));
        check("https://id.example?a=b", Err("no query"));
        check("https://me:hunter2@id.example", Err("a user or a password"));
    }

    #[test]
    fn keys_come_over_no_weaker_channel() {
        let options = OidcOptions::new("https://id.example", "shop").unwrap();
        assert!(options.clone().with_jwks_url("https://keys.example/jwks").is_ok());
        assert!(options.with_jwks_url("http://127.0.0.1/jwks").is_err());
        let local = OidcOptions::new("http://127.0.0.1:9", "shop").unwrap();
        assert!(local.clone().with_jwks_url("http://127.0.0.1:8/jwks").is_ok());
        assert!(local.with_jwks_url("http://id.example/jwks").is_err());
    }

    #[test]
    fn algorithms_are_read_by_name_and_secrets_are_none() {
        for algorithm in OidcAlgorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for text in ["HS256", "none", "rs256", ""] {
            assert!(text.parse::<OidcAlgorithm>().is_err(), "{text}");
        }
    }
}
