//! What a buyer remembers: how far the log was seen, the statuses that were told and when, and
//! answers that made no sense. One buyer's requests may run side by side.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use schemas::http::OrderStatus;
use uuid::Uuid;

use crate::client::Answer;
use crate::history::{Fault, Seen, Sighting};

/// Most faults that are kept of one buyer; one is enough to know.
const FAULTS_MAX: usize = 8;

#[derive(Default)]
pub(super) struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    sightings: Vec<Sighting>,
    faults: Vec<Fault>,
    connection: Option<u64>,
}

impl Memory {
    /// The value of `Timedeal-Seen`; none if nothing was seen.
    pub(super) fn seen_header(&self) -> Option<HeaderValue> {
        let inner = self.lock();
        let entry =
            |seen: &Seen| format!("{}.{}:{}", seen.log_id, seen.partition, seen.decided_next);
        let entries: Vec<String> = inner.seen.iter().map(entry).collect();
        if entries.is_empty() {
            return None;
        }
        Some(HeaderValue::try_from(entries.join(",")).expect("digits and punctuation"))
    }

    /// The connection of the last answer: a repeat is sent by another.
    pub(super) fn last_connection(&self) -> Option<u64> {
        self.lock().connection
    }

    /// Keeps the highest of what was seen, and by which connection it came.
    pub(super) fn note_answer(&self, answer: &Answer) {
        let mut inner = self.lock();
        inner.connection = Some(answer.connection);
        for entry in answer.seen() {
            // A log that was replaced says nothing any more.
            inner.seen.retain(|known| known.log_id == entry.log_id);
            match inner.seen.iter_mut().find(|known| known.partition == entry.partition) {
                Some(known) => known.decided_next = known.decided_next.max(entry.decided_next),
                None => inner.seen.push(entry),
            }
        }
    }

    /// Notes with which status an answer showed the order of a ticket.
    pub(super) fn note_status(&self, ticket: Uuid, status: OrderStatus, answer: &Answer) {
        let mut inner = self.lock();
        let is_same = |known: &&mut Sighting| known.ticket == ticket && known.status == status;
        match inner.sightings.iter_mut().find(is_same) {
            Some(known) => {
                known.first_known = known.first_known.min(answer.received);
                known.last_asked = known.last_asked.max(answer.sent);
            }
            None => inner.sightings.push(Sighting {
                ticket,
                status,
                first_known: answer.received,
                last_asked: answer.sent,
            }),
        }
    }

    pub(super) fn note_fault(&self, what: String, loses_order: bool) {
        let mut inner = self.lock();
        if inner.faults.len() < FAULTS_MAX {
            inner.faults.push(Fault { loses_order, what });
        }
    }

    pub(super) fn into_parts(self) -> (Vec<Sighting>, Vec<Fault>) {
        let inner = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (inner.sightings, inner.faults)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
