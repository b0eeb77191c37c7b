//! Entity tags of orders: weak, because the place in the queue is not part of them, and the same
//! on every gateway.

use schemas::Fingerprint;
use schemas::http::Order;

/// The weak tag of an order without its `queue`.
///
/// # Panics
/// Never: an order can always be written.
#[must_use]
pub fn order_etag(order: &Order) -> String {
    let tagged = Order { queue: None, ..order.clone() };
    let bytes = serde_json::to_vec(&tagged).expect("an order can always be written as JSON");
    format!("W/\"{}\"", Fingerprint::of(&[&bytes]))
}

/// Whether an If-None-Match header names this tag, compared weakly; `*` names every tag.
#[must_use]
pub fn etag_matches(if_none_match: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.trim() == "*" || if_none_match.split(',').any(|tag| opaque(tag) == opaque(etag))
}
