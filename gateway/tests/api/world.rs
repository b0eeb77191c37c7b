//! A whole gateway on loopback, with everything it needs, for one test.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use event_log::{Log, SimulatedLog};
use gateway::auth::{LocalVerifier, Scopes, TokenIssuer, TokenKeys, TokenRequest};
use gateway::status::{Readiness, StatusLimits, StatusOptions, StatusView};
use gateway::ticket::Tickets;
use gateway::{
    Gateway, GatewayConfig, GatewayKeys, GatewayParts, Operations, PartitionControl, PartitionRow,
    RateConfig, ResumeOptions, ResumeRefusal, ServeError, serve_operations,
};
use platform::clock::{Clock, SystemClock};
use platform::secrets::{KeyRing, Rotating, SecretBytes, SigningKeyMaterial, SigningKeys};
use platform::shutdown::ShutdownToken;
use read_model::{SqliteOptions, SqliteStore};
use schemas::http::Deal;
use schemas::{Partition, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::Ask;
use crate::owner::{self, LOG_ID};

pub(crate) const PARTITIONS: Partition = 2;
pub(crate) const WEBHOOK_SECRET: &[u8] = b"a secret that only the provider knows";

/// What is different in this world.
pub(crate) struct Setup {
    pub(crate) follow: bool,
    pub(crate) decide: bool,
    pub(crate) burst: u32,
    pub(crate) demo: bool,
    pub(crate) cors_origins: Vec<Box<str>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { follow: true, decide: true, burst: 10_000, demo: true, cors_origins: Vec::new() }
    }
}

/// A running gateway.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) commands: SimulatedLog,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) status: StatusView,
    pub(crate) issuer: TokenIssuer,
    pub(crate) stop: ShutdownToken,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    pub(crate) resumed: Arc<Resumed>,
    pub(crate) keys: GatewayKeys,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn start(setup: Setup) -> Self {
        let clock = Arc::new(SystemClock::new());
        let log_clock: event_log::Clock =
            Arc::new(|| Timestamp::from_millis(SystemClock::new().now_millis()));
        let commands = SimulatedLog::new("commands", PARTITIONS, log_clock.clone());
        let decisions = SimulatedLog::new("decisions", PARTITIONS, log_clock);
        owner::found(&commands, &decisions);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("read-model.sqlite");
        let store = Arc::new(SqliteStore::open(&path, SqliteOptions::default()).await.unwrap());
        let status = StatusView::start(StatusOptions {
            decisions: Arc::new(decisions.clone()),
            commands: Arc::new(commands.clone()),
            store: store.clone(),
            clock: clock.clone(),
            log_id: LOG_ID,
            gateway: "test".into(),
            limits: StatusLimits::default(),
        });
        let status = status.await.unwrap();
        let stop = ShutdownToken::new();
        for partition in 0..PARTITIONS {
            if setup.decide {
                let (commands, decisions) = (commands.clone(), decisions.clone());
                tokio::spawn(owner::decide(partition, commands, decisions, store.clone()));
            }
            if setup.follow {
                let (status, stop) = (status.clone(), stop.clone());
                tokio::spawn(async move { status.follow(partition, stop).await });
            }
        }
        if setup.follow {
            tokio::spawn(ask(status.clone(), stop.clone()));
        }
        let keys = keys();
        let issuer = TokenIssuer::new(keys.tokens.clone());
        let resumed = Arc::new(Resumed::default());
        let gateway = Gateway::new(GatewayParts {
            commands: Arc::new(commands.clone()),
            status: status.clone(),
            store: store.clone(),
            verifier: Arc::new(LocalVerifier::new(keys.tokens.clone())),
            keys: keys.clone(),
            clock,
            config: config(&setup),
        })
        .unwrap();
        let (public, ops) = (listen().await, listen().await);
        let (address, operations) = (public.local_addr().unwrap(), ops.local_addr().unwrap());
        tokio::spawn(serve_operators(ops, &gateway, &resumed));
        let serving = tokio::spawn(gateway.serve(public, stop.clone()));
        let world = Self {
            address,
            operations,
            commands,
            store,
            status,
            issuer,
            stop,
            serving,
            resumed,
            keys,
            _folder: folder,
        };
        if setup.follow {
            world.until("the view is ready", || world.status.ready() == Readiness::Ready).await;
        }
        world
    }

    pub(crate) async fn usual() -> Self {
        Self::start(Setup::default()).await
    }

    /// Waits, with a deadline that only a broken program misses.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            let mut ticks = tokio::time::interval(Duration::from_millis(2));
            while !is_so() {
                ticks.tick().await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("in vain: {what}"));
    }

    pub(crate) fn token(&self, subject: Uuid, scopes: &str) -> String {
        self.issuer.issue(&TokenRequest {
            subject,
            scopes: Scopes::parse(scopes),
            now_seconds: SystemClock::new().now_millis() / 1_000,
            ttl: Duration::from_secs(600),
        })
    }

    pub(crate) fn shopper(&self) -> String {
        self.token(Uuid::new_v4(), "shop")
    }

    pub(crate) fn admin(&self) -> String {
        self.token(Uuid::from_u128(1), "admin")
    }

    /// Commands that stand in the log, genesis records apart.
    pub(crate) async fn appended(&self) -> u64 {
        let mut count = 0;
        for partition in 0..PARTITIONS {
            count += self.commands.end(partition).await.unwrap() - 1;
        }
        count
    }

    /// Announces a deal that is open, and waits for it.
    pub(crate) async fn announce(&self, name: &str, change: Value) -> Deal {
        let mut body = deal_body();
        for (field, value) in change.as_object().unwrap() {
            body[field] = value.clone();
        }
        let path = format!("/v1/admin/products/{name}/deals/first?wait=20");
        let ask = Ask::new("PUT", path).token(&self.admin()).json(&body);
        ask.send(self.address).await.expect(201)
    }

    pub(crate) fn buy(&self, token: &str, key: &str, deal: &Deal) -> Ask {
        let body = json!({ "deal_id": deal.deal_id, "quantity": 1 });
        Ask::post("/v1/purchases").token(token).key(key).json(&body)
    }
}

