//! What an order says of itself from its decision on: every answer about it has to say the same,
//! whichever gateway gives it. Must not know who asked, or how far the order has come since.

use schemas::http::Order;
use schemas::log::RefusalCode;
use schemas::{DealId, Money, Timestamp};
use uuid::Uuid;

/// The part of a decided order that never changes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    order_id: Uuid,
    rejection: Option<RefusalCode>,
    deal_id: Option<DealId>,
    quantity: Option<u32>,
    unit_price: Option<Money>,
    total: Option<Money>,
    purchased_at: Option<Timestamp>,
    decided_at: Option<Timestamp>,
}

impl Verdict {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            order_id: order.order_id,
            rejection: order.rejection.as_ref().map(|rejection| rejection.code),
            deal_id: order.deal_id,
            quantity: order.quantity,
            unit_price: order.unit_price,
            total: order.total,
            purchased_at: order.purchased_at,
            decided_at: order.decided_at,
        }
    }

    /// What a later answer says otherwise, if anything; for people.
    pub(super) fn difference(&self, later: &Self) -> Option<String> {
        let mut fields = self.fields().into_iter().zip(later.fields());
        let ((name, was), (_, is)) = fields.find(|(was, is)| was != is)?;
        Some(format!("{name} was {was} and is {is}"))
    }

    fn fields(&self) -> [(&'static str, String); 8] {
        [
            ("order_id", self.order_id.to_string()),
            ("rejection", format!("{:?}", self.rejection)),
            ("deal_id", format!("{:?}", self.deal_id)),
            ("quantity", format!("{:?}", self.quantity)),
            ("unit_price", format!("{:?}", self.unit_price)),
            ("total", format!("{:?}", self.total)),
            ("purchased_at", format!("{:?}", self.purchased_at)),
            ("decided_at", format!("{:?}", self.decided_at)),
        ]
    }
}
