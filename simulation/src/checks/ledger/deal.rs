//! A deal as the events tell it, at every place of the log, and what an announcement has to become.
//! Must not know what becomes of orders.

use std::sync::Arc;

use schemas::http::DealStatus;
use schemas::log::{AnnounceDeal, DealTerms, Decision, Event, RefusalCode};
use schemas::{Offset, Timestamp};

use super::super::{Check, expect};
use crate::universe::Universe;

/// A deal at some place of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    /// As announced, opening and closing as rescheduled.
    pub(crate) terms: Arc<DealTerms>,
    pub(crate) adjusted: i64,
    pub(crate) held: i64,
    pub(crate) confirmed: i64,
    pub(crate) paused: bool,
    pub(crate) closed: bool,
    pub(crate) retired: bool,
}

/// A deal now, and as it was.
#[derive(Clone, Debug)]
pub(crate) struct Deal {
    pub(crate) face: Face,
    /// Its last announcement.
    announced: Arc<DealTerms>,
    /// `decided_next` from which on it looked so.
    pub(crate) past: Vec<(Offset, Face)>,
}

impl Face {
    /// Units announced and adjusted.
    pub(crate) fn stock(&self) -> i64 {
        i64::try_from(self.terms.stock).expect("stock has a maximum") + self.adjusted
    }

    pub(crate) fn left(&self) -> i64 {
        self.stock() - self.held - self.confirmed
    }

    /// What it can do for a buyer by a clock.
    pub(crate) fn status_at(&self, now: Timestamp) -> DealStatus {
        if self.closed || self.retired || now >= self.terms.closes_at {
            DealStatus::Closed
        } else if now < self.terms.opens_at {
            DealStatus::Upcoming
        } else if self.paused {
            DealStatus::Paused
        } else if self.left() == 0 {
            DealStatus::SoldOut
        } else {
            DealStatus::Open
        }
    }
}

impl Deal {
    /// A deal as announced, in place of the one before.
    pub(super) fn announced(terms: &DealTerms, before: Option<&Self>) -> Self {
        let terms = Arc::new(terms.clone());
        let face = Face {
            terms: Arc::clone(&terms),
            adjusted: 0,
            held: 0,
            confirmed: 0,
            paused: false,
            closed: false,
            retired: false,
        };
        let past = before.map(|deal| deal.past.clone()).unwrap_or_default();
        Self { face, announced: terms, past }
    }

    pub(super) fn reschedule(&mut self, opens_at: Timestamp, closes_at: Timestamp) {
        let terms = DealTerms { opens_at, closes_at, ..(*self.face.terms).clone() };
        self.face.terms = Arc::new(terms);
    }

    /// Takes note of how it looks from here on.
    pub(super) fn mark(&mut self, decided_next: Offset) {
        if self.past.last().is_none_or(|(_, last)| *last != self.face) {
            self.past.push((decided_next, self.face.clone()));
        }
    }
}

/// What becomes of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    Nothing,
    Refused(RefusalCode),
    /// A deal begins, paused if the one that it replaces was.
    Deal {
        paused: bool,
    },
}

/// Before it opens a deal may be announced again with other terms; after that only the same again
/// is a success, and changes nothing.
pub(super) fn check_announcement(
    before: Option<&Deal>,
    command: &AnnounceDeal,
    decision: &Decision,
    universe: &Universe,
) -> Check {
    let expected = expected(before, &command.terms, decision.log_time);
    let found = found(command, &decision.events);
    universe.count(match expected {
        Becomes::Nothing => "announcements of what is so already",
        Becomes::Refused(_) => "announcements refused",
        Becomes::Deal { .. } if before.is_some() => "announcements that replace a deal",
        Becomes::Deal { .. } => "announcements of a new deal",
    });
    expect("terms", found == Some(expected), || {
        format!("{:?} becomes {expected:?}, found {:?}", command.terms, decision.events)
    })
}

fn expected(before: Option<&Deal>, terms: &DealTerms, log_time: Timestamp) -> Becomes {
    let Some(Deal { face, announced, .. }) = before else {
        return Becomes::Deal { paused: false };
    };
    let is_same = **announced == *terms;
    let is_as_scheduled =
        face.terms.opens_at == terms.opens_at && face.terms.closes_at == terms.closes_at;
    if face.retired {
        Becomes::Refused(RefusalCode::DealRetired)
    } else if log_time >= face.terms.opens_at {
        match is_same {
            true => Becomes::Nothing,
            false => Becomes::Refused(RefusalCode::DealAlreadyOpen),
        }
    } else if face.closed {
        Becomes::Refused(RefusalCode::DealClosed)
    } else if is_same && is_as_scheduled {
        Becomes::Nothing
    } else {
        Becomes::Deal { paused: face.paused }
    }
}

fn found(command: &AnnounceDeal, events: &[Event]) -> Option<Becomes> {
    if let [Event::CommandRefused(refused)] = events {
        return Some(Becomes::Refused(refused.code));
    }
    let Some((Event::DealAnnounced(announced), rest)) = events.split_first() else {
        return events.is_empty().then_some(Becomes::Nothing);
    };
    let paused = match rest {
        [] => false,
        [Event::DealPaused(paused)] if paused.deal_id == announced.deal_id => true,
        [..] => return None,
    };
    let is_it = announced.terms == command.terms && announced.product_id == command.product_id;
    is_it.then_some(Becomes::Deal { paused })
}
