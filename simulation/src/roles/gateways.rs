//! Gateways: a status view that follows both logs, and the door behind which calls are answered.
//! Tokens are told apart by their text here: who may call is not what is simulated.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gateway::auth::{Principal, Scopes, TokenFault, TokenKeys, Verified, VerifyToken};
use gateway::status::{StatusOptions, StatusView};
use gateway::ticket::Tickets;
use gateway::{Gateway, GatewayConfig, GatewayKeys, GatewayParts, RateConfig};
use platform::clock::Clock;
use platform::secrets::{KeyRing, Rotating, SecretBytes, SigningKeyMaterial, SigningKeys};
use platform::shutdown::ShutdownToken;
use read_model::Store;
use uuid::Uuid;

use super::Life;
use crate::clients::operators::Offer;
use crate::dice::{Dice, mix};
use crate::ground::LOG_ID;
use crate::history::News;
use crate::log::Link;
use crate::store::StoreLink;

/// What the payment provider signs with.
pub(crate) const WEBHOOK_SECRET: &[u8] = b"a secret that only the provider knows";
/// When a gateway that could not start tries again.
const START_AGAIN: Duration = Duration::from_millis(500);
/// When a listener asks again for a deal that the gateway does not know.
const LISTENS_AGAIN: Duration = Duration::from_millis(900);
/// Of so many deals each gateway has one listened to.
const WATCHES_ONE_IN: u64 = 3;

/// Starts the view, then whatever keeps it up to date, then opens the door.
pub(crate) async fn live(life: Life) {
    let Life { ground, site, connection, .. } = &life;
    let universe = &ground.universe;
    let store: Arc<dyn Store> = Arc::new(StoreLink {
        universe: Arc::clone(universe),
        database: ground.database.clone(),
        site: *site,
    });
    let commands = Link::open(universe, &ground.commands, *site, *connection);
    let decisions = Link::open(universe, &ground.decisions, *site, *connection);
    let status = loop {
        let options = StatusOptions {
            decisions: Arc::clone(&decisions),
            commands: Arc::clone(&commands),
            store: Arc::clone(&store),
            clock: life.clock(),
            log_id: LOG_ID,
            gateway: format!("gateway-{site}").into(),
            limits: ground.plan.status,
        };
        match StatusView::start(options).await {
            Ok(status) => break status,
            Err(_) => life.clock.sleep(START_AGAIN).await,
        }
    };
    for partition in 0..ground.plan.partitions {
        let status = status.clone();
        universe.spawn(*site, async move {
            status.follow(partition, ShutdownToken::new()).await;
        });
    }
    watch_deals(&life, &status);
    let asking = status.clone();
    universe.spawn(*site, async move { asking.ask_ends(ShutdownToken::new()).await });
    let asking = status.clone();
    universe.spawn(*site, async move { asking.ask_store(ShutdownToken::new()).await });
    let clock = life.clock();
    let keys = keys();
    let verifier = Arc::new(ByText);
    let config = config(&format!("gateway-{site}"), ground.plan.line_min);
    let parts = GatewayParts { commands, status, store, keys, verifier, clock, config };
    let gateway = Gateway::seeded(parts, [7; 32], life.seed);
    ground.open_door(*site, gateway.counter());
}

fn config(name: &str, purchases_waiting_min: NonZeroU64) -> GatewayConfig {
    let many = NonZeroU32::new(1_000_000).expect("not 0");
    let customer_rate = RateConfig { per_second: many, burst: many };
    GatewayConfig { customer_rate, purchases_waiting_min, ..GatewayConfig::new(name) }
}

/// Some listen to what becomes of some deals, as streams do, from when the gateway knows them on.
fn watch_deals(life: &Life, status: &StatusView) {
    let Life { ground, site, clock, seed, .. } = life;
    let mut dice = Dice::new(mix(&[*seed, 9]));
    for number in 0..ground.plan.deals {
        if !dice.one_in(WATCHES_ONE_IN) {
            continue;
        }
        let deal_id = Offer::of(ground.plan.seed, number).deal_id;
        let (status, clock, history) = (status.clone(), clock.clone(), ground.history.clone());
        let watcher = mix(&[*seed, number.into()]);
        ground.universe.spawn(*site, async move {
            let mut watch = loop {
                match status.watch_deal(deal_id) {
                    Some(watch) => break watch,
                    None => clock.sleep(LISTENS_AGAIN).await,
                }
            };
            loop {
                let news = watch.latest();
                let (row, read_offset) = (Arc::clone(&news.row), news.read_offset);
                history.note_news(News { watcher, row, read_offset });
                watch.changed().await;
            }
        });
    }
}

/// One key of each kind.
fn keys() -> GatewayKeys {
    let secret = SecretBytes::new(vec![7; 32]);
    let signing = SigningKeys::single(SigningKeyMaterial::Hs256(secret));
    let ring = KeyRing::new([(1, SecretBytes::new(vec![9; 32]))]).expect("one key");
    GatewayKeys {
        tickets: Rotating::new(Tickets::new(ring)),
        tokens: Rotating::new(TokenKeys::new(&signing).expect("a secret of 32 bytes")),
        webhooks: Rotating::new(vec![SecretBytes::new(WEBHOOK_SECRET.to_vec())]),
    }
}

/// A token is `scope.subject`, good for ever.
struct ByText;

#[async_trait]
impl VerifyToken for ByText {
    fn generation(&self) -> u64 {
        0
    }

    fn verify(&self, token: &str, _now_seconds: i64) -> Result<Verified, TokenFault> {
        let (scope, subject) = token.split_once('.').ok_or(TokenFault::Forged)?;
        let subject = Uuid::parse_str(subject).map_err(|_| TokenFault::Forged)?;
        let principal = Principal { subject, scopes: Scopes::parse(scope) };
        Ok(Verified { principal, from_seconds: i64::MIN, until_seconds: i64::MAX })
    }

    async fn renew(&self, _token: &str) -> Result<(), TokenFault> {
        Err(TokenFault::UnknownKey)
    }
}
