//! Order ids and command ids: queue tickets that any gateway can read without a look-up. Pure.
//!
//! A UUIDv8 has 122 bits of its own: log id 8, partition 14, offset 44, tag 56. The first half of
//! the tag proves that the ticket was issued, the second that it was issued to this holder. The
//! layout is fixed for ever: ids are in customers' hands. Must not know what stands at a position.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use platform::secrets::{KeyRing, SecretBytes};
use schemas::limits::{OFFSET_LIMIT, PARTITIONS_MAX};
use schemas::{CustomerId, Position};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Bits of either half of a tag.
const HALF_BITS: u32 = 28;
const TAG_BITS: u32 = 2 * HALF_BITS;
const OFFSET_BITS: u32 = OFFSET_LIMIT.trailing_zeros();
const PARTITION_BITS: u32 = PARTITIONS_MAX.trailing_zeros();
const _: () = assert!(8 + PARTITION_BITS + OFFSET_BITS + TAG_BITS == 122);

/// What a valid id says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The log in which its command stands.
    pub log_id: u8,
    /// Where its command stands.
    pub position: Position,
    /// Number of the key that its tag was made with.
    pub key: u16,
}

/// What a ticket is for; keeps the tags of the two apart.
#[derive(Clone, Copy)]
enum Kind {
    Order,
    Command,
}

impl Kind {
    const fn domain(self) -> &'static [u8] {
        match self {
            Self::Order => b"order",
            Self::Command => b"command",
        }
    }
}

/// The numbered ticket keys: all verify, one issues.
#[derive(Clone)]
pub struct Tickets {
    ring: KeyRing,
    /// The same keys, made ready.
    keys: BTreeMap<u16, Hmac<Sha256>>,
}

impl Tickets {
    /// Tickets under the keys of this ring.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        let keyed =
            |key: &SecretBytes| Hmac::new_from_slice(key.expose()).expect("HMAC takes any length");
        let keys = ring.newest_first().map(|(number, key)| (number, keyed(key))).collect();
        Self { ring, keys }
    }

    /// Tickets under the keys of a `ticket.json`, which must have all keys that were there before.
    ///
    /// # Errors
    /// What is wrong with the file, without showing it.
    pub fn read(json: &[u8], before: Option<&Self>) -> Result<Self, String> {
        KeyRing::read(json, before.map(|before| &before.ring)).map(Self::new)
    }

    /// Number of the key that issues.
    #[must_use]
    pub fn issuing(&self) -> u16 {
        self.ring.issuing().0
    }

    /// The id of the order whose purchase stands there, made with key number `key`.
    ///
    /// # Panics
    /// If the key is unknown, or the position lies beyond what an id can carry.
    #[must_use]
    pub fn order_id(&self, log_id: u8, position: Position, key: u16, customer: CustomerId) -> Uuid {
        self.issue(Kind::Order, Ticket { log_id, position, key }, customer.0)
    }

    /// The id of any other command that stands there, made with key number `key`.
    ///
    /// # Panics
    /// As [`Tickets::order_id`].
    #[must_use]
    pub fn command_id(&self, log_id: u8, position: Position, key: u16, actor: Uuid) -> Uuid {
        self.issue(Kind::Command, Ticket { log_id, position, key }, actor)
    }

    /// Whether key number `key` is known here: ids can be made of rows that carry it.
    #[must_use]
    pub fn knows(&self, key: u16) -> bool {
        self.keys.contains_key(&key)
    }

    /// Reads an order id; none if it was never issued, or to another customer. Without a customer
    /// (signed webhooks, support) only the first half of the tag is checked.
    #[must_use]
    pub fn read_order(&self, id: Uuid, customer: Option<CustomerId>) -> Option<Ticket> {
        self.look(Kind::Order, id, customer.map(|customer| customer.0))
    }

    /// Reads a command id; none if it was never issued, or to another actor.
    #[must_use]
    pub fn read_command(&self, id: Uuid, actor: Option<Uuid>) -> Option<Ticket> {
        self.look(Kind::Command, id, actor)
    }

    fn issue(&self, kind: Kind, ticket: Ticket, holder: Uuid) -> Uuid {
        let Ticket { log_id, position, key } = ticket;
        assert!(position.partition < PARTITIONS_MAX, "an id has 14 bits for the partition");
        assert!(position.offset < OFFSET_LIMIT, "an id has 44 bits for the offset");
        let keyed = self.keys.get(&key).expect("ids are made with keys that are known");
        let tag = tag(keyed, kind, log_id, position);
        let high = u64::from(half(tag.clone()));
        let low = u64::from(half(tag.chain_update(holder.as_bytes())));
        pack(log_id, position, high << HALF_BITS | low)
    }

    fn look(&self, kind: Kind, id: Uuid, holder: Option<Uuid>) -> Option<Ticket> {
        let (log_id, position, found) = unpack(id)?;
        let (high, low) = (found >> HALF_BITS, found & ((1 << HALF_BITS) - 1));
        // The newest key first: it made nearly all ids that are asked for.
        for (&key, keyed) in self.keys.iter().rev() {
            let tag = tag(keyed, kind, log_id, position);
            let mut fits = u64::from(half(tag.clone())).ct_eq(&high);
            if let Some(holder) = holder {
                fits &= u64::from(half(tag.chain_update(holder.as_bytes()))).ct_eq(&low);
            }
            if fits.into() {
                return Some(Ticket { log_id, position, key });
            }
        }
        None
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.keys()).finish()
    }
}

