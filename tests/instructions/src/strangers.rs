//! What a gateway reads of a purchase before it knows anything about whoever sent it.

use std::hint::black_box;

use gateway::auth::{TokenIssuer, VerifyToken};
use gateway::probe;
use http::{HeaderMap, HeaderValue, header};

use crate::sale::{NOW, customer, deal_id};
use crate::{TIMES, Work, request};

/// Tokens that were not seen before, each of another customer.
pub(crate) fn tokens() -> Work {
    let issuer = TokenIssuer::of(&request::signing()).unwrap();
    let (tokens, verifier) = (request::tokens(&issuer), issuer.verifier());
    let now_seconds = NOW.as_millis() / 1_000;
    Box::new(move || {
        let is_good = |token: &&String| verifier.verify(black_box(token), now_seconds).is_ok();
        tokens.iter().filter(is_good).count()
    })
}

/// Headers and body of a purchase.
pub(crate) fn purchases() -> Work {
    read_each("1", true)
}

/// A purchase whose quantity is a text: the place of the fault is looked for.
pub(crate) fn bad_purchases() -> Work {
    read_each("\"1\"", false)
}

fn read_each(quantity: &str, is_good: bool) -> Work {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-key", HeaderValue::from_static("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3d"));
    let body = format!(
        r#"{{"deal_id":"{}","quantity":{quantity},"client_reference":"basket-17"}}"#,
        deal_id().0
    );
    let customer = customer(1);
    Box::new(move || {
        let is_meant = |_: &usize| {
            probe::purchase(customer, black_box(&headers), body.as_bytes()).is_some() == is_good
        };
        (0..TIMES).filter(is_meant).count()
    })
}
