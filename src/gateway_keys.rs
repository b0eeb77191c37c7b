//! A gateway's keys by its flags: where each list comes from, who else's tokens are good, and the
//! tasks that keep all of it fresh.

use std::sync::Arc;

use anyhow::{Context, bail};
use gateway::auth::{ByIssuer, LocalVerifier, OidcOptions, OidcVerifier, OidcWatch, VerifyToken};
use gateway::status::StatusView;
use gateway::{GatewayConfig, GatewayKeys, GatewayParts, KeyWatches};
use platform::clock::Clock;
use platform::secrets::{DataDirKeys, KeySources, SecretReader};
use platform::shutdown::TaskGroup;

use crate::cli::{KeyFlags, OidcFlags};
use crate::data_dir::DataDir;
use crate::role::StoreBase;

/// Keys that may be exchanged while the gateway serves.
pub(crate) struct Keys {
    watches: KeyWatches,
    keys: GatewayKeys,
    verifier: Arc<dyn VerifyToken>,
    oidc: Option<OidcWatch>,
}

impl Keys {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// If one of them cannot be read, or an issuer cannot be meant.
    pub(crate) async fn open(
        flags: &KeyFlags,
        sources: &KeySources,
        oidc: &OidcFlags,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        platform::secrets::describe_metrics();
        let reader = SecretReader::of_process();
        let watches = KeyWatches::open(sources, &reader, flags.keys_reread).await?;
        let keys = watches.keys();
        let local = LocalVerifier::new(keys.tokens.clone());
        let Some(issuer) = &oidc.oidc_issuer else {
            return Ok(Self { watches, keys, verifier: Arc::new(local), oidc: None });
        };
        let mut options = OidcOptions::new(issuer, &oidc.oidc_audience).context("--oidc-issuer")?;
        if let Some(url) = &oidc.oidc_jwks_url {
            options = options.with_jwks_url(url).context("--oidc-jwks-url")?;
        }
        let (verifier, watch) = OidcVerifier::new(options, Arc::clone(clock))?;
        let verifier = Arc::new(ByIssuer { local, oidc: verifier });
        Ok(Self { watches, keys, verifier, oidc: Some(watch) })
    }

    /// What a gateway is made of.
    pub(crate) fn parts(
        &self,
        on: &StoreBase,
        status: StatusView,
        config: GatewayConfig,
    ) -> GatewayParts {
        GatewayParts {
            commands: Arc::clone(&on.base.logs.commands),
            status,
            store: Arc::clone(&on.store),
            keys: self.keys.clone(),
            verifier: Arc::clone(&self.verifier),
            clock: Arc::clone(&on.base.clock),
            config,
        }
    }

    /// Number of the key that makes order ids at present.
    pub(crate) fn issuing_ticket_number(&self) -> u16 {
        self.keys.tickets.load().issuing()
    }

    /// Starts the tasks that read everything again and again.
    pub(crate) fn keep_fresh(self, clock: &Arc<dyn Clock>, group: &mut TaskGroup) {
        let stop = group.token().clone();
        group.spawn("keys", self.watches.run(Arc::clone(clock), stop.clone()));
        if let Some(watch) = self.oidc {
            group.spawn("keys of the issuer", watch.run(stop));
        }
    }
}

/// Where the lists are: as the flags say, or all of them in the data directory. Keys there are made
/// at the first start only: with new ones every order id of the log would die.
///
/// # Errors
/// If there is no such directory and not all are named, or its keys are lost.
pub(crate) fn sources(
    flags: &KeyFlags,
    data_dir: Option<(&DataDir, bool)>,
) -> anyhow::Result<KeySources> {
    let KeyFlags { signing_keys, ticket_keys, webhook_keys, .. } = flags;
    match (signing_keys, ticket_keys, webhook_keys, data_dir) {
        (Some(signing), Some(ticket), Some(webhook), _) => Ok(KeySources {
            signing: signing.clone(),
            ticket: ticket.clone(),
            webhook: webhook.clone(),
        }),
        (None, None, None, Some((data_dir, was_used))) => {
            data_dir.keys(was_used)?;
            Ok(DataDirKeys::sources(data_dir.path()))
        }
        _ => bail!(
            "all gateways have the same keys: --signing-keys, --ticket-keys and --webhook-keys are \
             needed, all three (`timedeal keys create` makes them)"
        ),
    }
}
