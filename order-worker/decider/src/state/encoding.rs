//! The state as bytes, for snapshots, and back.
//!
//! The same state gives the same bytes, whether it was folded or decoded: records stand in the
//! order of their arrival, and whatever can be found again from them is left out. The first number
//! is the version of this format, and not that of the rules or the records.
//! Whoever stores the bytes also stores a checksum; what is checked here is that no impossible
//! state starts to decide.

use sabotage::Bug;
use serde::{Deserialize, Serialize};

use super::agenda::Dates;
use super::{Agenda, Directory, Payment, Slot, Standing, State};
use crate::lookup::Table;
use schemas::{DealId, Offset, Timestamp};

/// The version of the format. Another layout gets another number: an older snapshot is then
/// skipped, and the log read instead.
const VERSION: u32 = 1;

/// Why bytes are not a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateFault {
    /// Written in another version of the format.
    #[error("state of format {found}, expected {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Cut off, or never a state.
    #[error("state is broken: {0}")]
    Broken(Box<str>),
    /// Well-formed, and yet no decisions lead to it.
    #[error("state is impossible: {0}")]
    Impossible(&'static str),
}

impl From<postcard::Error> for StateFault {
    fn from(fault: postcard::Error) -> Self {
        Self::Broken(fault.to_string().into())
    }
}

#[derive(Serialize)]
struct Written<'a> {
    log_time: Timestamp,
    deals: &'a Table<Slot>,
    payments: &'a Table<Payment>,
}

#[derive(Deserialize)]
struct Read {
    log_time: Timestamp,
    deals: Table<Slot>,
    payments: Table<Payment>,
}

impl State {
    /// The bytes of this state; always the same for the same decisions.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { log_time, deals, payments, directory: _, agenda: _ } = self;
        let written = (VERSION, Written { log_time: *log_time, deals, payments });
        postcard::to_stdvec(&written).expect("plain data of known lengths is written to memory")
    }

    /// The state of which these are the bytes.
    ///
    /// # Errors
    /// If the bytes are of another version of the format, broken, or of a state that cannot be.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateFault> {
        let (found, rest) = postcard::take_from_bytes::<u32>(bytes)?;
        if found != VERSION {
            return Err(StateFault::Version { found });
        }
        let (read, rest) = postcard::take_from_bytes::<Read>(rest)?;
        if !rest.is_empty() {
            return Err(StateFault::Broken("bytes are left over".into()));
        }
        let Read { log_time, deals, payments } = read;
        let is_lost = sabotage::is_planted(Bug::LogTimeLostOnRebuild);
        let log_time = if is_lost { Timestamp::EPOCH } else { log_time };
        let mut state = Self { log_time, deals, payments, ..Self::default() };
        let orders = state.verify().map_err(StateFault::Impossible)?;
        state.file(orders)?;
        Ok(state)
    }

    /// Checks every deal; says which orders there are, with their deals' indices.
    fn verify(&self) -> Result<Vec<(Offset, u32)>, &'static str> {
        let mut orders = Vec::new();
        for (at, slot) in (0_u32..).zip(self.deals.iter()) {
            let Some(deal) = slot.deal.as_deref() else { continue };
            deal.verify()?;
            for order in deal.orders.iter() {
                if let Standing::Paid { payment } = order.standing() {
                    let known = payment < self.payments.len();
                    if !known || self.payments.at(payment).order != order.offset {
                        return Err("an order's payment is missing");
                    }
                }
                orders.push((order.offset, at));
            }
        }
        Ok(orders)
    }

    /// Finds again what the bytes leave out: the directory and the agenda.
    fn file(&mut self, mut orders: Vec<(Offset, u32)>) -> Result<(), StateFault> {
        orders.sort_unstable();
        if orders.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(StateFault::Impossible("two orders stand at one offset"));
        }
        let mut directory = Directory::default();
        for (offset, deal) in orders {
            directory.push(offset, deal);
        }
        let mut agenda = Agenda::default();
        for (at, slot) in (0_u32..).zip(self.deals.iter()) {
            let dates = slot.deal.as_deref().map_or_else(Dates::default, Dates::of);
            let deal: (u32, DealId) = (at, slot.id);
            agenda.change(deal, Dates::default(), dates);
        }
        (self.directory, self.agenda) = (directory, agenda);
        Ok(())
    }
}
