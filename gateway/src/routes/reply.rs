//! Answers as responses: JSON, their headers, and what the client is told that it has seen.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use uuid::Uuid;
use warp::Reply;
use warp::reply::Response;

pub(crate) use crate::answer::Seen;
use crate::written;

/// The header that says what a client has seen.
pub(crate) const SEEN: HeaderName = HeaderName::from_static("timedeal-seen");

/// Nobody else may see it, and nobody may keep it.
pub(crate) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
/// Nobody may keep it.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Anybody may see it, and keep it for a second.
pub(crate) const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=1");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer with a JSON body.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T, cache: HeaderValue) -> Response {
    written::response(status, written::json(body), (JSON, cache)).into_response()
}

/// Says what the answer shows.
pub(crate) fn put_seen(headers: &mut HeaderMap, seen: &Seen) {
    if !seen.is_empty() {
        headers.insert(SEEN, visible(seen.to_string()));
    }
}

/// Says where the order lives.
pub(crate) fn put_order_location(headers: &mut HeaderMap, name: HeaderName, order_id: Uuid) {
    let mut path = *b"/v1/orders/00000000-0000-0000-0000-000000000000";
    order_id.hyphenated().encode_lower(&mut path["/v1/orders/".len()..]);
    headers.insert(name, HeaderValue::from_bytes(&path).expect("it is visible ASCII"));
}

/// A header of text that we made ourselves.
pub(crate) fn visible(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("what we write into headers is visible ASCII")
}
