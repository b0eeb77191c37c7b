//! Orders as their customer sees them.

use read_model::OrderRow;
use schemas::http::{Order, OrderStatus, Payment, Queue, Refund, RefundStatus, Rejection};
use schemas::id::ClientReference;
use schemas::log::RefusalCode;
use schemas::{DealId, Money, ProductId, Timestamp};
use uuid::Uuid;

/// What a gateway remembers of a purchase that it let in itself, until it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedPurchase {
    /// Which deal.
    pub deal_id: DealId,
    /// Its product.
    pub product_id: ProductId,
    /// Units.
    pub quantity: u32,
    /// Price of one unit when it was let in.
    pub unit_price: Money,
    /// When the gateway received it.
    pub purchased_at: Timestamp,
    /// The client's own reference.
    pub client_reference: Option<ClientReference>,
}

/// Whether nothing but money moves after this status (a confirmed order may still be cancelled).
#[must_use]
pub const fn is_final(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Queued | OrderStatus::Held => false,
        OrderStatus::Rejected
        | OrderStatus::Confirmed
        | OrderStatus::Expired
        | OrderStatus::Cancelled => true,
    }
}

/// The body of a decided order; `product_id` as its deal has it.
#[must_use]
pub fn order_body(order_id: Uuid, row: &OrderRow, product_id: Option<ProductId>) -> Order {
    Order {
        order_id,
        deal_id: Some(row.deal_id),
        product_id,
        status: row.status,
        quantity: Some(row.quantity),
        unit_price: row.unit_price,
        total: row.unit_price.and_then(|price| total(price, row.quantity)),
        purchased_at: Some(row.purchased_at),
        decided_at: Some(row.decided_at),
        expires_at: row.expires_at,
        rejection: row.rejection.map(|(code, retryable)| rejection(code, retryable)),
        queue: None,
        payment: row.payment.map(|paid| Payment { payment_hash: paid.payment, paid: paid.money }),
        refund: (row.refund_due > 0).then_some(Refund {
            status: match row.refund_settled < row.refund_due {
                true => RefundStatus::Due,
                false => RefundStatus::Settled,
            },
            amount: row.refund_due,
        }),
        client_reference: row.client_reference.clone(),
    }
}

/// The body of an order that is queued; another gateway's leaves out what this one never saw.
#[must_use]
pub fn queued_body(order_id: Uuid, purchase: Option<&QueuedPurchase>, queue: Queue) -> Order {
    Order {
        order_id,
        deal_id: purchase.map(|purchase| purchase.deal_id),
        product_id: purchase.map(|purchase| purchase.product_id.clone()),
        status: OrderStatus::Queued,
        quantity: purchase.map(|purchase| purchase.quantity),
        unit_price: purchase.map(|purchase| purchase.unit_price),
        total: purchase.and_then(|purchase| total(purchase.unit_price, purchase.quantity)),
        purchased_at: purchase.map(|purchase| purchase.purchased_at),
        decided_at: None,
        expires_at: None,
        rejection: None,
        queue: Some(queue),
        payment: None,
        refund: None,
        client_reference: purchase.and_then(|purchase| purchase.client_reference.clone()),
    }
}

/// The reason of a decided refusal, with a sentence for people.
#[must_use]
pub fn rejection(code: RefusalCode, retryable: bool) -> Rejection {
    Rejection { code, detail: sentence(code).into(), retryable }
}

const fn sentence(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::IdempotencyKeyReused => "The Idempotency-Key belongs to another request.",
        RefusalCode::DealNotFound => "There was no such deal.",
        RefusalCode::DealRetired => "The deal was over and archived.",
        RefusalCode::DealNotOpen => "The deal was not open yet.",
        RefusalCode::DealPaused => "The deal was paused.",
        RefusalCode::DealClosed => "The deal was closed.",
        RefusalCode::OutOfRange => "A value was out of range.",
        RefusalCode::LimitExceeded => "The limit per customer was reached.",
        RefusalCode::SoldOut => "Nothing was left.",
        RefusalCode::InsufficientStock => "Fewer units were left than were asked for.",
        RefusalCode::OrderNotFound => "There was no such order.",
        RefusalCode::OrderNotCancellable => "The order could not be cancelled any more.",
        RefusalCode::DealAlreadyOpen => "The deal had opened and could not be replaced.",
        RefusalCode::StockBelowCommitted => "Stock cannot go below what is held and sold.",
        RefusalCode::PaymentIdReused => "The payment id belongs to another payment.",
        RefusalCode::Unreadable => "The command in the log could not be read.",
    }
}

