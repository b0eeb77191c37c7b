//! Samples of commands.

use schemas::log::{
    AdjustStock, Admission, AnnounceDeal, CancelOrder, CloseDeal, Command, DealTerms, ExpireHolds,
    PauseDeal, PaymentResult, PlacePurchase, Product, RecordPayment, RescheduleDeal, ResumeDeal,
    RetireDeal,
};

use super::{customer, deal_id, fingerprint, key, money, payment, reason, reference, time, uuid};

/// A struct with the fields that all commands have: with an admission, or without.
macro_rules! command {
    ($name:ident, $admission:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        Command::$name(Box::new($name {
            $( $field: $value, )*
            ticket_key: 2,
            received_at: time(1_700_000_000_000),
            actor: uuid(0x33),
            admission: $admission,
        }))
    };
}

fn admission() -> Option<Admission> {
    Some(Admission { gateway: "gateway-1".into(), decided_next: 800 })
}

/// What a deal offers, with a picture or without.
pub(super) fn terms(image_url: Option<&str>) -> Box<DealTerms> {
    Box::new(DealTerms {
        product: Product {
            name: "Kettle — 주전자".into(),
            description: "Boils \"fast\"\nand quietly".into(),
            image_url: image_url.map(Into::into),
        },
        title: "Summer sale".into(),
        price: money(1990),
        stock: 1000,
        limit_per_customer: 2,
        opens_at: time(1_700_000_100_000),
        closes_at: time(1_700_003_700_000),
        hold_seconds: 600,
    })
}

/// Every command; those with optional fields twice.
pub(super) fn all() -> Vec<Command> {
    let mut all = operations();
    all.extend(orders());
    all
}

fn operations() -> Vec<Command> {
    let product_id = || "sku-1".parse().unwrap();
    let deal_key = || "summer-2026".parse().unwrap();
    let deal_id = deal_id();
    let opens_at = Some(time(1_700_000_200_000));
    let closes_at = Some(time(1_700_007_200_000));
    let (key, fingerprint) = (key(), fingerprint());
    vec![
        command!(AnnounceDeal, admission(), {
            product_id: product_id(), deal_key: deal_key(),
            terms: terms(Some("https://shop.example/kettle.jpg")),
        }),
        command!(AnnounceDeal, None, {
            product_id: product_id(), deal_key: deal_key(), terms: terms(None),
        }),
        command!(AdjustStock, admission(), {
            deal_id: deal_id, key: key, fingerprint: fingerprint, delta: 50,
            reason_code: reason(),
        }),
        command!(AdjustStock, None, {
            deal_id: deal_id, key: key, fingerprint: fingerprint, delta: -5,
            reason_code: reason(),
        }),
        command!(PauseDeal, admission(), { deal_id: deal_id }),
        command!(PauseDeal, None, { deal_id: deal_id }),
        command!(ResumeDeal, admission(), { deal_id: deal_id }),
        command!(ResumeDeal, None, { deal_id: deal_id }),
        command!(RescheduleDeal, admission(), {
            deal_id: deal_id, opens_at: opens_at, closes_at: closes_at,
        }),
        command!(RescheduleDeal, None, { deal_id: deal_id, opens_at: None, closes_at: None }),
        command!(CloseDeal, admission(), { deal_id: deal_id }),
        command!(CloseDeal, None, { deal_id: deal_id }),
        command!(RetireDeal, admission(), { deal_id: deal_id, closes_at: time(1_700_003_700_000) }),
        command!(RetireDeal, None, { deal_id: deal_id, closes_at: time(1_700_003_700_000) }),
    ]
}

fn orders() -> Vec<Command> {
    let (deal_id, customer) = (deal_id(), customer());
    let (key, fingerprint, payment) = (key(), fingerprint(), payment());
    vec![
        command!(PlacePurchase, admission(), {
            deal_id: deal_id, customer: customer, key: key, fingerprint: fingerprint,
            quantity: 2, client_reference: Some(reference()),
        }),
        command!(PlacePurchase, None, {
            deal_id: deal_id, customer: customer, key: key, fingerprint: fingerprint,
            quantity: 1, client_reference: None,
        }),
        command!(CancelOrder, admission(), { order: 777, customer: customer }),
        command!(CancelOrder, None, { order: 777, customer: customer }),
        command!(RecordPayment, admission(), {
            order: 777, payment: payment, result: PaymentResult::Succeeded, money: money(3980),
        }),
        command!(RecordPayment, None, {
            order: 777, payment: payment, result: PaymentResult::Failed, money: money(0),
        }),
        command!(RecordPayment, None, {
            order: 777, payment: payment, result: PaymentResult::Refunded, money: money(3980),
        }),
        command!(ExpireHolds, admission(), {}),
        command!(ExpireHolds, None, {}),
    ]
}
