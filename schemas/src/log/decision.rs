//! A decision: the one record in the decisions log that answers one command.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::canonical::{Field, Rest, Value, fields, head};
use super::event::EventFault;
use super::tagged::DecodeFault;
use super::{Event, VERSION, fields};
use crate::{Offset, Timestamp};

/// What was decided about the command at `offset`. Who decided it (epoch, claim) stands in the
/// record's headers, so that a repeated decision has the same bytes whoever writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Decision {
    /// Offset of the command that it answers.
    pub offset: Offset,
    /// `decided_next` when it was written: the decision counts only if nothing between is missing.
    pub after: Offset,
    /// The clock of this decision: never falls within a partition.
    pub log_time: Timestamp,
    /// What happened, 0 to [`crate::limits::EVENTS_MAX`].
    pub events: Vec<Event>,
}

fields!(Decision { "," offset, "," after, "," log_time, "," events });

/// All that stands before the first field.
const HEAD: &str = r#"{"v":1,"type":"decision""#;

impl Decision {
    /// The bytes that stand in the log.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + 512 * self.events.len());
        self.write_field(HEAD, &mut out);
        out
    }

    /// Reads a decision in its canonical form.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut rest = Rest::new(text);
        let decision = Field::read_field(HEAD, &mut rest)?;
        rest.is_empty().then_some(decision)
    }

    /// Reads a decision, whatever its form.
    pub(super) fn decode(text: &str) -> Result<Self, DecodeFault> {
        fields::read(text).map_err(|fault| Self::judge(text, &fault))
    }

    /// Whether only the types of events are new, or something is broken for every version.
    fn judge(text: &str, fault: &serde_json::Error) -> DecodeFault {
        let Ok(loose) = fields::read::<LooseDecision<'_>>(text) else {
            return DecodeFault::unreadable(fault);
        };
        let mut newer = None;
        for event in loose.events {
            match Event::parse(event.get()) {
                Ok(_) => {}
                Err(EventFault::Newer(kind)) => newer = newer.or(Some(kind)),
                Err(EventFault::Broken(fault)) => return DecodeFault::unreadable(&fault),
            }
        }
        match newer {
            Some(kind) => DecodeFault::Newer { v: VERSION, kind },
            None => DecodeFault::unreadable(fault),
        }
    }
}

/// A decision whose events were not looked at yet.
#[derive(Deserialize)]
#[expect(dead_code, reason = "these fields are read to see that they can be")]
struct LooseDecision<'a> {
    offset: Offset,
    after: Offset,
    log_time: Timestamp,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}
