//! The gateway as a whole: what it is made of, and how it serves. Must not know where the parts
//! come from.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use event_log::Log;
use http::{Request, Response};
use http_body_util::BodyExt;
use platform::clock::Clock;
use platform::secrets::{Rotating, SecretBytes};
use platform::shutdown::ShutdownToken;
use read_model::Store;
use schemas::Timestamp;
use schemas::http::ProblemCode;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::accounts::Passwords;
use crate::auth::{self, Gatekeeper, TokenIssuer, VerifyToken};
use crate::call::{Call, CallBody};
use crate::commands::Appended;
use crate::config::GatewayConfig;
use crate::congestion::Congestion;
use crate::keys::GatewayKeys;
use crate::limits::Limits;
use crate::problem::Refusal;
use crate::retry::Dice;
use crate::routes::{self, LastRefusal, Matched};
use crate::server::{self, Ready, Routes, ServeError};
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
    pub(crate) congestion: Arc<Congestion>,
    pub(crate) last_refusal: LastRefusal,
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
        let mut cache_seed = [0; 32];
        getrandom::fill(&mut cache_seed).map_err(ServeError::Randomness)?;
        let dice_seed = getrandom::u64().map_err(ServeError::Randomness)?;
        Ok(Self::seeded(parts, cache_seed, dice_seed))
    }

    /// The same with randomness that is handed in: where remembered tokens are kept, and jitter.
    #[must_use]
    pub fn seeded(parts: GatewayParts, cache_seed: [u8; 32], dice_seed: u64) -> Self {
        server::describe_metrics();
        auth::describe_metrics();
        let clock = parts.clock;
        let service = Service {
            gatekeeper: Gatekeeper::new(parts.verifier, Arc::clone(&clock), cache_seed),
            limits: Limits::new(&parts.config, Arc::clone(&clock)),
            passwords: Passwords::new(),
            dice: Arc::new(Dice::new(dice_seed)),
            appended: Appended::new(),
            congestion: Arc::new(Congestion::new(&parts.config, Arc::clone(&clock))),
            last_refusal: LastRefusal::default(),
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
        Self { service: Arc::new(service) }
    }

    /// Whoever answers calls as [`Gateway::serve`] does, without any connection: for who has the
    /// request and its whole body in hand.
    #[must_use]
    pub fn counter(&self) -> Counter {
        Counter { service: Arc::clone(&self.service), routes: routes::all(&self.service) }
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
        let (watched, until) = (Arc::clone(&service), shutdown.clone());
        // A task of its own: what else its task does would count as late.
        tokio::spawn(async move { watched.congestion.watch(&until).await });
        let ((), served) = tokio::join!(house, public);
        served
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("config", &self.service.config).finish_non_exhaustive()
    }
}

/// Answers calls that come over no wire. Clones share the gateway.
#[derive(Clone)]
pub struct Counter {
    service: Arc<Service>,
    routes: Routes,
}

impl Counter {
    /// Answers one call. What only an edge knows (request ids, CORS) is not there.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        if !matches!(routes::find(&head.method, head.uri.path()), Matched::Operation(_)) {
            let unknown = Refusal::new(ProblemCode::NotFound, "no such operation");
            return unknown.into_bytes(&self.service.dice);
        }
        let call = Call::new(head.headers, head.uri, CallBody::Whole(body));
        let (head, body) = (self.routes)(call.into_request(head.method)).await.into_parts();
        let body = body.collect().await.expect("bodies are made in memory").to_bytes();
        Response::from_parts(head, body)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").finish_non_exhaustive()
    }
}
