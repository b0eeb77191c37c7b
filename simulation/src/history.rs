//! What clients asked and what they were told, as any client knows it. Must not know how an answer
//! came about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use schemas::http::{Order, Page, Problem};
use schemas::{DealId, Offset, Partition, Position};
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
    /// For a customer's own orders.
    Orders,
    /// For anything else.
    Other,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Order(Box<Order>),
    Orders(Vec<Order>),
    Problem(Box<Problem>),
    Other,
}

/// An answer that a gateway gave, whether or not it reached its client.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) client: Site,
    pub(crate) subject: Uuid,
    pub(crate) asked: Asked,
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
            Said::Problem(_) | Said::Orders(_) | Said::Other => None,
        }
    }

    /// Reads what stands in a body.
    pub(crate) fn read(asked: &Asked, response: &Response<Bytes>) -> Said {
        let body = response.body();
        if !response.status().is_success() {
            let problem = serde_json::from_slice(body).ok();
            return problem.map_or(Said::Other, |it| Said::Problem(Box::new(it)));
        }
        let read = match asked {
            Asked::Purchase { .. } | Asked::Order(_) => {
                serde_json::from_slice(body).ok().map(|it| Said::Order(Box::new(it)))
            }
            Asked::Orders => {
                let page = serde_json::from_slice::<Page<Order>>(body).ok();
                page.map(|page| Said::Orders(page.items))
            }
            Asked::Other => None,
        };
        read.unwrap_or(Said::Other)
    }
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

/// All that was told, until somebody looks at it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<Mutex<Vec<Told>>>);

impl History {
    pub(crate) fn note(&self, told: Told) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    pub(crate) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
