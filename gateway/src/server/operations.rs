//! The operators' server: whether the process lives and is ready, its metrics, and the partitions
//! whose owners run in it. Not for the public: it asks nobody who they are.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use schemas::http::ProblemCode;
use schemas::{Offset, Partition};
use serde::{Deserialize, Serialize};

use super::ServeError;
use super::edge::request_id;
use super::wire::Stage;
use crate::call::{Call, CallBody};
use crate::problem::Refusal;
use crate::reading::{parse_json, read_body};
use crate::retry::Dice;
use crate::written;

/// One partition as its owner in this process has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRow {
    /// Which partition.
    pub partition: Partition,
    /// What the owner does: `claiming`, `owning`, `parked`, …
    pub state: Box<str>,
    /// Epoch of the owner; none before its claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Next command to decide.
    pub decided_next: Offset,
    /// Next offset to read in the decisions log.
    pub read_offset: Offset,
    /// Why it is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub park: Option<Box<str>>,
}

/// What an operator takes upon themselves with a resumption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResumeOptions {
    /// Start a fresh state beside the rows of the log that was there before.
    pub new_log: bool,
    /// Go on although log time is ahead of the clock.
    pub accept_log_time: bool,
}

/// Why a partition was not resumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeRefusal {
    /// No owner in this process has it.
    #[error("no owner in this process has the partition")]
    Unknown,
    /// It is not parked.
    #[error("the partition is not parked")]
    NotParked,
    /// It needs another option, or its cause has to go first.
    #[error("{0}")]
    Refused(Box<str>),
}

/// The owners in this process. They are somebody else's; operators reach them through here.
#[async_trait]
pub trait PartitionControl: Send + Sync {
    /// All partitions, in order.
    async fn list(&self) -> Vec<PartitionRow>;

    /// Ends a park.
    ///
    /// # Errors
    /// If the partition is not parked here, or stays so.
    async fn resume(
        &self,
        partition: Partition,
        options: ResumeOptions,
    ) -> Result<(), ResumeRefusal>;
}

/// Whether a process may be sent work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It may.
    Yes,
    /// Not now; in a few words, for what it waits.
    No(Box<str>),
}

/// What the operators' server of a process shows.
#[derive(Clone)]
pub struct Operations {
    /// Whether the process may be sent work.
    pub readiness: Arc<dyn Fn() -> Ready + Send + Sync>,
    /// All metrics of the process in Prometheus' text format.
    pub metrics_text: Arc<dyn Fn() -> String + Send + Sync>,
    /// The partitions whose owners run in this process.
    pub partitions: Arc<dyn PartitionControl>,
}

/// The operators' service.
#[derive(Clone)]
pub(super) struct OpsService {
    operations: Operations,
    dice: Arc<Dice>,
}

/// An answer to an operator, or why there is none.
type Answer = Result<Response<Bytes>, Refusal>;

impl OpsService {
    pub(super) fn new(operations: Operations) -> Result<Self, ServeError> {
        let seed = getrandom::u64().map_err(ServeError::Randomness)?;
        Ok(Self { operations, dice: Arc::new(Dice::new(seed)) })
    }

    pub(super) fn dice(&self) -> Arc<Dice> {
        Arc::clone(&self.dice)
    }

    /// The service of one connection.
    pub(super) fn connection(&self, stage: Stage) -> OpsConnection {
        OpsConnection { operations: self.clone(), stage }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let is_get = matches!(head.method, Method::GET | Method::HEAD);
        let path = head.uri.path().to_owned();
        let resumed =
            path.strip_prefix("/partitions/").and_then(|rest| rest.strip_suffix("/resume"));
        match (path.as_str(), resumed) {
            ("/livez", _) if is_get => Ok(text(StatusCode::OK, "alive\n".to_owned())),
            ("/readyz", _) if is_get => Ok(self.readiness()),
            ("/metrics", _) if is_get => Ok(text(StatusCode::OK, (self.operations.metrics_text)())),
            ("/partitions", _) if is_get => Ok(json(&self.operations.partitions.list().await)),
            (_, Some(partition)) if head.method == Method::POST => {
                let call = Call::new(head.headers, head.uri, CallBody::Incoming(body));
                self.resume(partition, &call).await
            }
            ("/livez" | "/readyz" | "/metrics" | "/partitions", _) => {
                Err(other_method("GET, HEAD"))
            }
            (_, Some(_)) => Err(other_method("POST")),
            (_, None) => Err(Refusal::new(ProblemCode::NotFound, "no such path")),
        }
    }

    fn readiness(&self) -> Response<Bytes> {
        match (self.operations.readiness)() {
            Ready::Yes => text(StatusCode::OK, "ready\n".to_owned()),
            Ready::No(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        }
    }

    async fn resume(&self, partition: &str, call: &Call) -> Answer {
        let unknown = || Refusal::new(ProblemCode::NotFound, ResumeRefusal::Unknown.to_string());
        let partition = partition.parse().map_err(|_| unknown())?;
        let body = read_body(call).await?;
        let options = if body.is_empty() { ResumeOptions::default() } else { parse_json(&body)? };
        match self.operations.partitions.resume(partition, options).await {
            Ok(()) => Ok(json(&self.operations.partitions.list().await)),
            Err(ResumeRefusal::Unknown) => Err(unknown()),
            Err(refusal @ (ResumeRefusal::NotParked | ResumeRefusal::Refused(_))) => {
                Err(Refusal::new(ProblemCode::OutOfRange, refusal.to_string()))
            }
        }
    }
}

fn other_method(allow: &'static str) -> Refusal {
    Refusal::new(ProblemCode::MethodNotAllowed, format!("only {allow}"))
        .with_header(header::ALLOW, HeaderValue::from_static(allow))
}

fn text(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn json<T: Serialize>(body: &T) -> Response<Bytes> {
    let mut response = Response::new(written::json(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The operators' service on one connection.
pub(super) struct OpsConnection {
    operations: OpsService,
    stage: Stage,
}

impl HyperService<Request<Incoming>> for OpsConnection {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.stage.begin();
        let (operations, stage) = (self.operations.clone(), self.stage.clone());
        Box::pin(async move {
            let dice = &operations.dice;
            let answered = operations.answer(request).await;
            let mut response = answered.unwrap_or_else(|refusal| refusal.into_bytes(dice));
            response.headers_mut().insert("x-request-id", request_id(dice));
            stage.finish();
            Ok(response.map(Full::new))
        })
    }
}
