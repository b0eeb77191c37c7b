//! A request before it is known which gateway gets it. Must not know what a purchase is.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;

/// One request, ready to be sent as often as it takes.
pub(crate) struct Draft<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) authorization: Option<&'a HeaderValue>,
    pub(crate) idempotency_key: Option<&'a HeaderValue>,
    pub(crate) body: Bytes,
}

impl Draft<'_> {
    /// The request to one host, with what its sender has seen until now.
    pub(crate) fn request(
        &self,
        host: &HeaderValue,
        seen: Option<HeaderValue>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().expect("paths are made of ids and literals");
        let headers = request.headers_mut();
        headers.reserve(8);
        headers.insert(HOST, host.clone());
        if let Some(authorization) = self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if !self.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = self.idempotency_key {
            headers.insert("idempotency-key", key.clone());
        }
        if let Some(seen) = seen {
            headers.insert("timedeal-seen", seen);
        }
        request
    }
}
