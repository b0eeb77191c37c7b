//! The stream of an order: its state at once, then every change, until nothing more is to come.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use warp::reply::Response;

use super::frame::{COMMENT, COMMENT_INTERVAL, Counted, Event, respond, retry_line};
use crate::answer::is_final;
use crate::composition::Service;
use crate::routes::{Lookup, Sight, read_offset};
use crate::status::OrderWatch;

/// A stream of one client.
pub(crate) struct OrderStream {
    service: Arc<Service>,
    lookup: Box<Lookup>,
    watch: Option<OrderWatch>,
    /// What is to be said next.
    next: Option<Bytes>,
    is_over: bool,
    _counted: Counted,
}

impl OrderStream {
    /// A stream that begins with `first`; `watch` was made before that was seen.
    pub(crate) fn new(
        service: Arc<Service>,
        lookup: Lookup,
        watch: Option<OrderWatch>,
        first: Sight,
    ) -> Self {
        let mut stream = Self {
            lookup: Box::new(lookup),
            watch,
            next: None,
            is_over: false,
            _counted: Counted::new("order"),
            service,
        };
        let retry = retry_line(&stream.service.dice);
        stream.say(&first, retry);
        stream
    }

    pub(crate) fn into_response(self) -> Response {
        respond(stream::unfold(self, |mut stream| async move {
            let frame = stream.next().await?;
            Some((frame, stream))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.next.take() {
            return Some(frame);
        }
        if self.is_over || self.service.stopping.is_cancelled() {
            return None;
        }
        let silence = self.service.dice.jittered(COMMENT_INTERVAL).min(COMMENT_INTERVAL);
        let changed = {
            let watch = self.watch.as_mut()?;
            tokio::select! {
                biased;
                () = self.service.stopping.cancelled() => return None,
                () = watch.changed() => true,
                () = self.service.clock.sleep(silence) => false,
            }
        };
        if !changed {
            return Some(COMMENT);
        }
        // Boxed: a look that asks the read model is large, and streams wait long.
        let mut sight = Box::pin(self.service.look(&self.lookup)).await;
        if let Ok(first) = &sight
            && first.position != self.lookup.ticket.position
        {
            // A repeat is decided: from now on its first order counts, from before the next look.
            self.lookup.ticket.position = first.position;
            self.lookup.order_id = first.order.order_id;
            self.watch = self.service.status.watch_order(first.position);
            sight = Box::pin(self.service.look(&self.lookup)).await;
        }
        // Whoever cannot be told now comes back and is told then.
        self.say(&sight.ok()?, Vec::new());
        self.next.take()
    }

    fn say(&mut self, sight: &Sight, head: Vec<u8>) {
        let status = sight.order.status;
        self.is_over = is_final(status);
        let event = Event {
            name: status.as_str(),
            read_offset: read_offset(sight.as_of),
            is_last: self.is_over,
            data: &sight.order,
        };
        self.next = Some(event.write(head));
    }
}
