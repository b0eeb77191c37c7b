//! The seam between a call's token and whoever can verify it. Must not know any key.

use async_trait::async_trait;

use super::claims::claimed_issuer;
use super::local::LocalVerifier;
use super::oidc::OidcVerifier;
use super::principal::Principal;

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
    /// No key is known that it could have been signed with; there may be a new one.
    #[error("the token was not signed with a key that its issuer publishes")]
    UnknownKey,
    /// The issuer's keys cannot be had now, so nothing can be said of the token.
    #[error("the keys of the token's issuer cannot be had now")]
    Unavailable,
}

/// The seam for issuers: keys of one's own, and keys that an issuer publishes.
#[async_trait]
pub trait VerifyToken: Send + Sync {
    /// A number that grows whenever the keys change. What was verified before may rest on a key
    /// that is gone. Read before [`VerifyToken::verify`], it is never newer than the keys used.
    fn generation(&self) -> u64;

    /// Whom the token speaks for at `now_seconds` Unix time. Nobody waits in here.
    ///
    /// # Errors
    /// If the token is not good; [`TokenFault::UnknownKey`] if it may be after
    /// [`VerifyToken::renew`].
    fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault>;

    /// Waits until the keys that could have signed this token were asked for anew.
    ///
    /// # Errors
    /// Why that does not help: nobody else has keys, or they cannot be had.
    async fn renew(&self, token: &str) -> Result<(), TokenFault>;
}

/// Local keys and an OIDC issuer together: the issuer that a token names says who verifies it, and
/// whoever verifies it checks that name.
#[derive(Clone, Debug)]
pub struct ByIssuer {
    /// For tokens that this service issues itself, and for all that name an unknown issuer.
    pub local: LocalVerifier,
    /// For tokens that name its issuer.
    pub oidc: OidcVerifier,
}

impl ByIssuer {
    fn chosen(&self, token: &str) -> &dyn VerifyToken {
        let is_oidc = claimed_issuer(token).is_some_and(|issuer| *issuer == *self.oidc.issuer());
        if is_oidc { &self.oidc } else { &self.local }
    }
}

#[async_trait]
impl VerifyToken for ByIssuer {
    /// Both only grow, so their sum stays only if both stay.
    fn generation(&self) -> u64 {
        self.local.generation() + self.oidc.generation()
    }

    fn verify(&self, token: &str, now_seconds: i64) -> Result<Verified, TokenFault> {
        self.chosen(token).verify(token, now_seconds)
    }

    async fn renew(&self, token: &str) -> Result<(), TokenFault> {
        self.chosen(token).renew(token).await
    }
}
