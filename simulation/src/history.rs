//! What clients asked and what they were told, as any client knows it. Must not know how an answer
//! came about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use read_model::DealRow;
use schemas::http::{CommandAnswer, Deal, Order, OrderStatus, Page, Problem};
use schemas::{DealId, Offset, Partition, Position};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::faults::Site;
use crate::ground::LOG_ID;

/// What a client has seen of each partition.
pub(crate) type Seen = BTreeMap<Partition, Offset>;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To buy.
    Purchase { deal: DealId, key: String, quantity: i64 },
    /// For an order by its id.
    Order(Uuid),
    /// To be told of all that happens to an order.
    Stream(Uuid),
    /// For a customer's own orders, those of one status if there is one.
    Orders(Option<OrderStatus>),
    /// For a deal.
    Deal(DealId),
    /// For something to be done, by a command.
    Command,
    /// What became of a command.
    Ticket(Uuid),
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Order(Box<Order>),
    Stream(Vec<Happened>),
    Orders(Box<Page<Order>>),
    Deal(Box<Deal>),
    Command(Box<CommandAnswer>),
    Problem(Box<Problem>),
    Other,
}

/// One event of an order's stream.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    /// What it is called.
    pub(crate) name: String,
    /// Next decision to read, by its id.
    pub(crate) read_offset: Offset,
    /// Whether its id says that nothing more is to come.
    pub(crate) is_last: bool,
    /// What it shows.
    pub(crate) order: Order,
}

/// An answer that a gateway gave, whether or not it reached its client.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) client: Site,
    pub(crate) subject: Uuid,
    pub(crate) asked: Asked,
    /// Number of this request: no two have one, whoever sends them.
    pub(crate) request: u64,
    /// Whether the client would wait for what becomes of it.
    pub(crate) waits: bool,
    /// What the client said that it had seen.
    pub(crate) had_seen: Seen,
    pub(crate) status: u16,
    pub(crate) said: Said,
    /// What the answer says that it shows.
    pub(crate) shows: Seen,
    /// When the gateway gave it, in virtual milliseconds.
    pub(crate) at_ms: u64,
    /// Whether it reached its client.
    pub(crate) arrived: bool,
}

impl Told {
    /// The order of the answer.
    pub(crate) fn order(&self) -> Option<&Order> {
        match &self.said {
            Said::Order(order) => Some(order),
            Said::Stream(_)
            | Said::Orders(_)
            | Said::Deal(_)
            | Said::Command(_)
            | Said::Problem(_)
            | Said::Other => None,
        }
    }

    /// The problem of the answer.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        match &self.said {
            Said::Problem(problem) => Some(problem),
            Said::Order(_)
            | Said::Stream(_)
            | Said::Orders(_)
            | Said::Deal(_)
            | Said::Command(_)
            | Said::Other => None,
        }
    }

    /// Reads what stands in a body.
    pub(crate) fn read(asked: &Asked, response: &Response<Bytes>) -> Said {
        let body = response.body();
        if !response.status().is_success() {
            return from_json(body, Said::Problem);
        }
        match asked {
            Asked::Purchase { .. } | Asked::Order(_) => from_json(body, Said::Order),
            Asked::Stream(_) => Said::Stream(happened(&String::from_utf8_lossy(body))),
            Asked::Orders(_) => from_json(body, Said::Orders),
            Asked::Deal(_) => from_json(body, Said::Deal),
            Asked::Ticket(_) => from_json(body, Said::Command),
            Asked::Command if response.status() == StatusCode::ACCEPTED => {
                from_json(body, Said::Command)
            }
            Asked::Command => from_json(body, Said::Deal),
        }
    }
}

fn from_json<T: DeserializeOwned>(body: &[u8], said: impl FnOnce(Box<T>) -> Said) -> Said {
    serde_json::from_slice(body).map_or(Said::Other, |it| said(Box::new(it)))
}

/// The events of a stream; comments say nothing.
fn happened(text: &str) -> Vec<Happened> {
    let event = |frame: &str| {
        let field = |name| frame.lines().find_map(|line| line.strip_prefix(name));
        let id = field("id: ")?;
        Some(Happened {
            name: field("event: ")?.to_owned(),
            read_offset: id.strip_suffix(".last").unwrap_or(id).parse().ok()?,
            is_last: id.ends_with(".last"),
            order: serde_json::from_str(field("data: ")?).ok()?,
        })
    };
    text.split("\n\n").filter_map(event).collect()
}

/// What a gateway tells those who watch a deal.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Who watches: nobody else has this number.
    pub(crate) watcher: u64,
    /// The deal, as it is told.
    pub(crate) row: Arc<DealRow>,
    /// Next decision to read, where it was so.
    pub(crate) read_offset: Offset,
}

/// What `Timedeal-Seen` says of this log.
pub(crate) fn shows(response: &Response<Bytes>) -> Seen {
    let text = response.headers().get("timedeal-seen").and_then(|it| it.to_str().ok());
    let entries = text.unwrap_or_default().split(',').filter_map(|entry| {
        let (place, decided_next) = entry.trim().split_once(':')?;
        let (log_id, partition) = place.split_once('.')?;
        let is_own = log_id.parse() == Ok(LOG_ID);
        is_own.then_some((partition.parse().ok()?, decided_next.parse().ok()?))
    });
    entries.collect()
}

/// Where an order id says that its purchase stands: 8 bits of the log, 14 of the partition, 44 of
/// the offset and 56 of a tag around the version and the variant of a UUID.
pub(crate) fn position_of(id: Uuid) -> Option<Position> {
    let id = id.as_u128();
    let (high, middle, low) = (id >> 80, id >> 64 & 0xfff, id & ((1 << 62) - 1));
    let bits = high << 74 | middle << 62 | low;
    let partition = Partition::try_from(bits >> 100 & 0x3fff).ok()?;
    let offset = Offset::try_from(bits >> 56 & ((1 << 44) - 1)).ok()?;
    (bits >> 114 == u128::from(LOG_ID)).then_some(Position { partition, offset })
}

/// The trace context by which a request is known again in the log.
pub(crate) fn traced(request: u64) -> String {
    format!("00-{request:032x}-{request:016x}-01")
}

/// The request with this trace context.
pub(crate) fn request_of(traceparent: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(traceparent).ok()?;
    u64::from_str_radix(text.split('-').nth(1)?, 16).ok()
}

/// All that was told, until somebody looks at it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<Mutex<(Vec<Told>, Vec<News>)>>);

impl History {
    fn noted(&self) -> MutexGuard<'_, (Vec<Told>, Vec<News>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, told: Told) {
        self.noted().0.push(told);
    }

    pub(crate) fn note_news(&self, news: News) {
        self.noted().1.push(news);
    }

    pub(crate) fn take(&self) -> (Vec<Told>, Vec<News>) {
        std::mem::take(&mut *self.noted())
    }
}

#[cfg(test)]
mod tests {
    use schemas::http::OrderStatus;

    use super::happened;

    #[test]
    fn a_stream_reads_back_as_it_was_written() {
        let order = r#"{"order_id":"00000000-0000-0000-0000-000000000000","status":"held"}"#;
        let text = format!(
            "retry: 2000\nevent: queued\nid: 7\ndata: {order}\n\n:\n\nevent: held\nid: 9.last\n\
             data: {order}\n\n"
        );
        let events = happened(&text);
        let ids: Vec<_> = events.iter().map(|it| (it.read_offset, it.is_last)).collect();
        assert_eq!(ids, [(7, false), (9, true)]);
        assert_eq!((events[1].name.as_str(), events[1].order.status), ("held", OrderStatus::Held));
    }
}
