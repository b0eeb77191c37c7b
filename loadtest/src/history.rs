//! What the buyers of a rush sent and were told. Plain data, made by the crowd and judged by the
//! checks; must not know how either is done.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use schemas::http::{OrderStatus, ProblemCode};
use schemas::log::RefusalCode;
use schemas::{Offset, Partition, Timestamp};
use uuid::Uuid;

use crate::frontier::Frontier;

/// Microseconds since the rush began, by the crowd's own clock, which never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    pub(crate) fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
    }

    pub(crate) fn minus(self, wait: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier`; zero if not after it.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Everything that was sent and told.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) terms: Terms,
    /// When the crowd was let loose.
    pub(crate) opened: Moment,
    /// At moment 0 each gateway's clock showed at least this.
    pub(crate) clocks: Vec<Timestamp>,
    /// What any gateway has shown to anybody, and when.
    pub(crate) frontier: Frontier,
    pub(crate) buyers: Vec<BuyerHistory>,
    /// The deal as the public saw it when all was settled.
    pub(crate) last_look: Option<Look>,
}

/// What the deal offered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) stock: u64,
    pub(crate) limit_per_customer: u32,
    pub(crate) hold_seconds: u32,
}

/// The counters of the public deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) stock: u64,
    pub(crate) stock_left: u64,
    pub(crate) held: u64,
    pub(crate) confirmed: u64,
}

/// One buyer's part.
#[derive(Clone, Debug, Default)]
pub(crate) struct BuyerHistory {
    pub(crate) number: u32,
    /// The first purchase, then the second if there was one.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) faults: Vec<Fault>,
}

/// Which of a buyer's two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    First,
    Second,
}

impl Key {
    pub(crate) const ALL: [Self; 2] = [Self::First, Self::Second];
}

/// What is sent under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) key: Key,
    pub(crate) quantity: u32,
    /// Not the payload that this key had first.
    pub(crate) is_other_payload: bool,
}

impl Purchase {
    /// Whether both ask for the same under the same key.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        self.key == other.key && self.is_other_payload == other.is_other_payload
    }
}

/// A purchase, sent as often as it took, always the same.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) purchase: Purchase,
    /// When it was planned to be sent.
    pub(crate) due: Moment,
    /// When the request was made that had the answer which counts: it says what was seen before.
    pub(crate) asked: Moment,
    /// When that request was sent.
    pub(crate) sent: Moment,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) ending: Ending,
    pub(crate) reread: Reread,
}

/// An order id in the buyer's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) id: Uuid,
    pub(crate) at: Moment,
    /// By a 202; by a 200 otherwise.
    pub(crate) is_admission: bool,
}

/// What the buyer knows in the end.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Decided(Decided),
    /// At the door.
    Refused(Refused),
    /// Told to come back, by somebody who does not: nothing was taken.
    TurnedAway(TurnedAway),
    /// Patience was over first.
    Unknown,
    /// An answer made no sense; it stands among the faults.
    Broken,
}

/// An order that is no longer queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) order_id: Uuid,
    pub(crate) status: OrderStatus,
    pub(crate) rejection: Option<RefusalCode>,
    pub(crate) at: Moment,
}

impl Decided {
    /// Whether the order ever took units.
    pub(crate) fn took_units(&self) -> bool {
        match self.status {
            OrderStatus::Queued | OrderStatus::Rejected => false,
            OrderStatus::Held
            | OrderStatus::Confirmed
            | OrderStatus::Expired
            | OrderStatus::Cancelled => true,
        }
    }

    /// Whether the order has units.
    pub(crate) fn has_units(&self) -> bool {
        matches!(self.status, OrderStatus::Held | OrderStatus::Confirmed)
    }
}

/// A refusal at the door.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) code: ProblemCode,
    /// Whose door: a place in the plan.
    pub(crate) gateway: usize,
    pub(crate) as_of: Option<Timestamp>,
    /// `Timedeal-Seen` of the refusal.
    pub(crate) seen: Vec<Seen>,
    pub(crate) at: Moment,
}

/// The word to come back later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnedAway {
    pub(crate) code: ProblemCode,
    pub(crate) at: Moment,
}

/// What a ticket's order was when it was asked for at the very end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reread {
    /// There is no ticket to ask with.
    NotAsked,
    /// The service did not say.
    Unanswered,
    Order(Decided),
}

/// An entry of `Timedeal-Seen`: how far a partition was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) log_id: u8,
    pub(crate) partition: Partition,
    pub(crate) decided_next: Offset,
}

impl Seen {
    /// Whether both are of the same partition of the same log.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        (self.log_id, self.partition) == (other.log_id, other.partition)
    }
}

/// A status that an order was seen with, under its own id or by a ticket of a repeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    pub(crate) id: Uuid,
    pub(crate) status: OrderStatus,
    /// When the first answer with it had come.
    pub(crate) first_known: Moment,
    /// When the last request was made whose answer had it.
    pub(crate) last_asked: Moment,
}

/// An answer that no call may give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) what: String,
}

/// What is wrong about such an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It is none that the call documents.
    Form,
    /// It denies an order that was given out.
    LosesOrder,
    /// It tells a decision in another way than an answer before.
    Changes,
    /// It says that less is decided than the request said was seen, or than it shows itself.
    ShowsLess,
}

impl Attempt {
    /// The order as it was last told.
    pub(crate) fn latest(&self) -> Option<Decided> {
        match (&self.reread, &self.ending) {
            (Reread::Order(order), _) => Some(*order),
            (Reread::NotAsked | Reread::Unanswered, Ending::Decided(order)) => Some(*order),
            (
                Reread::NotAsked | Reread::Unanswered,
                Ending::Refused(_) | Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken,
            ) => None,
        }
    }

    /// The order that has units in the end, if one has. A hold that was not looked at then may
    /// have run out.
    pub(crate) fn owned(&self) -> Option<Decided> {
        let is_of_the_end = matches!(self.reread, Reread::Order(_));
        let lasts = |order: &Decided| order.status == OrderStatus::Confirmed || is_of_the_end;
        self.latest().filter(|order| order.has_units() && lasts(order))
    }

    /// The order that took units, if one did.
    pub(crate) fn bought(&self) -> Option<Decided> {
        self.latest().filter(Decided::took_units)
    }
}

impl History {
    /// All attempts with their buyers.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = (&BuyerHistory, &Attempt)> {
        self.buyers.iter().flat_map(|buyer| buyer.attempts.iter().map(move |a| (buyer, a)))
    }

    /// Whether every buyer knows what became of every purchase.
    pub(crate) fn is_settled(&self) -> bool {
        self.attempts().all(|(_, attempt)| match attempt.ending {
            Ending::Decided(_) | Ending::Refused(_) | Ending::TurnedAway(_) => true,
            Ending::Unknown | Ending::Broken => false,
        })
    }

    /// Units that buyers have in the end, as they were told. Of several looks at one order the last
    /// one counts.
    pub(crate) fn units_owned(&self) -> u64 {
        let mut orders: HashMap<Uuid, (Moment, u32)> = HashMap::new();
        for (_, attempt) in self.attempts() {
            let Some(order) = attempt.latest() else { continue };
            let units = attempt.owned().map_or(0, |_| attempt.purchase.quantity);
            let known = orders.entry(order.order_id).or_insert((order.at, units));
            if known.0 < order.at {
                *known = (order.at, units);
            }
        }
        orders.into_values().map(|(_, units)| u64::from(units)).sum()
    }

    /// Whether units may have come back to the stock: only holds give any back in a rush.
    pub(crate) fn may_return_units(&self) -> bool {
        self.terms.hold_seconds > 0
    }
}

/// Where the purchase of an order stands in the log, as its id says: a UUIDv8 whose own 122 bits
/// are log id (8), partition (14), offset (44) and a tag.
pub(crate) fn place_of(order_id: Uuid) -> Option<Seen> {
    let id = order_id.as_u128();
    if order_id.get_version_num() != 8 || order_id.get_variant() != uuid::Variant::RFC4122 {
        return None;
    }
    let bits = id >> 80 << 74 | (id >> 64 & 0xfff) << 62 | id & ((1 << 62) - 1);
    Some(Seen {
        log_id: u8::try_from(bits >> 114).ok()?,
        partition: Partition::try_from(bits >> 100 & 0x3fff).ok()?,
        decided_next: Offset::try_from(bits >> 56 & 0xfff_ffff_ffff).ok()?,
    })
}

/// The id of an order whose purchase stands in this place; its tag is nobody's.
#[cfg(test)]
pub(crate) fn order_id_at(place: Seen) -> Uuid {
    let Seen { log_id, partition, decided_next } = place;
    let bits = u128::from(log_id) << 114
        | u128::from(partition) << 100
        | u128::from(decided_next) << 56
        | ((1 << 56) - 1);
    let (first, middle, last) = (bits >> 74, bits >> 62 & 0xfff, bits & ((1 << 62) - 1));
    Uuid::from_u128(first << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | last)
}

impl fmt::Display for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self.key {
            Key::First => "first key",
            Key::Second => "second key",
        };
        let payload = if self.is_other_payload { ", other payload" } else { "" };
        write!(f, "purchase of {} ({key}{payload})", self.quantity)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Seen, order_id_at, place_of};

    #[test]
    fn an_order_id_says_where_its_purchase_stands() {
        let place = Seen { log_id: 3, partition: 0x2a5, decided_next: 0x123_4567_89ab };
        assert_eq!(place_of(order_id_at(place)), Some(place));
        // The same, worked out by hand.
        let id = uuid::uuid!("030a9448-d159-8e26-abff-ffffffffffff");
        assert_eq!(id, order_id_at(place));
        assert_eq!(place_of(Uuid::nil()), None);
    }
}
