//! A small HTTP client: one connection per request, everything read.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use schemas::http::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;

/// A request that is being put together.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn new(method: &str, path: impl Into<String>) -> Self {
        let method = method.parse().unwrap();
        Self { method, path: path.into(), headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.without("authorization").header("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.without("idempotency-key").header("idempotency-key", key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    pub(crate) fn raw(self, body: impl Into<Bytes>) -> Self {
        let mut ask = self.without("content-type").header("content-type", "application/json");
        ask.body = body.into();
        ask
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        self.path = format!("{}?{query}", self.path);
        self
    }

    /// Sends it and reads the head of the answer.
    pub(crate) async fn open(self, address: SocketAddr) -> http::Response<Incoming> {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(self.method).uri(self.path);
        request = request.header("host", "gateway.test");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        sender.send_request(request.body(Full::new(self.body)).unwrap()).await.unwrap()
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(self, address: SocketAddr) -> Told {
        let (head, body) = self.open(address).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Told { status: head.status, headers: head.headers, body }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Told {
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|fault| panic!("{fault}: {} {:?}", self.status, self.body))
    }

    #[track_caller]
    pub(crate) fn expect<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.body);
        self.json()
    }

    /// The problem, after a look at what every problem has.
    #[track_caller]
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{:?}", self.body);
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(problem.kind, format!("/problems/{}", problem.code.as_str()));
        let wants = self.headers.contains_key("www-authenticate");
        assert!(wants == matches!(problem.status, 401 | 403), "{problem:?}");
        assert!(!matches!(problem.status, 429 | 503) || self.headers.contains_key("retry-after"));
        problem
    }

    /// The code of the problem.
    #[track_caller]
    pub(crate) fn code(&self) -> &'static str {
        self.problem().code.as_str()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }
}
