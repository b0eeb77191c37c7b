//! Tokens signed with the service's key, or with another that the command line names.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use gateway::auth::{Scopes, TokenIssuer, TokenRequest};
use platform::secrets::{DataDirKeys, SigningKeys};
use uuid::Uuid;

use crate::cli::SignerFlags;

/// Signs tokens that the service accepts.
pub(crate) struct Signer(TokenIssuer);

impl Signer {
    pub(crate) fn load(flags: &SignerFlags) -> anyhow::Result<Self> {
        let keys = match &flags.signing_key {
            Some(path) => SigningKeys::load(path)?,
            None => {
                let keys = DataDirKeys::load(&flags.data.data_dir).with_context(|| {
                    format!("no keys in {}: start the service first", flags.data.data_dir.display())
                })?;
                keys.signing
            }
        };
        Ok(Self(TokenIssuer::of(&keys)?))
    }

    pub(crate) fn token(&self, subject: Uuid, scopes: Scopes, ttl: Duration) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_seconds = since.as_secs().cast_signed();
        self.0.issue(&TokenRequest { subject, scopes, now_seconds, ttl })
    }
}
