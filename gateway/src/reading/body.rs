//! The body of a request, within its limits of size and time.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use schemas::http::ProblemCode;

use crate::call::{Call, CallBody};
use crate::problem::Refusal;

/// Largest body, in bytes; also of a chunked one.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the whole body. Encoded bodies are refused: a small one could grow beyond any limit.
pub(crate) async fn read_body(call: &Call) -> Result<Bytes, Refusal> {
    if call.headers.contains_key(header::CONTENT_ENCODING) {
        let detail = "the body must not be encoded";
        let code = ProblemCode::UnsupportedMediaType;
        return Err(Refusal::field(code, "Content-Encoding", detail));
    }
    let body = match call.take_body().expect("a handler reads the body once") {
        CallBody::Incoming(body) => body,
        CallBody::Whole(bytes) if bytes.len() > BODY_BYTES_MAX => return Err(too_large()),
        CallBody::Whole(bytes) => return Ok(bytes),
    };
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let mut collecting = pin!(collect(body));
    // Nearly every body comes with its head: it needs no timer.
    if let Poll::Ready(read) = futures_util::poll!(collecting.as_mut()) {
        return read;
    }
    match Box::pin(tokio::time::timeout(BODY_TIMEOUT, collecting)).await {
        Ok(read) => read,
        Err(_) => {
            let detail = "the body did not arrive within 10 s";
            Err(Refusal::new(ProblemCode::RequestTimeout, detail))
        }
    }
}

/// Refuses a body that is not declared as JSON. Only parameters may follow.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let declared = types.next().and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|text| text.split(';').next()).map(str::trim);
    let json = essence.is_some_and(|text| text.eq_ignore_ascii_case("application/json"));
    if json && types.next().is_none() {
        return Ok(());
    }
    let detail = "the body must be application/json";
    Err(Refusal::field(ProblemCode::UnsupportedMediaType, "Content-Type", detail))
}

/// For calls that say everything in their address: an empty body, or an empty object as JSON.
pub(crate) async fn expect_no_body(call: &Call) -> Result<(), Refusal> {
    let body = read_body(call).await?;
    if body.is_empty() {
        return Ok(());
    }
    expect_json(&call.headers)?;
    super::json::parse_json::<Nothing>(&body).map(|Nothing {}| ())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn collect(mut body: Incoming) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut whole: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|fault| {
            Refusal::new(ProblemCode::Malformed, format!("the body broke off: {fault}"))
        })?;
        // Trailers say nothing to us.
        let Ok(data) = frame.into_data() else { continue };
        let so_far = whole.as_ref().map_or(first.len(), BytesMut::len);
        if so_far + data.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        match &mut whole {
            Some(whole) => whole.extend_from_slice(&data),
            // Nearly every body comes in one piece, which need not be copied.
            None if first.is_empty() => first = data,
            None => {
                let mut joined = BytesMut::from(&first[..]);
                joined.extend_from_slice(&data);
                whole = Some(joined);
            }
        }
    }
    Ok(whole.map_or(first, BytesMut::freeze))
}

fn too_large() -> Refusal {
    let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes");
    Refusal::new(ProblemCode::BodyTooLarge, detail)
}
