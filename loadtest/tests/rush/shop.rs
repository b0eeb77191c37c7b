//! A small shop from memory: one deal, one partition, decisions made when the next request comes.
//! All its gateways share it, and each looks at it as it was a while ago. It can be told to be
//! wrong. Must not know HTTP.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use schemas::http::DealRequest;
use schemas::log::RefusalCode;
use schemas::{DealId, Timestamp};

/// What the shop does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bug {
    Oversells,
    HidesSales,
    ForgetsOrders,
    ForgetsKeys,
    /// Each gateway knows its own keys, and sells under each of them.
    KeysPerGateway,
    TakesOtherPayloads,
    RefusesTooEarly,
    IgnoresLimits,
    GoesBack,
    FailsPlainly,
    /// Gateways answer from their view, however far the client has seen.
    IgnoresSeen,
    /// Gateways say that their view is of this moment, however old it is.
    HidesAge,
}

/// Customer, key, and whose key it is.
pub(crate) type KeyName = (String, String, usize);

/// A purchase that was let in.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) key: KeyName,
    pub(crate) payload: Bytes,
    pub(crate) quantity: i64,
    pub(crate) rejection: Option<RefusalCode>,
    pub(crate) repeats: Option<usize>,
    pub(crate) asked: u32,
}

/// The shop as it was at some time.
#[derive(Clone, Copy, Default)]
pub(crate) struct View {
    at: Timestamp,
    pub(crate) is_announced: bool,
    pub(crate) decided_next: usize,
    pub(crate) sold: i64,
}

/// The shop's memory; it outlives the crash of a gateway.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) bug: Option<Bug>,
    pub(crate) deal: Option<(DealRequest, DealId)>,
    pub(crate) rows: Vec<Row>,
    keys: HashMap<KeyName, usize>,
    now: View,
    past: Vec<View>,
}

impl Shop {
    pub(crate) fn with_bug(bug: Bug) -> Self {
        Self { bug: Some(bug), ..Self::default() }
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub(crate) fn announce(&mut self, deal: DealRequest, deal_id: DealId) {
        self.deal = Some((deal, deal_id));
        self.now.is_announced = true;
        self.keep_view();
    }

    /// The shop as it was so long ago.
    pub(crate) fn view(&self, lag: Duration) -> View {
        let count = self.past.partition_point(|view| view.at.plus(lag) <= now());
        self.past[..count].last().copied().unwrap_or_default()
    }

    fn keep_view(&mut self) {
        self.now.at = now();
        self.past.push(self.now);
    }

    pub(crate) fn deal(&self) -> &DealRequest {
        &self.deal.as_ref().expect("announced").0
    }

    /// What is left in the shop's own opinion after so many were sold.
    pub(crate) fn stock_left(&self, sold: i64) -> i64 {
        match self.bug {
            Some(Bug::Oversells) => i64::MAX,
            Some(Bug::RefusesTooEarly) => self.deal().stock / 2 - sold,
            _ => self.deal().stock - sold,
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
        if self.now.decided_next == self.rows.len() {
            return;
        }
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
                    self.now.sold += if rejection.is_none() { row.quantity } else { 0 };
                    self.keys.insert(row.key, offset);
                }
            }
            self.now.decided_next += 1;
        }
        self.keep_view();
    }

    fn rejection(&self, row: &Row) -> Option<RefusalCode> {
        let owned = self.rows[..self.now.decided_next].iter().filter(|other| {
            other.key.0 == row.key.0 && other.rejection.is_none() && other.repeats.is_none()
        });
        let owned: i64 = owned.map(|other| other.quantity).sum();
        // A forgotten key must show as such, and not as a limit that was passed.
        let ignores_limit = self.has(Bug::IgnoresLimits) || self.has(Bug::KeysPerGateway);
        let left = self.stock_left(self.now.sold);
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
