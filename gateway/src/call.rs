//! One call: a request as the handlers see it. The edge makes it of what came over the wire; must
//! not know what is called.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The body of a request.
#[derive(Debug)]
pub(crate) enum CallBody {
    /// Comes over a wire, frame by frame.
    Incoming(Incoming),
    /// Is there.
    Whole(Bytes),
}

/// A request. Its headers share the connection's buffer, so whoever answers with a stream drops
/// the call first.
#[derive(Debug)]
pub(crate) struct Call {
    /// As sent.
    pub(crate) headers: HeaderMap,
    /// As sent.
    pub(crate) uri: Uri,
    body: Mutex<Option<CallBody>>,
}

impl Call {
    pub(crate) fn new(headers: HeaderMap, uri: Uri, body: CallBody) -> Self {
        Self { headers, uri, body: Mutex::new(Some(body)) }
    }

    /// The request in which the routes find this call: they look at method and path alone.
    pub(crate) fn into_request(self, method: Method) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        request.extensions_mut().insert(Arc::new(self));
        request
    }

    /// The body, once.
    pub(crate) fn take_body(&self) -> Option<CallBody> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The W3C trace context of the request, if there is one.
    pub(crate) fn traceparent(&self) -> Option<&HeaderValue> {
        self.headers.get(TRACEPARENT).filter(|value| is_traceparent(value.as_bytes()))
    }
}

/// Whether it is `00-<32 hex>-<16 hex>-<2 hex>`, or as much of a later version (which may go on).
pub(crate) fn is_traceparent(value: &[u8]) -> bool {
    const LENGTH: usize = 55;
    let lower_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let Some((known, rest)) = value.split_at_checked(LENGTH) else {
        return false;
    };
    let parts = [&known[..2], &known[3..35], &known[36..52], &known[53..]];
    let dashes = [known[2], known[35], known[52]] == [b'-'; 3];
    let version_fits = known[..2] != *b"ff" && (rest.is_empty() || known[..2] != *b"00");
    let sized = rest.first().is_none_or(|byte| *byte == b'-') && value.len() <= 256;
    let nonzero = [parts[1], parts[2]].iter().all(|id| id.iter().any(|byte| *byte != b'0'));
    dashes && version_fits && sized && nonzero && parts.iter().all(|p| p.iter().all(lower_hex))
}

#[cfg(test)]
mod tests {
    use super::is_traceparent;

    #[test]
    fn only_a_whole_trace_context_is_passed_on() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(good.as_bytes()));
        let later = good.replacen("00", "cc", 1) + "-more";
        assert!(is_traceparent(later.as_bytes()));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(!is_traceparent(bad.as_bytes()), "{bad}");
        }
    }
}
