//! The gateways of the service: the connections to each, and what each has answered. Must not know
//! which of them is asked next, or why.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use serde::Serialize;

use crate::client::{Answer, Draft, Loss, Pool, problem_of};
use crate::clock::Clock;
use crate::target::Target;

/// All gateways of a rush, at least one, in the order of the plan.
pub(crate) struct Gateways(Vec<Gateway>);

struct Gateway {
    host: HeaderValue,
    authority: String,
    pool: Pool,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    requests: u64,
    /// By status, and the code of a problem.
    answers: BTreeMap<(u16, &'static str), u64>,
    losses: BTreeMap<&'static str, u64>,
}

/// What a request takes from the requests before it.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// The value of `Timedeal-Seen`.
    pub(crate) seen: Option<HeaderValue>,
    /// A connection of this gateway other than this number is taken if there is one.
    pub(crate) avoid: Option<u64>,
}

/// What one gateway was asked and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GatewayReport {
    /// Host and port.
    pub gateway: String,
    /// Requests that were meant for it.
    pub requests: u64,
    /// Answers by status, and by code where there is one, such as `409 sold-out`; and requests
    /// without an answer by reason.
    pub answers: BTreeMap<String, u64>,
}

impl Gateways {
    /// So many connections at most, shared evenly; none is opened yet.
    pub(crate) fn new(found: Vec<(Target, SocketAddr)>, connections: usize, clock: Clock) -> Self {
        assert!(!found.is_empty(), "a service has a gateway");
        let (each, more) = (connections / found.len(), connections % found.len());
        let gateway = |(place, (target, address)): (usize, (Target, SocketAddr))| Gateway {
            host: HeaderValue::try_from(target.authority()).expect("an authority is visible ASCII"),
            authority: target.authority().to_owned(),
            pool: Pool::new(place, address, each + usize::from(place < more), clock),
            tally: Mutex::default(),
        };
        Self(found.into_iter().enumerate().map(gateway).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Host and port of a gateway.
    pub(crate) fn authority(&self, gateway: usize) -> &str {
        &self.0[gateway].authority
    }

    /// Asks a gateway, and waits for its answer within `within` of having a connection.
    pub(crate) async fn exchange(
        &self,
        gateway: usize,
        draft: &Draft<'_>,
        carried: Carried,
        within: Duration,
    ) -> Result<Answer, Loss> {
        let asked = &self.0[gateway];
        let request = draft.request(&asked.host, carried.seen);
        let exchanged = asked.pool.exchange(request, within, carried.avoid).await;
        asked.tally().note(&exchanged);
        exchanged
    }

    /// Opens a connection to a gateway and keeps it for later.
    pub(crate) async fn warm(&self, gateway: usize) {
        self.0[gateway].pool.warm().await;
    }

    /// A report per gateway.
    pub(crate) fn reports(&self) -> Vec<GatewayReport> {
        self.0.iter().map(Gateway::report).collect()
    }
}

impl Gateway {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> GatewayReport {
        let tally = self.tally();
        let answers = tally.answers.iter().map(|((status, code), count)| {
            let space = if code.is_empty() { "" } else { " " };
            (format!("{status}{space}{code}"), *count)
        });
        let losses = tally.losses.iter().map(|(loss, count)| ((*loss).to_owned(), *count));
        GatewayReport {
            gateway: self.authority.clone(),
            requests: tally.requests,
            answers: answers.chain(losses).collect(),
        }
    }
}

impl Tally {
    fn note(&mut self, exchanged: &Result<Answer, Loss>) {
        self.requests += 1;
        let count = match exchanged {
            Ok(answer) => {
                let status = answer.head.status;
                let problem = (!status.is_success()).then(|| problem_of(answer).ok()).flatten();
                let code = problem.map_or("", |problem| problem.code.as_str());
                self.answers.entry((status.as_u16(), code)).or_default()
            }
            Err(loss) => self.losses.entry(loss.as_str()).or_default(),
        };
        *count += 1;
    }
}
