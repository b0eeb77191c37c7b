//! Whole purchases at a gateway, from a request in memory to its answer: all that a call costs but
//! the connection it comes over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use decider::State;
use decision_log::{DecisionWriter, genesis_record, owner_record};
use event_log::SimulatedLog;
use gateway::auth::{LocalVerifier, Scope, Scopes, TokenIssuer, TokenKeys, TokenRequest};
use gateway::status::{StatusLimits, StatusOptions, StatusView};
use gateway::ticket::Tickets;
use gateway::{Counter, Gateway, GatewayConfig, GatewayKeys, GatewayParts};
use http::{Request, StatusCode, header};
use platform::clock::ManualClock;
use platform::secrets::{KeyRing, Rotating, SecretBytes, SigningKeyMaterial, SigningKeys};
use read_model::{SqliteOptions, SqliteStore};
use schemas::Digest;
use schemas::log::{FilterState, Genesis, Owner, RULES};
use tokio::runtime::Runtime;

use crate::sale::{NOW, announce, customer, deal_id};
use crate::{TIMES, Work};

const LOG_ID: u8 = 1;

/// There are units: each is appended to a log in memory.
pub(crate) fn taken() -> Work {
    answer_each(1_000_000, Customers::Known, StatusCode::ACCEPTED)
}

/// Nothing is left, and the customers have called before.
pub(crate) fn sold_out() -> Work {
    answer_each(0, Customers::Known, StatusCode::CONFLICT)
}

/// Nothing is left, and nobody has called before.
pub(crate) fn sold_out_unseen() -> Work {
    answer_each(0, Customers::Unseen, StatusCode::CONFLICT)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Customers {
    Known,
    Unseen,
}

fn answer_each(stock: u64, customers: Customers, meant: StatusCode) -> Work {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (counter, issuer) = runtime.block_on(gateway(stock));
    let tokens = tokens(&issuer);
    if customers == Customers::Known {
        answered(&runtime, &counter, requests(&tokens, "first"), meant);
    }
    let mut requests = Some(requests(&tokens, "second"));
    Box::new(move || answered(&runtime, &counter, requests.take().unwrap(), meant))
}

fn answered(
    runtime: &Runtime,
    counter: &Counter,
    requests: Vec<Request<Bytes>>,
    meant: StatusCode,
) -> usize {
    runtime.block_on(async {
        let mut count = 0;
        for request in requests {
            count += usize::from(counter.answer(request).await.status() == meant);
        }
        count
    })
}

/// The key that signs all tokens here.
pub(crate) fn signing() -> SigningKeys {
    SigningKeys::single(SigningKeyMaterial::Hs256(SecretBytes::new(vec![7; 32])))
}

/// Tokens of a thousand customers.
pub(crate) fn tokens(issuer: &TokenIssuer) -> Vec<String> {
    let token = |number| {
        issuer.issue(&TokenRequest {
            subject: customer(number),
            scopes: Scopes::of(&[Scope::Shop]),
            now_seconds: NOW.as_millis() / 1_000,
            ttl: Duration::from_secs(3_600),
        })
    };
    (0..TIMES as u64).map(token).collect()
}

/// A purchase of each of them, under a key of this name.
fn requests(tokens: &[String], key: &str) -> Vec<Request<Bytes>> {
    let body = format!(r#"{{"deal_id":"{}","quantity":1}}"#, deal_id().0);
    let request = |token: &String| {
        Request::post("/v1/purchases")
            .header(header::HOST, "shop.example")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", key)
            .body(Bytes::from(body.clone()))
            .unwrap()
    };
    tokens.iter().map(request).collect()
}

/// A gateway whose view has read all that there is: one deal, with so many units.
async fn gateway(stock: u64) -> (Counter, TokenIssuer) {
    let clock = Arc::new(ManualClock::new(NOW.as_millis()));
    let (commands, decisions) = logs(stock);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("read-model.sqlite");
    let store = Arc::new(SqliteStore::open(&path, SqliteOptions::default()).await.unwrap());
    let status = StatusView::start(StatusOptions {
        decisions: Arc::new(decisions),
        commands: Arc::new(commands.clone()),
        store: store.clone(),
        clock: clock.clone(),
        log_id: LOG_ID,
        gateway: "gateway-1".into(),
        limits: StatusLimits::default(),
    });
    let status = status.await.unwrap();
    let mut follower = status.follower(0);
    while follower.step().await.unwrap() > 0 {}
    status.ask_ends_once().await;
    let tokens = Rotating::new(TokenKeys::new(&signing()).unwrap());
    let ring = KeyRing::new([(1, SecretBytes::new(vec![9; 32]))]).unwrap();
    let parts = GatewayParts {
        commands: Arc::new(commands),
        status,
        store,
        keys: GatewayKeys {
            tickets: Rotating::new(Tickets::new(ring)),
            tokens: tokens.clone(),
            webhooks: Rotating::new(Vec::new()),
        },
        verifier: Arc::new(LocalVerifier::new(tokens.clone())),
        clock,
        config: GatewayConfig::new("gateway-1"),
    };
    (Gateway::seeded(parts, [7; 32], 7).counter(), TokenIssuer::new(tokens))
}

/// Both logs of one partition, with the deal announced and decided.
fn logs(stock: u64) -> (SimulatedLog, SimulatedLog) {
    let clock: event_log::Clock = Arc::new(|| NOW);
    let commands = SimulatedLog::new("commands", 1, clock.clone());
    let decisions = SimulatedLog::new("decisions", 1, clock);
    let owner = Owner { epoch: 1, claim: Digest(1), worker: "worker-1".into(), rules: RULES };
    for log in [&commands, &decisions] {
        log.append_raw(0, genesis_record(&Genesis { log_id: LOG_ID, partitions: 1 }));
    }
    decisions.append_raw(0, owner_record(&owner));
    let announced = announce(&mut State::default(), stock);
    let filter = FilterState { epoch: 1, claim: Digest(1), ..FilterState::default() };
    let record = DecisionWriter::of(&filter).record(announced.encode().into());
    decisions.append_raw(0, record);
    (commands, decisions)
}
