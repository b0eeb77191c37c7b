//! The gateway as a whole: what it is made of, and how it serves. Must not know where the parts
//! come from.

use std::fmt;
use std::sync::Arc;

use event_log::Log;
use platform::clock::Clock;
use platform::secrets::{Rotating, SecretBytes};
use platform::shutdown::ShutdownToken;
use read_model::Store;
use schemas::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::accounts::Passwords;
use crate::auth::{self, Gatekeeper, TokenIssuer, VerifyToken};
use crate::commands::Appended;
use crate::config::GatewayConfig;
use crate::keys::GatewayKeys;
use crate::limits::Limits;
use crate::retry::Dice;
use crate::routes;
use crate::server::{self, Ready, ServeError};
use crate::status::{Readiness, StatusView};
use crate::ticket::Tickets;

/// How many may look at once for deals that the view does not know.
const OLD_DEALS_MAX: usize = 16;

/// Everything that a gateway is made of.
pub struct GatewayParts {
    /// The commands log, to which it appends.
    pub commands: Arc<dyn Log>,
    /// What it knows; somebody else keeps it up to date.
    pub status: StatusView,
    /// The read model: accounts, and deals of logs that were replaced.
    pub store: Arc<dyn Store>,
    /// Keys of order ids, of sessions and of payment notices.
    pub keys: GatewayKeys,
    /// Verifies tokens: a [`LocalVerifier`](crate::auth::LocalVerifier) of `keys.tokens`, alone or
    /// beside an OIDC issuer ([`ByIssuer`](crate::auth::ByIssuer)).
    pub verifier: Arc<dyn VerifyToken>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// All that can be set.
    pub config: GatewayConfig,
}

/// What every handler works with.
pub(crate) struct Service {
    pub(crate) commands: Arc<dyn Log>,
    pub(crate) status: StatusView,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tickets: Rotating<Tickets>,
    pub(crate) webhooks: Rotating<Vec<SecretBytes>>,
    pub(crate) issuer: TokenIssuer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: GatewayConfig,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) limits: Limits,
    pub(crate) passwords: Passwords,
    pub(crate) dice: Arc<Dice>,
    pub(crate) appended: Appended,
    /// Whoever looks for a deal that the view does not know holds one.
    pub(crate) old_deals: Semaphore,
    /// Thrown when the gateway stops: nobody waits any longer.
    pub(crate) stopping: ShutdownToken,
}

impl Service {
    /// The gateway's clock.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.now_millis())
    }

    /// The gateway's clock in seconds, as tokens and signatures count.
    pub(crate) fn now_seconds(&self) -> i64 {
        self.clock.now_millis().div_euclid(1_000)
    }
}

/// A gateway, ready to serve.
pub struct Gateway {
    service: Arc<Service>,
}

impl Gateway {
    /// A gateway of these parts.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn new(parts: GatewayParts) -> Result<Self, ServeError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(ServeError::Randomness)?;
        let dice_seed = getrandom::u64().map_err(ServeError::Randomness)?;
        server::describe_metrics();
        auth::describe_metrics();
        let clock = parts.clock;
        let service = Service {
            gatekeeper: Gatekeeper::new(parts.verifier, Arc::clone(&clock), seed),
            limits: Limits::new(&parts.config, Arc::clone(&clock)),
            passwords: Passwords::new(),
            dice: Arc::new(Dice::new(dice_seed)),
            appended: Appended::new(),
            old_deals: Semaphore::new(OLD_DEALS_MAX),
            stopping: ShutdownToken::new(),
            commands: parts.commands,
            status: parts.status,
            store: parts.store,
            tickets: parts.keys.tickets,
            webhooks: parts.keys.webhooks,
            issuer: TokenIssuer::new(parts.keys.tokens),
            clock,
            config: parts.config,
        };
        Ok(Self { service: Arc::new(service) })
    }

    /// Whether it may be sent customers; for the operators' server, also while it stops.
    #[must_use]
    pub fn readiness(&self) -> Arc<dyn Fn() -> Ready + Send + Sync> {
        let service = Arc::clone(&self.service);
        Arc::new(move || {
            if service.stopping.is_cancelled() {
                return Ready::No("stopping".into());
            }
            match service.status.ready() {
                Readiness::Ready => Ready::Yes,
                Readiness::Starting => Ready::No("catching up".into()),
                Readiness::Stale => Ready::No("stale".into()),
            }
        })
    }

    /// Serves customers on `listener` until shutdown. Then takes no connection any more, ends
    /// waits and streams, and gives calls under way `config.drain` to end.
    ///
    /// # Errors
    /// If the listener fails for good.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: ShutdownToken,
    ) -> Result<(), ServeError> {
        let service = self.service;
        let house = service.limits.keep_house(&shutdown);
        let routes = routes::all(&service);
        let public = server::serve_public(listener, Arc::clone(&service), routes, &shutdown);
        let ((), served) = tokio::join!(house, public);
        served
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("config", &self.service.config).finish_non_exhaustive()
    }
}