fn tag(keyed: &Hmac<Sha256>, kind: Kind, log_id: u8, position: Position) -> Hmac<Sha256> {
    let start = keyed.clone().chain_update(kind.domain()).chain_update([log_id]);
    let start = start.chain_update(position.partition.to_be_bytes());
    start.chain_update(position.offset.to_be_bytes())
}

/// The first 28 bits.
fn half(tag: Hmac<Sha256>) -> u32 {
    let [a, b, c, d, ..] = tag.finalize().into_bytes().0;
    u32::from_be_bytes([a, b, c, d]) >> (u32::BITS - HALF_BITS)
}

/// Lays 122 bits around the version (4 bits after the first 48) and the variant (2 bits after 64).
fn pack(log_id: u8, position: Position, tag: u64) -> Uuid {
    let bits = u128::from(log_id) << (PARTITION_BITS + OFFSET_BITS + TAG_BITS)
        | u128::from(position.partition) << (OFFSET_BITS + TAG_BITS)
        | u128::from(position.offset) << TAG_BITS
        | u128::from(tag);
    let (first, middle) = (bits >> 74, bits >> 62 & 0xfff);
    let last = bits & ((1 << 62) - 1);
    Uuid::from_u128(first << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | last)
}

fn unpack(id: Uuid) -> Option<(u8, Position, u64)> {
    let id = id.as_u128();
    if id >> 76 & 0xf != 0x8 || id >> 62 & 0b11 != 0b10 {
        return None;
    }
    let bits = id >> 80 << 74 | (id >> 64 & 0xfff) << 62 | id & ((1 << 62) - 1);
    let part = |shift: u32, width: u32| {
        u64::try_from(bits >> shift & ((1 << width) - 1)).expect("no field is wider than 56 bits")
    };
    let log_id = part(PARTITION_BITS + OFFSET_BITS + TAG_BITS, 8);
    let partition = part(OFFSET_BITS + TAG_BITS, PARTITION_BITS);
    let position = Position {
        partition: u16::try_from(partition).expect("14 bits"),
        offset: part(TAG_BITS, OFFSET_BITS),
    };
    Some((u8::try_from(log_id).expect("8 bits"), position, part(0, TAG_BITS)))
}

#[cfg(test)]
mod tests;
