//! Rows: plain data, the same on every database. Identity of an order or a command is the log and
//! the position of its command; ids for the outside are made by the gateway.

use schemas::http::OrderStatus;
use schemas::id::ClientReference;
use schemas::log::{DealTerms, Product, RefusalCode};
use schemas::{
    CustomerId, DealId, DealKey, Digest, Fingerprint, Money, Offset, Partition, Position,
    ProductId, Timestamp,
};

/// A product as it was last announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRow {
    /// Its id.
    pub product_id: ProductId,
    /// How the catalogue shows it.
    pub product: Product,
}

/// A deal with its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealRow {
    /// Log that it lives in.
    pub log_id: u8,
    /// Partition that it lives in.
    pub partition: Partition,
    /// Its id.
    pub deal_id: DealId,
    /// Its product.
    pub product_id: ProductId,
    /// Its name within the product.
    pub deal_key: DealKey,
    /// What it offers; opening and closing as last rescheduled, `stock` as announced.
    pub terms: DealTerms,
    /// Sum of all stock adjustments since it was announced.
    pub adjusted: i64,
    /// Units left for sale.
    pub stock_left: u64,
    /// Units held.
    pub held: u64,
    /// Takes no purchases for now.
    pub paused: bool,
    /// Was closed by command.
    pub closed: bool,
    /// Was retired.
    pub retired: bool,
}

impl DealRow {
    /// Units announced and adjusted.
    ///
    /// # Panics
    /// Never for a row that the decider's events made: the sum is within the limits.
    #[must_use]
    pub fn stock(&self) -> u64 {
        self.terms.stock.checked_add_signed(self.adjusted).expect("stock is within its limits")
    }

    /// Units sold: what is neither left nor held (promise I1).
    ///
    /// # Panics
    /// Never for a row that the decider's events made.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        let rest = self.stock().checked_sub(self.stock_left);
        rest.and_then(|rest| rest.checked_sub(self.held)).expect("promise I1 holds")
    }
}

/// A payment that made an order final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// The payment id, hashed.
    pub payment: Digest,
    /// How much.
    pub money: Money,
}

/// A decided purchase that is not a repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Log of its command.
    pub log_id: u8,
    /// Position of its command.
    pub position: Position,
    /// Which deal.
    pub deal_id: DealId,
    /// Whose.
    pub customer: CustomerId,
    /// The key that it answers for.
    pub key: Digest,
    /// Hash of the request's body.
    pub fingerprint: Fingerprint,
    /// Units.
    pub quantity: u32,
    /// Price of one unit; none if there was no such deal.
    pub unit_price: Option<Money>,
    /// Number of the ticket key of its id.
    pub ticket_key: u16,
    /// When the gateway received it.
    pub purchased_at: Timestamp,
    /// Log time of its decision.
    pub decided_at: Timestamp,
    /// The client's own reference.
    pub client_reference: Option<ClientReference>,
    /// When its hold runs out, if it was ever held.
    pub expires_at: Option<Timestamp>,
    /// Why it was refused, and whether another purchase may succeed later.
    pub rejection: Option<(RefusalCode, bool)>,
    /// How far it has come; never `queued`.
    pub status: OrderStatus,
    /// The payment that made it final.
    pub payment: Option<PaymentRow>,
    /// Money that ever had to go back, in minor units of the order's currency; 0 if none.
    pub refund_due: i64,
    /// How much of it went back.
    pub refund_settled: i64,
}

/// The outcome of a command that is not an order: all but purchases, and purchases that repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRow {
    /// Log of the command.
    pub log_id: u8,
    /// Position of the command.
    pub position: Position,
    /// Log time of its decision.
    pub decided_at: Timestamp,
    /// Why it was refused; none: accepted.
    pub refusal: Option<RefusalCode>,
    /// Offset of the first command or purchase, if it is a repeat.
    pub first: Option<Offset>,
}

/// A key that is bound by an order which ever took a unit, for the gateways' view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Which deal.
    pub deal_id: DealId,
    /// The key.
    pub key: Digest,
    /// Hash of the request's body.
    pub fingerprint: Fingerprint,
    /// Offset of the order's purchase.
    pub offset: Offset,
}

/// An account. Outside of the fold: deleting a person is deleting this row.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The pseudonym that the log knows.
    pub customer: CustomerId,
    /// In lower case.
    pub email: Box<str>,
    /// As registered.
    pub name: Box<str>,
    /// argon2id, in PHC form.
    pub password_hash: Box<str>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserRow({})", self.customer)
    }
}
