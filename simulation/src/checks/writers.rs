//! Who decides has claimed: every decision is written by the process that wrote the owner record
//! with its claim, and after it. No log says who wrote what; here every connection is known.

use std::collections::BTreeMap;

use event_log::Record;
use schemas::Digest;
use schemas::log::{DecisionsRecord, HEADER_CLAIM, decode_decisions_record};

use super::{Breach, Check, expect};

/// Connections by the claims that came over them.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    claims: BTreeMap<Digest, u64>,
    /// What is wrong, until somebody asks.
    breach: Option<Breach>,
}

impl Writers {
    /// Takes note of a record that lands.
    pub(crate) fn note(&mut self, connection: u64, record: &Record) {
        match decode_decisions_record(&record.payload) {
            Ok(DecisionsRecord::Owner(owner)) => {
                self.claims.entry(owner.claim).or_insert(connection);
            }
            Ok(DecisionsRecord::Decision(decision)) => {
                let claim = claim(record);
                let claimed = claim.and_then(|claim| self.claims.get(&claim).copied());
                let words = || {
                    let offset = decision.offset;
                    format!("connection {connection} decides {offset}, {claimed:?} has claimed")
                };
                let check = expect("ownership", claimed == Some(connection), words);
                self.breach = self.breach.take().or(check.err());
            }
            Ok(DecisionsRecord::Genesis(_)) | Err(_) => {}
        }
    }

    pub(crate) fn check(&mut self) -> Check {
        self.breach.take().map_or(Ok(()), Err)
    }
}

fn claim(record: &Record) -> Option<Digest> {
    let header = record.headers.iter().find(|(name, _)| &**name == HEADER_CLAIM);
    header.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok())
}
