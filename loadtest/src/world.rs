//! What all buyers of a rush share: the connections, the deal, chance, patience, and who is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use schemas::DealId;
use tokio::sync::Semaphore;

use crate::client::Pool;
use crate::dice::Dice;
use crate::progress::Observer;

/// First and longest wait before a request is sent again, if the service names none.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// No wait that the service asks for is longer; the API promises as much.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// The surroundings of every buyer.
pub(crate) struct World {
    pub(crate) pool: Pool,
    pub(crate) host: HeaderValue,
    pub(crate) deal_id: DealId,
    pub(crate) dice: Dice,
    pub(crate) patience: Duration,
    /// Who asks with `?wait` keeps a connection busy, so few may at once.
    pub(crate) waits: Semaphore,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) retries: AtomicU64,
    pub(crate) requests: AtomicU64,
}

/// One request, ready to be sent as often as it takes.
pub(crate) struct Draft<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) authorization: Option<&'a HeaderValue>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl World {
    /// The request of a draft.
    pub(crate) fn request(&self, draft: &Draft<'_>) -> Request<Full<Bytes>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut request = Request::new(Full::new(draft.body.clone()));
        *request.method_mut() = draft.method.clone();
        *request.uri_mut() = draft.path.parse().expect("paths are made of ids and literals");
        let headers = request.headers_mut();
        headers.reserve(8);
        headers.insert(HOST, self.host.clone());
        if let Some(authorization) = draft.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if !draft.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &draft.headers {
            headers.insert(*name, value.clone());
        }
        request
    }

    /// Counts a request that has to be sent again.
    pub(crate) fn note_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.observer.retried();
    }

    /// How long to wait before the request is sent again for the `tries`-th time (from 1). The
    /// service's own word counts, a little later for some, so that they do not come together.
    pub(crate) fn pause(&self, tries: u32, retry_after: Option<Duration>) -> Duration {
        match retry_after {
            Some(wait) => {
                let wait = wait.min(RETRY_AFTER_MAX);
                wait + self.dice.up_to(wait / 5)
            }
            None => {
                let ceiling = RETRY_FIRST.saturating_mul(1 << tries.min(10)).min(RETRY_MAX);
                self.dice.up_to(ceiling)
            }
        }
    }
}

/// The header value of a token.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
