//! The edge: what every request and every answer has, whatever is called. Request ids, methods,
//! CORS, security headers, counting. Must not know what a call does.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::Empty;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::Service as HyperService;
use schemas::http::ProblemCode;
use uuid::Uuid;

use super::framing;
use super::telemetry::Meters;
use super::wire::Stage;
use crate::call::{Call, CallBody};
use crate::composition::Service;
use crate::problem::Refusal;
use crate::retry::Dice;
use crate::routes::{self, Matched, PURCHASE, too_many_purchases};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Most header fields of a request. hyper itself takes a hundred, for which it needs no heap.
const HEADERS_MAX: usize = 64;
/// Longest request id of a client's that is taken over.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// What a page of another origin may send and see.
const CORS_HEADERS_IN: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-none-match, last-event-id, \
     timedeal-seen, traceparent, x-request-id",
);
const CORS_HEADERS_OUT: HeaderValue = HeaderValue::from_static(
    "content-location, etag, location, retry-after, timedeal-seen, x-request-id",
);

/// The page runs its own scripts only; pictures come from wherever the shop has them.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const DATA_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// How long a page of another origin may remember what it may do, in seconds.
const CORS_MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The type of an answer's body, which warp does not name.
pub(crate) trait HasBody {
    /// The type.
    type Body;
}

impl<B> HasBody for Response<B> {
    type Body = B;
}

type AnswerBody = <warp::reply::Response as HasBody>::Body;
type Answer = Response<Staged>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The routes as the edge sees them: what goes in has its body beside it, in the [`Call`].
pub(crate) type Routes =
    Arc<dyn Fn(Request<Empty<Bytes>>) -> BoxFuture<warp::reply::Response> + Send + Sync>;

/// What the edges of all connections share.
pub(super) struct Shared {
    service: Arc<Service>,
    routes: Routes,
    meters: Meters,
    origins: Vec<HeaderValue>,
}

impl Shared {
    pub(super) fn new(service: Arc<Service>, routes: Routes, meters: Meters) -> Self {
        let origins = service.config.cors_origins.iter();
        let origins = origins.filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        Self { service, routes, meters, origins }
    }

    /// The edge of one connection.
    pub(super) fn connection(self: &Arc<Self>, peer: IpAddr, stage: Stage) -> Edge {
        Edge { shared: Arc::clone(self), peer, stage }
    }

    /// Answers a request, as far as the edge is concerned.
    async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> warp::reply::Response {
        let started = Instant::now();
        let (head, body) = request.into_parts();
        let id = take_request_id(&head.headers, &self.service.dice);
        let origin = self.allowed_origin(&head.headers).cloned();
        let matched = routes::find(&head.method, head.uri.path());
        let is_page = matches!(matched, Matched::Asset);
        let operation = match &matched {
            Matched::Operation(index) => Some(*index),
            Matched::Asset | Matched::OtherMethod(_) | Matched::Nothing => None,
        };
        let mut response = if let Some(fault) = framing::fault(&head) {
            hang_up(ProblemCode::Malformed, fault).into_response(&self.service.dice)
        } else if head.headers.len() > HEADERS_MAX {
            let code = ProblemCode::HeadersTooLarge;
            hang_up(code, code.title()).into_response(&self.service.dice)
        } else if head.method == Method::OPTIONS {
            self.tell_options(&head.headers, &matched)
        } else {
            match matched {
                Matched::Operation(PURCHASE) if self.service.congestion.is_hopeless() => {
                    // Before anything is read: what is short now is time.
                    too_many_purchases(&self.service).into_response(&self.service.dice)
                }
                Matched::Operation(_) | Matched::Asset => self.call(peer, head, body).await,
                Matched::OtherMethod(allow) => {
                    let detail = format!("only {allow}");
                    let refusal = Refusal::new(ProblemCode::MethodNotAllowed, detail);
                    let allow = allow_value(&allow);
                    refusal.with_header(header::ALLOW, allow).into_response(&self.service.dice)
                }
                Matched::Nothing => not_found().into_response(&self.service.dice),
            }
        };
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        self.secure(headers, is_page);
        self.permit(headers, origin);
        self.meters.note(operation, response.status().as_u16(), started.elapsed());
        response
    }

