//! Clients: requests on their way to one of the gateways, sent twice, late or in vain, and what a
//! client remembers. Must not know what the service is made of beyond its doors.

pub(crate) mod operators;
pub(crate) mod payers;
pub(crate) mod shoppers;

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use schemas::log::HEADER_TRACEPARENT;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::dice::{Dice, mix};
use crate::faults::{Fault, Site};
use crate::ground::{Ground, LOG_ID};
use crate::history::{Asked, Seen, Told, shows, traced};
use crate::plan::GATEWAYS;
use crate::universe::Universe;

/// Longest wait for an answer beyond what was asked for.
const PATIENCE_MS: u64 = 12_000;

/// One client.
pub(crate) struct Client {
    pub(crate) ground: Ground,
    pub(crate) site: Site,
    pub(crate) subject: Uuid,
    pub(crate) dice: Dice,
    scope: &'static str,
    seen: Seen,
    gateway: Site,
}

/// A request before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) asked: Asked,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    pub(crate) wait_seconds: u64,
    /// Longest wait for an answer beyond that.
    patience_ms: u64,
}

impl Draft {
    pub(crate) fn new(asked: Asked, method: Method, path: impl Into<String>) -> Self {
        let (headers, body) = (Vec::new(), Bytes::new());
        let (wait_seconds, patience_ms) = (0, PATIENCE_MS);
        Self { asked, method, path: path.into(), headers, body, wait_seconds, patience_ms }
    }

    pub(crate) fn get(asked: Asked, path: impl Into<String>) -> Self {
        Self::new(asked, Method::GET, path)
    }

