//! The bytes of a stream: frames, comments, the head of the answer, and its count.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderValue, header};
use metrics::Gauge;
use schemas::Offset;
use serde::Serialize;
use warp::Reply;
use warp::reply::Response;

use crate::server::STREAMS;

/// How often a silent stream says that it lives.
pub(super) const COMMENT_INTERVAL: Duration = Duration::from_secs(15);
/// When a client whose stream broke comes back, before jitter.
const RETRY: Duration = Duration::from_secs(2);
/// What a silent stream says.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// What the id of an event is called that ends its stream, after the number.
const LAST: &[u8] = b".last";

/// Whether the id that a client gives back is of an event after which its stream had ended.
pub(crate) fn is_last(id: &HeaderValue) -> bool {
    id.as_bytes().ends_with(LAST)
}

/// One event.
pub(super) struct Event<'a, T> {
    /// What it is called: the status.
    pub(super) name: &'a str,
    /// Next decision to read.
    pub(super) read_offset: Offset,
    /// Whether the stream ends after it.
    pub(super) is_last: bool,
    /// What it shows.
    pub(super) data: &'a T,
}

impl<T: Serialize> Event<'_, T> {
    /// The event's bytes, behind `head`.
    pub(super) fn write(&self, mut head: Vec<u8>) -> Bytes {
        let last = if self.is_last { LAST } else { b"" };
        head.extend_from_slice(b"event: ");
        head.extend_from_slice(self.name.as_bytes());
        head.extend_from_slice(format!("\nid: {}", self.read_offset).as_bytes());
        head.extend_from_slice(last);
        head.extend_from_slice(b"\ndata: ");
        // JSON has no line breaks outside of strings, and in strings they are escaped.
        serde_json::to_writer(&mut head, self.data).expect("bodies are plain data");
        head.extend_from_slice(b"\n\n");
        // A stream keeps what it last said, so it keeps no room beside it.
        head.shrink_to_fit();
        head.into()
    }
}

/// What a stream begins with: when to come back if it breaks.
pub(super) fn retry_line(dice: &crate::retry::Dice) -> Vec<u8> {
    format!("retry: {}\n", dice.jittered(RETRY).as_millis()).into_bytes()
}

/// A stream that one task reads. The lock is never taken: it says that nobody else can.
struct Alone(Mutex<Pin<Box<dyn Stream<Item = Bytes> + Send>>>);

impl Stream for Alone {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frames = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        frames.as_mut().poll_next(context).map(|frame| frame.map(Ok))
    }
}

/// The answer whose body these frames are.
pub(super) fn respond(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let frames = Alone(Mutex::new(Box::pin(frames)));
    let mut response = warp::reply::stream(frames).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that buffer would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Counts a stream as long as it lasts.
pub(super) struct Counted(Gauge);

impl Counted {
    pub(super) fn new(kind: &'static str) -> Self {
        let gauge = metrics::gauge!(STREAMS, "kind" => kind);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{Event, is_last};

    #[test]
    fn an_event_is_one_frame() {
        let event = Event { name: "held", read_offset: 7, is_last: false, data: &"a\nb" };
        let bytes = event.write(b"retry: 1\n".to_vec());
        assert_eq!(&bytes[..], b"retry: 1\nevent: held\nid: 7\ndata: \"a\\nb\"\n\n");
        let last = Event { name: "expired", is_last: true, ..event };
        assert_eq!(&last.write(Vec::new())[..], b"event: expired\nid: 7.last\ndata: \"a\\nb\"\n\n");
    }

    #[test]
    fn only_the_id_of_a_last_event_is_last() {
        assert!(is_last(&HeaderValue::from_static("7.last")));
        assert!(!is_last(&HeaderValue::from_static("7")));
        assert!(!is_last(&HeaderValue::from_static("")));
    }
}
