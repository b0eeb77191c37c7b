//! Answers in JSON: the bytes of a body, and the response that begins with them. Must not know what
//! is answered, or to whom.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// Room for most bodies.
const BODY_BYTES: usize = 1_024;
/// Room for all headers that most answers have in the end: a map that grows hashes them all again.
const HEADERS: usize = 12;

/// A body as JSON.
pub(crate) fn json<T: Serialize>(body: &T) -> Bytes {
    let mut bytes = Vec::with_capacity(BODY_BYTES);
    serde_json::to_writer(&mut bytes, body).expect("bodies are plain data");
    Bytes::from(bytes)
}

/// A response with this body of this type, and who may keep it.
pub(crate) fn response(
    status: StatusCode,
    body: Bytes,
    (media_type, cache): (HeaderValue, HeaderValue),
) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CACHE_CONTROL, cache);
    response
}
