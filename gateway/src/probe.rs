//! The readers of what strangers send, one function each, for tests that throw bytes at every
//! decoder of the project, and for counts of what reading costs. No part of the service calls them;
//! what they read is read in `reading` alone.

use std::net::IpAddr;

use read_model::OrderCursor;
use schemas::http::{
    AccountRequest, DealRequest, PaymentNotice, PurchaseRequest, ScheduleRequest, SessionRequest,
    StockAdjustmentRequest,
};
use schemas::{DealId, Digest, Position, Timestamp};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::auth::{self, OidcOptions};
use crate::problem::Refusal;
use crate::reading::{self, DealCursor};
use crate::{call, limits};

/// A cursor of orders, read and written again; none if it is none.
#[must_use]
pub fn order_cursor(text: &str) -> Option<String> {
    reading::read_cursor(text).ok().map(|cursor| reading::write_cursor(&cursor))
}

/// The same for a cursor of deals.
#[must_use]
pub fn deal_cursor(text: &str) -> Option<String> {
    reading::read_deal_cursor(text).ok().map(|cursor| reading::write_deal_cursor(&cursor))
}

/// A cursor of each of the two.
#[must_use]
pub fn sample_cursors() -> [String; 2] {
    let position = Position { partition: 5, offset: 812 };
    let (purchased_at, deal_id) = (Timestamp::from_millis(1_700_000_000_000), DealId(Uuid::max()));
    let order = OrderCursor { purchased_at, log_id: 3, position };
    let deal = DealCursor { opens_at: purchased_at, deal_id };
    [reading::write_cursor(&order), reading::write_deal_cursor(&deal)]
}

/// The key that a header of this value holds; none if it holds none.
#[must_use]
pub fn idempotency_key(value: &[u8]) -> Option<String> {
    let mut headers = http::HeaderMap::new();
    headers.insert("idempotency-key", http::HeaderValue::from_bytes(value).ok()?);
    reading::idempotency_key(&headers).ok().map(str::to_owned)
}

/// Whether this is the address of a call with parameters that are known and in range.
#[must_use]
pub fn query(target: &str) -> bool {
    let Ok(uri) = target.parse() else { return false };
    let query = reading::Query::read(&uri, &["wait", "limit", "cursor", "status"]);
    query.is_ok_and(|query| query.wait().is_ok() && query.limit().is_ok())
}

/// Whether this is a trace context that is passed on.
#[must_use]
pub fn traceparent(value: &[u8]) -> bool {
    http::HeaderValue::from_bytes(value).is_ok_and(|it| call::is_traceparent(it.as_bytes()))
}

/// Who calls, by these lines of `X-Forwarded-For`, if the proxies of 10.0.0.0/8 are trusted and
/// 10.0.0.1 passes the call on; none if no header can be such a line.
#[must_use]
pub fn caller(lines: &[&[u8]]) -> Option<IpAddr> {
    let mut headers = http::HeaderMap::new();
    for line in lines {
        headers.append("x-forwarded-for", http::HeaderValue::from_bytes(line).ok()?);
    }
    let proxies = ["10.0.0.0/8".parse().expect("the range is a literal")];
    Some(limits::caller(&proxies, IpAddr::from([10, 0, 0, 1]), &headers))
}

/// Whether a token is good by the keys that `https://id.example` publishes; none if no such key
/// can be used.
#[must_use]
pub fn issuer_keys(keys: &[u8], token: &str, now_seconds: i64) -> Option<bool> {
    let options = OidcOptions::new("https://id.example", auth::AUDIENCE);
    let options = options.expect("its parts are literals");
    auth::judge(&options, keys, token, now_seconds).map(|judged| judged.is_ok())
}

/// What binds the purchase of a customer, by its headers and its body; none if it is refused.
#[must_use]
pub fn purchase(customer: Uuid, headers: &http::HeaderMap, body: &[u8]) -> Option<Digest> {
    reading::expect_json(headers).ok()?;
    let key = Digest::of_key(customer, reading::idempotency_key(headers).ok()?);
    let request: PurchaseRequest = reading::parse_json(body).ok()?;
    reading::check_quantity(request.quantity).ok().map(|_| key)
}

/// As how many kinds of request body these bytes are taken, ranges and all.
#[must_use]
pub fn bodies(bytes: &[u8]) -> usize {
    let taken = [
        read(bytes, |body: PurchaseRequest| reading::check_quantity(body.quantity).map(drop)),
        read(bytes, |body: DealRequest| reading::check_deal(body).map(drop)),
        read(bytes, |body: StockAdjustmentRequest| reading::check_adjustment(&body)),
        read(bytes, |body: ScheduleRequest| reading::check_schedule(&body, None)),
        read(bytes, |body: PaymentNotice| reading::check_payment(&body)),
        read(bytes, |body: AccountRequest| reading::check_account(body).map(drop)),
        read(bytes, |body: SessionRequest| reading::check_credentials(&body)),
    ];
    taken.into_iter().filter(|taken| *taken).count()
}

fn read<T: DeserializeOwned>(bytes: &[u8], check: impl Fn(T) -> Result<(), Refusal>) -> bool {
    reading::parse_json::<T>(bytes).is_ok_and(|body| check(body).is_ok())
}