    pub(crate) fn post(asked: Asked, path: impl Into<String>) -> Self {
        Self::new(asked, Method::POST, path)
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into();
        self.with("content-type", "application/json")
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn waiting(self, seconds: u64) -> Self {
        Self { wait_seconds: seconds, ..self }
    }

    pub(crate) fn patient(self, patience_ms: u64) -> Self {
        Self { patience_ms, ..self }
    }

    /// As it is sent the time that has this number.
    fn request(&self, number: u64) -> Request<Bytes> {
        let query = format!("?wait={}", self.wait_seconds);
        let query = if self.wait_seconds > 0 { query.as_str() } else { "" };
        let mut request = Request::builder()
            .method(self.method.clone())
            .header(HEADER_TRACEPARENT, traced(number))
            .uri(format!("http://gateway{}{query}", self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body.clone()).expect("what we write is a request")
    }
}

impl Client {
    pub(crate) fn new(ground: &Ground, site: Site, scope: &'static str) -> Self {
        let mut dice = Dice::new(mix(&[ground.plan.seed, 6, site.into()]));
        let gateway = GATEWAYS + dice.below(ground.plan.gateways.into()) as Site;
        Self {
            ground: ground.clone(),
            site,
            subject: Uuid::from_u128(0x5157 << 96 | u128::from(site)),
            dice,
            scope,
            seen: Seen::new(),
            gateway,
        }
    }

    /// The same person with another window open.
    pub(crate) fn beside(&mut self) -> Self {
        Self {
            ground: self.ground.clone(),
            site: self.site,
            subject: self.subject,
            dice: Dice::new(self.dice.draw()),
            scope: self.scope,
            seen: self.seen.clone(),
            gateway: self.gateway,
        }
    }

    pub(crate) fn universe(&self) -> &Arc<Universe> {
        &self.ground.universe
    }

    pub(crate) async fn pause_ms(&mut self, low: u64, high: u64) {
        let ms = self.dice.scattered(low, high);
        self.ground.universe.sleep_ms(ms).await;
    }

    /// Goes to another gateway from now on, or to the same.
    pub(crate) fn go_elsewhere(&mut self) {
        self.gateway = GATEWAYS + self.dice.below(self.ground.plan.gateways.into()) as Site;
    }

    /// Goes to this gateway from now on.
    pub(crate) fn go_to(&mut self, gateway: Site) {
        self.gateway = gateway;
    }

    /// Sends a request, and waits for its answer as long as this client does.
    pub(crate) async fn ask(&mut self, draft: Draft) -> Option<Told> {
        let universe = Arc::clone(&self.ground.universe);
        let mut draft =
            draft.with("authorization", format!("Bearer {}.{}", self.scope, self.subject));
        if !self.seen.is_empty() {
            draft = draft.with("timedeal-seen", written(&self.seen));
        }
        let mut patience_ms = draft.wait_seconds * 1_000 + draft.patience_ms;
        if let Some(mut dice) = universe.fires(Fault::GivesUp, self.site) {
            patience_ms = dice.scattered(1, 2_000);
        }
        if universe.fires(Fault::SentTwice, self.site).is_some() {
            let (answer, gateway) = (self.send(&draft, self.gateway), self.gateway);
            universe.trace(&[2, self.site.into(), gateway.into()], || "sent twice".into());
            universe.spawn(self.site, async move { drop(answer.await) });
        }
        let answer = self.send(&draft, self.gateway);
        let told = tokio::select! {
            biased;
            told = answer => told,
            () = universe.sleep_ms(patience_ms) => None,
        };
        let told = told.filter(|told| told.arrived)?;
        for (&partition, &decided_next) in &told.shows {
            let known = self.seen.entry(partition).or_default();
            *known = decided_next.max(*known);
        }
        universe.pass().await;
        Some(told)
    }

    /// A request on its way, and its answer on the way back.
    fn send(
        &self,
        draft: &Draft,
        gateway: Site,
    ) -> impl Future<Output = Option<Told>> + Send + use<> {
        let (universe, site, subject) = (Arc::clone(self.universe()), self.site, self.subject);
        let (ground, had_seen) = (self.ground.clone(), self.seen.clone());
        let (asked, waits, number) =
            (draft.asked.clone(), draft.wait_seconds > 0, universe.request());
        let request = draft.request(number);
        async move {
            let late_ms = match universe.fires(Fault::SentLate, site) {
                Some(mut dice) => dice.scattered(20, 8_000),
                None => universe.delay_ms(0, 2),
            };
            universe.sleep_ms(late_ms).await;
            let counter = ground.door(gateway)?;
            let (mut sender, answer) = oneshot::channel();
            let machine = Arc::clone(&universe);
            // The handler runs, and ends, with its gateway.
            universe.spawn(gateway, async move {
                tokio::select! {
                    biased;
                    () = sender.closed() => {}
                    response = counter.answer(request) => {
                        drop(sender.send((response, machine.now_ms())));
                    }
                }
            });
            let (response, at_ms) = answer.await.ok()?;
            let arrived = universe.fires(Fault::AnswerLost, site).is_none();
            let status = response.status().as_u16();
            universe.trace(&[3, site.into(), status.into()], || {
                format!("client {site} was told {status} {}", text(&response))
            });
            let told = Told {
                client: site,
                subject,
                said: Told::read(&asked, &response),
                shows: shows(&response),
                asked,
                request: number,
                waits,
                had_seen,
                status,
                at_ms,
                arrived,
            };
            ground.history.note(told.clone());
            Some(told)
        }
    }
}

fn text(response: &http::Response<Bytes>) -> String {
    let seen = response.headers().get("timedeal-seen").and_then(|it| it.to_str().ok());
    let body = String::from_utf8_lossy(response.body());
    format!("[{}] {body}", seen.unwrap_or_default())
}

/// The header that says what was seen.
fn written(seen: &Seen) -> String {
    let mut text = String::new();
    for (partition, decided_next) in seen {
        let comma = if text.is_empty() { "" } else { "," };
        write!(text, "{comma}{LOG_ID}.{partition}:{decided_next}").expect("text grows");
    }
    text
}
