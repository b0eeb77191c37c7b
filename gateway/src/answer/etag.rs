//! Entity tags of orders: weak, because the place in the queue is not part of them, and the same
//! on every gateway.

use schemas::Fingerprint;
use schemas::http::Order;

/// Room for what may change about most orders.
const STATE_BYTES: usize = 128;

/// The weak tag of an order: of what may change about it, and of its id for all that does not.
///
/// # Panics
/// Never: what it is made of can always be written.
#[must_use]
pub fn order_etag(order: &Order) -> String {
    let Order {
        order_id,
        deal_id,
        product_id,
        status,
        decided_at,
        expires_at,
        rejection,
        payment,
        refund,
        // The same whenever they are known, which they are together.
        quantity: _,
        unit_price: _,
        total: _,
        purchased_at: _,
        client_reference: _,
        // The place in the queue changes all the time, and is no news.
        queue: _,
    } = order;
    let known = [deal_id.is_some(), product_id.is_some()].map(u8::from);
    let mut state = Vec::with_capacity(STATE_BYTES);
    let changing = (status, decided_at, expires_at, rejection, payment, refund);
    serde_json::to_writer(&mut state, &changing).expect("they are plain data");
    format!("W/\"{}\"", Fingerprint::of(&[order_id.as_bytes(), &known, &state]))
}

/// Whether an If-None-Match header names this tag, compared weakly; `*` names every tag.
#[must_use]
pub fn etag_matches(if_none_match: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.trim() == "*" || if_none_match.split(',').any(|tag| opaque(tag) == opaque(etag))
}