/// A refused purchase may have asked for any quantity, so a total may not exist.
fn total(price: Money, quantity: u32) -> Option<Money> {
    let amount = price.amount.checked_mul(i64::from(quantity))?;
    Some(Money { amount, ..price })
}

#[cfg(test)]
mod tests {
    use super::{OrderRow, order_body, queued_body};
    use crate::answer::{etag_matches, order_etag};
    use read_model::PaymentRow;
    use schemas::http::{OrderStatus, Queue, RefundStatus};
    use schemas::log::RefusalCode;
    use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Position, Timestamp};
    use uuid::Uuid;

    fn money(amount: i64) -> Money {
        Money { amount, currency: "EUR".parse().unwrap() }
    }

    fn row() -> OrderRow {
        OrderRow {
            log_id: 1,
            position: Position { partition: 0, offset: 5 },
            deal_id: DealId(Uuid::nil()),
            customer: CustomerId(Uuid::nil()),
            key: Digest(1),
            fingerprint: Fingerprint(1),
            quantity: 3,
            unit_price: Some(money(250)),
            ticket_key: 1,
            purchased_at: Timestamp::from_millis(10),
            decided_at: Timestamp::from_millis(20),
            client_reference: None,
            expires_at: None,
            rejection: None,
            status: OrderStatus::Confirmed,
            payment: Some(PaymentRow { payment: Digest(7), money: money(750) }),
            refund_due: 0,
            refund_settled: 0,
        }
    }

    #[test]
    fn a_decided_order_says_what_it_costs_and_what_goes_back() {
        let body = |row: &OrderRow| order_body(Uuid::nil(), row, None);
        assert_eq!((body(&row()).total, body(&row()).refund), (Some(money(750)), None));
        let refund = |refund_due, refund_settled| {
            let refund = body(&OrderRow { refund_due, refund_settled, ..row() }).refund.unwrap();
            (refund.status, refund.amount)
        };
        assert_eq!(refund(750, 0), (RefundStatus::Due, 750));
        assert_eq!(refund(750, 749), (RefundStatus::Due, 750));
        assert_eq!(refund(750, 750), (RefundStatus::Settled, 750));
        // A refused purchase may have asked for anything.
        let huge = OrderRow {
            quantity: u32::MAX,
            unit_price: Some(money(i64::MAX)),
            rejection: Some((RefusalCode::OutOfRange, false)),
            status: OrderStatus::Rejected,
            payment: None,
            ..row()
        };
        let body = body(&huge);
        assert_eq!((body.total, body.rejection.unwrap().code), (None, RefusalCode::OutOfRange));
    }

    #[test]
    fn the_tag_changes_with_the_order_and_not_with_its_place_in_the_queue() {
        let queue = |ahead| Queue { ahead, estimated_wait_ms: None, poll_after_ms: ahead };
        let queued = |ahead| order_etag(&queued_body(Uuid::nil(), None, queue(ahead)));
        assert_eq!(queued(9), queued(1));
        let decided = order_etag(&order_body(Uuid::nil(), &row(), None));
        assert_ne!(decided, queued(1));
        let at = Timestamp::from_millis(30);
        let others = [
            OrderRow { refund_due: 1, ..row() },
            OrderRow { refund_due: 1, refund_settled: 1, ..row() },
            OrderRow { status: OrderStatus::Cancelled, ..row() },
            OrderRow { decided_at: at, ..row() },
            OrderRow { expires_at: Some(at), ..row() },
            OrderRow { payment: None, ..row() },
            OrderRow { rejection: Some((RefusalCode::SoldOut, false)), ..row() },
            OrderRow { rejection: Some((RefusalCode::SoldOut, true)), ..row() },
        ];
        let other_tag = |row: &OrderRow| order_etag(&order_body(Uuid::nil(), row, None));
        let mut tags: Vec<String> = others.iter().map(other_tag).collect();
        let product_id = Some("lamp".parse().unwrap());
        tags.push(order_etag(&order_body(Uuid::nil(), &row(), product_id)));
        tags.push(order_etag(&order_body(Uuid::max(), &row(), None)));
        tags.extend([decided.clone(), queued(1)]);
        let all = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), all);
        let strong = decided.trim_start_matches("W/");
        for header in ["*", &decided, strong, &format!("\"x\" , {decided}")] {
            assert!(etag_matches(header, &decided), "{header}");
        }
        for header in ["", "\"x\"", "W/\"x\"", &queued(1)] {
            assert!(!etag_matches(header, &decided), "{header}");
        }
    }
}
