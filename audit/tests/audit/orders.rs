//! Commands as tests write them: with names in place of ids, and seconds in place of milliseconds.

use schemas::log::{
    AdjustStock, AnnounceDeal, CancelOrder, CloseDeal, Command, DealTerms, ExpireHolds, PauseDeal,
    PaymentResult, PlacePurchase, Product, RecordPayment, RescheduleDeal, ResumeDeal, RetireDeal,
};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Offset, Timestamp};
use uuid::Uuid;

pub(crate) fn seconds(count: i64) -> Timestamp {
    Timestamp::from_millis(count.saturating_mul(1_000))
}

pub(crate) fn customer(name: &str) -> CustomerId {
    CustomerId(Uuid::from_u128(Digest::of("customer", &[name.as_bytes()]).0))
}

pub(crate) fn deal_id(deal: &str) -> DealId {
    DealId::of(&"lamp".parse().unwrap(), &deal.parse().unwrap())
}

pub(crate) fn euros(amount: i64) -> Money {
    Money { amount, currency: "EUR".parse().unwrap() }
}

/// Ten minutes from 100 s on; 5 units at 1 EUR, 3 a customer, held for 60 s.
pub(crate) fn terms() -> DealTerms {
    let product = Product { name: "Lamp".into(), description: "".into(), image_url: None };
    DealTerms {
        product,
        title: "Lamps".into(),
        price: euros(100),
        stock: 5,
        limit_per_customer: 3,
        opens_at: seconds(100),
        closes_at: seconds(700),
        hold_seconds: 60,
    }
}

macro_rules! command {
    ($kind:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        Command::$kind(Box::new($kind {
            $($field $(: $value)?,)*
            ticket_key: 1,
            received_at: Timestamp::from_millis(77),
            actor: Uuid::nil(),
            admission: None,
        }))
    };
}

pub(crate) fn announce(deal: &str, terms: DealTerms) -> Command {
    let (product_id, deal_key) = ("lamp".parse().unwrap(), deal.parse().unwrap());
    command!(AnnounceDeal { product_id, deal_key, terms: Box::new(terms) })
}

pub(crate) fn buy(deal: &str, name: &str, key: &str, quantity: u32) -> Command {
    command!(PlacePurchase {
        deal_id: deal_id(deal),
        customer: customer(name),
        key: Digest::of_key(customer(name).0, key),
        fingerprint: Fingerprint::of(&[&quantity.to_be_bytes()]),
        quantity,
        client_reference: None,
    })
}

pub(crate) fn adjust(deal: &str, delta: i64, key: &str) -> Command {
    command!(AdjustStock {
        deal_id: deal_id(deal),
        key: Digest::of("adjustment", &[key.as_bytes()]),
        fingerprint: Fingerprint::of(&[&delta.to_be_bytes()]),
        delta,
        reason_code: "counted".parse().unwrap(),
    })
}

pub(crate) fn pause(deal: &str) -> Command {
    command!(PauseDeal { deal_id: deal_id(deal) })
}

pub(crate) fn resume(deal: &str) -> Command {
    command!(ResumeDeal { deal_id: deal_id(deal) })
}

pub(crate) fn close(deal: &str) -> Command {
    command!(CloseDeal { deal_id: deal_id(deal) })
}

pub(crate) fn reschedule(
    deal: &str,
    opens_at: Option<Timestamp>,
    closes_at: Option<Timestamp>,
) -> Command {
    command!(RescheduleDeal { deal_id: deal_id(deal), opens_at, closes_at })
}

pub(crate) fn retire(deal: &str, closes_at: Timestamp) -> Command {
    command!(RetireDeal { deal_id: deal_id(deal), closes_at })
}

pub(crate) fn cancel(order: Offset, name: &str) -> Command {
    command!(CancelOrder { order, customer: customer(name) })
}

pub(crate) fn pay(order: Offset, payment: &str, result: PaymentResult, money: Money) -> Command {
    command!(RecordPayment { order, payment: Digest::of_payment(payment), result, money })
}

pub(crate) fn expire() -> Command {
    command!(ExpireHolds {})
}
