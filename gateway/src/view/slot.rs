//! Orders and outcomes as the view keeps them: small, because there may be a million of them.

use hashbrown::HashMap;
use read_model::{CommandRow, OrderRow, PaymentRow};
use schemas::http::OrderStatus;
use schemas::id::ClientReference;
use schemas::log::RefusalCode;
use schemas::{
    CustomerId, DealId, Digest, Fingerprint, Money, Offset, Partition, Position, Timestamp,
};

use super::recent::Placed;

/// Most pairs of deal and price that are shared between orders; beyond, an order keeps its own.
const OFFERS_MAX: usize = 1 << 16;
/// Place of an order whose offer is not shared.
const OWN_OFFER: u32 = u32::MAX;
/// Expiry of an order that was never held.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// An order's deal and the price of a unit.
type Offer = (DealId, Option<Money>);

/// Offers that orders share.
#[derive(Debug, Default)]
pub(super) struct Offers {
    list: Vec<Offer>,
    places: HashMap<Offer, u32>,
}

impl Offers {
    fn place(&mut self, offer: Offer) -> u32 {
        if let Some(&place) = self.places.get(&offer) {
            return place;
        }
        if self.list.len() >= OFFERS_MAX {
            return OWN_OFFER;
        }
        let place = u32::try_from(self.list.len()).expect("there are at most OFFERS_MAX offers");
        self.list.push(offer);
        self.places.insert(offer, place);
        place
    }
}

/// A 128-bit digest in two halves: one number of 128 bits would pad every slot.
type Halves = [u64; 2];

/// What few orders have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rare {
    client_reference: Option<ClientReference>,
    own_offer: Option<Offer>,
    /// What was paid, if it is not price times quantity.
    paid: Option<Money>,
    refund_due: i64,
    refund_settled: i64,
}

/// An order.
#[derive(Debug)]
pub(super) struct Slot {
    /// Offset of its purchase.
    pub(super) offset: Offset,
    /// Offset of the decision that changed it last.
    pub(super) changed: Offset,
    /// Whose.
    pub(super) customer: CustomerId,
    key: Halves,
    fingerprint: Fingerprint,
    payment: Halves,
    purchased_at: Timestamp,
    decided_at: Timestamp,
    expires_at: Timestamp,
    rare: Option<Box<Rare>>,
    offer: u32,
    quantity: u32,
    ticket_key: u16,
    rejection: Option<(RefusalCode, bool)>,
    status: OrderStatus,
    is_paid: bool,
}

/// The aim of 200 bytes for an order includes its key, in a table that is at worst half empty.
const _: () = assert!(size_of::<Slot>() <= 120);

impl Slot {
    pub(super) fn pack(row: OrderRow, offers: &mut Offers) -> Self {
        let offer = offers.place((row.deal_id, row.unit_price));
        let total = row.unit_price.and_then(|price| total(price, row.quantity));
        let rare = Rare {
            client_reference: row.client_reference,
            own_offer: (offer == OWN_OFFER).then_some((row.deal_id, row.unit_price)),
            paid: row.payment.map(|payment| payment.money).filter(|paid| Some(*paid) != total),
            refund_due: row.refund_due,
            refund_settled: row.refund_settled,
        };
        Self {
            offset: row.position.offset,
            changed: row.position.offset,
            customer: row.customer,
            key: halves(row.key),
            fingerprint: row.fingerprint,
            payment: row.payment.map_or([0, 0], |payment| halves(payment.payment)),
            purchased_at: row.purchased_at,
            decided_at: row.decided_at,
            expires_at: row.expires_at.unwrap_or(NEVER),
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            offer,
            quantity: row.quantity,
            ticket_key: row.ticket_key,
            rejection: row.rejection,
            status: row.status,
            is_paid: row.payment.is_some(),
        }
    }

    pub(super) fn unpack(&self, log_id: u8, partition: Partition, offers: &Offers) -> OrderRow {
        let none = Rare::default();
        let rare = self.rare.as_deref().unwrap_or(&none);
        let shared = offers.list.get(self.offer as usize).copied();
        let (deal_id, unit_price) =
            rare.own_offer.or(shared).expect("an offer is shared or the order's own");
        let paid = rare.paid.or_else(|| total(unit_price?, self.quantity));
        let payment = paid.filter(|_| self.is_paid);
        let payment = payment.map(|money| PaymentRow { payment: digest(self.payment), money });
        OrderRow {
            log_id,
            position: Position { partition, offset: self.offset },
            deal_id,
            customer: self.customer,
            key: digest(self.key),
            fingerprint: self.fingerprint,
            quantity: self.quantity,
            unit_price,
            ticket_key: self.ticket_key,
            purchased_at: self.purchased_at,
            decided_at: self.decided_at,
            client_reference: rare.client_reference.clone(),
            expires_at: Some(self.expires_at).filter(|at| *at != NEVER),
            rejection: self.rejection,
            status: self.status,
            payment,
            refund_due: rare.refund_due,
            refund_settled: rare.refund_settled,
        }
    }
}

impl Placed for Slot {
    fn offset(&self) -> Offset {
        self.offset
    }
}

/// The outcome of a command that is not an order.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Where the command stands.
    pub(super) offset: Offset,
    decided_at: Timestamp,
    first: Option<Offset>,
    refusal: Option<RefusalCode>,
}

impl Outcome {
    pub(super) fn row(&self, log_id: u8, partition: Partition) -> CommandRow {
        let Self { offset, decided_at, first, refusal } = *self;
        CommandRow { log_id, position: Position { partition, offset }, decided_at, refusal, first }
    }
}

impl From<&CommandRow> for Outcome {
    fn from(row: &CommandRow) -> Self {
        let CommandRow { position, decided_at, refusal, first, .. } = *row;
        Self { offset: position.offset, decided_at, first, refusal }
    }
}

impl Placed for Outcome {
    fn offset(&self) -> Offset {
        self.offset
    }
}

/// A refused purchase may ask for any quantity, so this one does not have to fit.
fn total(price: Money, quantity: u32) -> Option<Money> {
    let amount = price.amount.checked_mul(i64::from(quantity))?;
    Some(Money { amount, ..price })
}

fn halves(digest: Digest) -> Halves {
    let high = u64::try_from(digest.0 >> 64).expect("64 bits are left");
    let low = u64::try_from(digest.0 & u128::from(u64::MAX)).expect("64 bits are left");
    [high, low]
}

fn digest([high, low]: Halves) -> Digest {
    Digest(u128::from(high) << 64 | u128::from(low))
}
