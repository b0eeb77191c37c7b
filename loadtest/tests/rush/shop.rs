//! A small shop from memory: one deal, one partition, decisions made when the next request comes.
//! Its gateways share it, and each looks at it as it was some purchases ago. It can be told to be
//! wrong. Must not know HTTP.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use schemas::http::DealRequest;
use schemas::log::RefusalCode;
use schemas::{DealId, Timestamp};

/// What the shop does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bug {
    Oversells,
    /// Each gateway sells the whole stock.
    SplitsStock,
    HidesSales,
    ForgetsOrders,
    ForgetsKeys,
    /// Each gateway knows its own keys, and sells under each of them.
    KeysPerGateway,
    TakesOtherPayloads,
    RefusesTooEarly,
    /// The second gateway's door is closed at half of the stock.
    ClosesDoorEarly,
    IgnoresLimits,
    GoesBack,
    /// The second gateway gives another reason for a rejection.
    GivesOtherReason,
    FailsPlainly,
    /// Order ids say nothing about the log.
    GivesPlainIds,
    /// Gateways answer from their view, however far the client has seen.
    IgnoresSeen,
    /// Answers about orders do not say how far the log is decided.
    HidesSeen,
    /// Gateways say that their view is of this moment, however old it is.
    HidesAge,
}

/// Most gateways of a shop.
const GATEWAYS_MAX: usize = 2;

/// Customer, key, and whose key it is.
pub(crate) type KeyName = (String, String, usize);

/// A purchase that was let in.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) key: KeyName,
    pub(crate) gateway: usize,
    pub(crate) payload: Bytes,
    pub(crate) quantity: i64,
    pub(crate) rejection: Option<RefusalCode>,
    pub(crate) repeats: Option<usize>,
    pub(crate) asked: u32,
}

/// The shop as it was at some time.
#[derive(Clone, Copy, Default)]
pub(crate) struct View {
    /// When it was so.
    pub(crate) at: Timestamp,
    pub(crate) decided_next: usize,
    /// By each gateway.
    sold: [i64; GATEWAYS_MAX],
}

impl View {
    pub(crate) fn sold(&self) -> i64 {
        self.sold.iter().sum()
    }
}

/// The shop's memory; it outlives the crash of a gateway.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) bug: Option<Bug>,
    pub(crate) deal: Option<(DealRequest, DealId)>,
    pub(crate) rows: Vec<Row>,
    keys: HashMap<KeyName, usize>,
    now: View,
    /// As it was when each purchase came, let in or not.
    past: Vec<View>,
}

impl Shop {
    pub(crate) fn with_bug(bug: Bug) -> Self {
        Self { bug: Some(bug), ..Self::default() }
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// A purchase comes, to whichever gateway: those that are behind get on by one.
    pub(crate) fn note_purchase(&mut self) {
        self.past.push(View { at: now(), ..self.now });
    }

    /// The shop as it was so many purchases ago.
    pub(crate) fn view(&self, lag: usize) -> View {
        let place = self.past.len().saturating_sub(lag);
        let past = self.past.get(place).filter(|_| lag > 0);
        past.copied().unwrap_or(View { at: now(), ..self.now })
    }

    pub(crate) fn deal(&self) -> &DealRequest {
        &self.deal.as_ref().expect("announced").0
    }

    /// What is left in a view of the shop, in the opinion of a gateway.
    pub(crate) fn stock_left(&self, view: &View, gateway: usize) -> i64 {
        let stock = self.deal().stock;
        match self.bug {
            Some(Bug::Oversells) => i64::MAX,
            Some(Bug::RefusesTooEarly) => stock / 2 - view.sold(),
            Some(Bug::SplitsStock) => stock - view.sold[gateway],
            _ => stock - view.sold(),
        }
    }

    /// The order that a key is bound to, if a view has it.
    pub(crate) fn bound(&self, key: &KeyName, view: &View) -> Option<usize> {
        let first = self.keys.get(key).filter(|first| **first < view.decided_next);
        first.copied().filter(|_| !self.has(Bug::ForgetsKeys))
    }

    pub(crate) fn is_other_payload(&self, first: usize, payload: &Bytes) -> bool {
        self.rows[first].payload != payload && !self.has(Bug::TakesOtherPayloads)
    }

    /// Decides all that was let in.
    pub(crate) fn decide(&mut self) {
        while self.now.decided_next < self.rows.len() {
            let offset = self.now.decided_next;
            let row = self.rows[offset].clone();
            match self.bound(&row.key, &self.now) {
                Some(first) if self.is_other_payload(first, &row.payload) => {
                    self.rows[offset].rejection = Some(RefusalCode::IdempotencyKeyReused);
                }
                Some(first) => self.rows[offset].repeats = Some(first),
                None => {
                    let rejection = self.rejection(&row);
                    self.rows[offset].rejection = rejection;
                    self.now.sold[row.gateway] +=
                        if rejection.is_none() { row.quantity } else { 0 };
                    self.keys.insert(row.key, offset);
                }
            }
            self.now.decided_next += 1;
        }
    }

    fn rejection(&self, row: &Row) -> Option<RefusalCode> {
        let owned = self.rows[..self.now.decided_next].iter().filter(|other| {
            other.key.0 == row.key.0 && other.rejection.is_none() && other.repeats.is_none()
        });
        let owned: i64 = owned.map(|other| other.quantity).sum();
        // A forgotten key must show as such, and not as a limit that was passed.
        let ignores_limit = self.has(Bug::IgnoresLimits) || self.has(Bug::KeysPerGateway);
        let left = self.stock_left(&self.now, row.gateway);
        if owned + row.quantity > self.deal().limit_per_customer && !ignores_limit {
            Some(RefusalCode::LimitExceeded)
        } else if left <= 0 {
            Some(RefusalCode::SoldOut)
        } else if left < row.quantity {
            Some(RefusalCode::InsufficientStock)
        } else {
            None
        }
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}