    async fn call(
        &self,
        peer: IpAddr,
        head: http::request::Parts,
        body: Incoming,
    ) -> warp::reply::Response {
        let address = self.service.limits.caller(peer, &head.headers);
        if let Err(refusal) = self.service.limits.check_address(address) {
            return refusal.into_response(&self.service.dice);
        }
        // hyper leaves the body of an answer to HEAD away by itself.
        let method = if head.method == Method::HEAD { Method::GET } else { head.method };
        let call = Call::new(head.headers, head.uri, CallBody::Incoming(body));
        (self.routes)(call.into_request(method)).await
    }

    fn allowed_origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        headers.get(header::ORIGIN).filter(|origin| self.origins.contains(origin))
    }

    /// Lets a page of an allowed origin see the answer.
    fn permit(&self, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
        if self.origins.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, CORS_HEADERS_OUT);
        }
    }

    fn secure(&self, headers: &mut HeaderMap, is_page: bool) {
        let policy = if is_page { PAGE_POLICY } else { DATA_POLICY };
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }

    /// What may be done with a resource: for people, and for browsers before they do it.
    fn tell_options(&self, headers: &HeaderMap, matched: &Matched) -> warp::reply::Response {
        let allow = match matched {
            Matched::OtherMethod(allow) => allow_value(allow),
            Matched::Asset => HeaderValue::from_static("GET, HEAD, OPTIONS"),
            Matched::Operation(_) | Matched::Nothing => {
                return not_found().into_response(&self.service.dice);
            }
        };
        let mut response = warp::reply::Response::default();
        *response.status_mut() = http::StatusCode::NO_CONTENT;
        let out = response.headers_mut();
        let is_preflight = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight && self.allowed_origin(headers).is_some() {
            out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
            out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, CORS_HEADERS_IN);
            out.insert(header::ACCESS_CONTROL_MAX_AGE, CORS_MAX_AGE);
        }
        out.insert(header::ALLOW, allow);
        response
    }
}

/// The edge of one connection.
pub(super) struct Edge {
    shared: Arc<Shared>,
    peer: IpAddr,
    stage: Stage,
}

impl HyperService<Request<Incoming>> for Edge {
    type Response = Answer;
    type Error = Infallible;
    /// Boxed: hyper keeps room for it as long as the connection lasts, and streams last long.
    type Future = BoxFuture<Result<Answer, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.stage.begin();
        let (shared, peer, stage) = (Arc::clone(&self.shared), self.peer, self.stage.clone());
        Box::pin(async move {
            let response = shared.answer(peer, request).await;
            Ok(response.map(|body| Staged { body, stage }))
        })
    }
}

/// A body that tells the wire when it was handed over.
pub(super) struct Staged {
    body: AnswerBody,
    stage: Stage,
}

impl Body for Staged {
    type Data = Bytes;
    type Error = <AnswerBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.stage.finish();
    }
}

/// The client's own request id if it is plain and short, else one of ours.
fn take_request_id(headers: &HeaderMap, dice: &Dice) -> HeaderValue {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let fits = |id: &&HeaderValue| {
        (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain)
    };
    headers.get(REQUEST_ID).filter(fits).cloned().unwrap_or_else(|| request_id(dice))
}

/// A request id: 32 random hexadecimal digits.
pub(super) fn request_id(dice: &Dice) -> HeaderValue {
    let mut digits = Uuid::encode_buffer();
    let id = Uuid::from_u64_pair(dice.draw(), dice.draw()).simple().encode_lower(&mut digits);
    HeaderValue::from_str(id).expect("hexadecimal digits are visible ASCII")
}

/// Whatever follows on the connection may be a part of this request, or not.
fn hang_up(code: ProblemCode, fault: &'static str) -> Refusal {
    Refusal::new(code, fault).with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

fn not_found() -> Refusal {
    Refusal::new(ProblemCode::NotFound, "no such path")
}

fn allow_value(methods: &str) -> HeaderValue {
    HeaderValue::from_str(methods).expect("names of methods are visible ASCII")
}
