//! The stream of a deal: its state at once, then whatever news its watch has, for as long as the
//! client likes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use warp::reply::Response;

use super::frame::{COMMENT, COMMENT_INTERVAL, Counted, Event, respond, retry_line};
use crate::answer::deal_body;
use crate::composition::Service;
use crate::status::{DealNews, DealWatch};

/// A stream of one client.
pub(crate) struct DealStream {
    service: Arc<Service>,
    watch: DealWatch,
    has_begun: bool,
    _counted: Counted,
}

impl DealStream {
    pub(crate) fn new(service: Arc<Service>, watch: DealWatch) -> Self {
        Self { service, watch, has_begun: false, _counted: Counted::new("deal") }
    }

    pub(crate) fn into_response(self) -> Response {
        respond(stream::unfold(self, |mut stream| async move {
            let frame = stream.next().await?;
            Some((frame, stream))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        if !self.has_begun {
            self.has_begun = true;
            return Some(self.begin());
        }
        if self.service.stopping.is_cancelled() {
            return None;
        }
        // Jittered, or ten thousand streams that began together would all speak at once.
        let silence = self.service.dice.jittered(COMMENT_INTERVAL).min(COMMENT_INTERVAL);
        tokio::select! {
            biased;
            () = self.service.stopping.cancelled() => None,
            () = self.watch.changed() => Some(self.watch.latest().frame(write)),
            () = self.service.clock.sleep(silence) => Some(COMMENT),
        }
    }

    /// The first event is this client's own: the shared one may be as old as the last change.
    fn begin(&mut self) -> Bytes {
        let news = self.watch.latest();
        let body = deal_body(&news.row, self.service.now());
        let (name, read_offset) = (body.status.as_str(), news.read_offset);
        let event = Event { name, read_offset, is_last: false, data: &body };
        event.write(retry_line(&self.service.dice))
    }
}

/// The event that all who listen get.
fn write(news: &DealNews) -> Bytes {
    let body = deal_body(&news.row, news.at);
    let (name, read_offset) = (body.status.as_str(), news.read_offset);
    Event { name, read_offset, is_last: false, data: &body }.write(Vec::new())
}