/// A deal that has been open for a minute.
pub(crate) fn deal_body() -> Value {
    let now = Timestamp::from_millis(SystemClock::new().now_millis());
    let opened = Timestamp::from_millis(now.as_millis() - 60_000);
    json!({
        "product": { "name": "Lamp", "description": "It shines.", "image_url": null },
        "title": "Lamps for little",
        "price": { "amount": 1_990, "currency": "EUR" },
        "stock": 10,
        "limit_per_customer": 2,
        "opens_at": opened.to_string(),
        "closes_at": now.plus(Duration::from_secs(3_600)).to_string(),
        "hold_seconds": 600,
    })
}

fn config(setup: &Setup) -> GatewayConfig {
    let burst = NonZeroU32::new(setup.burst).unwrap();
    let second = NonZeroU32::new(setup.burst.div_ceil(2)).unwrap();
    GatewayConfig {
        customer_rate: RateConfig { per_second: second, burst },
        cors_origins: setup.cors_origins.clone(),
        demo: setup.demo,
        drain: Duration::from_secs(5),
        ..GatewayConfig::new("test")
    }
}

/// Asks how far logs and read model are.
async fn ask(status: StatusView, stop: ShutdownToken) {
    tokio::join!(status.ask_ends(stop.clone()), status.ask_store(stop.clone()));
}

/// Operators see the process stop, so their server outlives the customers'.
fn serve_operators(
    listener: TcpListener,
    gateway: &Gateway,
    resumed: &Arc<Resumed>,
) -> impl Future<Output = Result<(), ServeError>> + use<> {
    let shown = Operations {
        readiness: gateway.readiness(),
        metrics_text: Arc::new(|| "up 1\n".to_owned()),
        partitions: resumed.clone(),
    };
    serve_operations(listener, shown, ShutdownToken::new())
}

/// One key of each kind.
fn keys() -> GatewayKeys {
    let secret = SecretBytes::new(vec![7; 32]);
    let signing = SigningKeys::single(SigningKeyMaterial::Hs256(secret));
    let ring = KeyRing::new([(1, SecretBytes::new(vec![9; 32]))]).unwrap();
    GatewayKeys {
        tickets: Rotating::new(Tickets::new(ring)),
        tokens: Rotating::new(TokenKeys::new(&signing).unwrap()),
        webhooks: Rotating::new(vec![SecretBytes::new(WEBHOOK_SECRET.to_vec())]),
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Partitions that do nothing but remember what was asked of them.
#[derive(Default)]
pub(crate) struct Resumed(pub(crate) Mutex<Vec<(Partition, ResumeOptions)>>);

#[async_trait]
impl PartitionControl for Resumed {
    async fn list(&self) -> Vec<PartitionRow> {
        vec![PartitionRow {
            partition: 0,
            state: "parked".into(),
            epoch: Some(7),
            decided_next: 5,
            read_offset: 6,
            park: Some("log time is ahead".into()),
        }]
    }

    async fn resume(
        &self,
        partition: Partition,
        options: ResumeOptions,
    ) -> Result<(), ResumeRefusal> {
        match partition {
            0 => self.0.lock().unwrap().push((partition, options)),
            1 => return Err(ResumeRefusal::NotParked),
            _ => return Err(ResumeRefusal::Unknown),
        }
        Ok(())
    }
}
