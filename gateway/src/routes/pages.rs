//! Files: the page and the OpenAPI document. Both are part of the program, so their tags are fixed.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemas::http::ProblemCode;
use warp::Reply;
use warp::reply::Response;

use super::Answer;
use crate::answer::etag_matches;
use crate::call::Call;
use crate::composition::Service;
use crate::openapi;
use crate::problem::Refusal;
use crate::web::{self, Asset};

/// Browsers ask every time whether there is a newer one, and mostly hear that there is not.
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");

/// `GET /openapi.json`
pub(super) async fn openapi(_: &Service, call: Arc<Call>) -> Answer {
    let asset = openapi::asset();
    Ok(file(&call.headers, asset))
}

/// `GET /` and the files of the page
pub(super) async fn asset(_: &Service, call: Arc<Call>) -> Answer {
    match web::find(call.uri.path()) {
        Some(asset) => Ok(file(&call.headers, asset)),
        None => Err(Refusal::new(ProblemCode::NotFound, "no such file")),
    }
}

fn file(headers: &HeaderMap, asset: &Asset) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_same = known.is_some_and(|tags| etag_matches(tags, &asset.etag));
    let body = if is_same { Bytes::new() } else { Bytes::from_static(asset.bytes) };
    let mut response = http::Response::new(body);
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, REVALIDATE);
    out.insert(header::ETAG, super::reply::visible(asset.etag.clone()));
    if is_same {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let media_type = HeaderValue::from_static(asset.media_type);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    }
    response.into_response()
}
