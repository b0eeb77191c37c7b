//! Texts of clients and of whoever configures: bodies, cursors, headers, addresses, files.

use std::net::IpAddr;

use event_log::kafka::KafkaUrl;
use gateway::answer::Seen;
use gateway::auth::TokenKeys;
use gateway::{probe, ticket::Tickets};
use platform::config::{format_duration, parse_duration};
use platform::secrets::{KeyRing, SecretSource, SigningKeys, parse_webhook};
use schemas::http::{
    DealRequest, PaymentNotice, PurchaseRequest, ScheduleRequest, StockAdjustmentRequest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// All that there is to begin with lies in the corpus.
pub(crate) fn no_seeds() -> Vec<Vec<u8>> {
    Vec::new()
}

fn lines(lines: &[&str]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| line.as_bytes().to_vec()).collect()
}

/// Whether the bytes are a `T`; if so, it is written as something that reads the same.
fn reads_back<T>(bytes: &[u8]) -> bool
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return false };
    let written = serde_json::to_vec(&read).unwrap();
    assert_eq!(serde_json::from_slice::<T>(&written).unwrap(), read);
    true
}

pub(crate) fn body(bytes: &[u8]) -> bool {
    let read = reads_back::<PurchaseRequest>(bytes)
        | reads_back::<DealRequest>(bytes)
        | reads_back::<StockAdjustmentRequest>(bytes)
        | reads_back::<ScheduleRequest>(bytes)
        | reads_back::<PaymentNotice>(bytes);
    let taken = probe::bodies(bytes);
    // Two calls that take the same bytes would be two meanings of one text.
    assert!(taken <= 1, "{taken} calls take it");
    read && taken == 1
}

pub(crate) fn cursor_seeds() -> Vec<Vec<u8>> {
    probe::sample_cursors().map(String::into_bytes).into()
}

pub(crate) fn cursor(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (order, deal) = (probe::order_cursor(text), probe::deal_cursor(text));
    assert!(order.is_none() || deal.is_none(), "a cursor of both lists");
    for written in [&order, &deal].into_iter().flatten() {
        assert_eq!(written, text, "a second name of one place");
    }
    order.is_some() || deal.is_some()
}

pub(crate) fn query_seeds() -> Vec<Vec<u8>> {
    lines(&[
        "/v1/orders?status=held&cursor=%41b+c&limit=100&wait=30",
        "/v1/deals?limit=20",
        "http://x/v1?wait=0",
        "/?&&&",
    ])
}

pub(crate) fn query(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(probe::query)
}

pub(crate) fn key_seeds() -> Vec<Vec<u8>> {
    lines(&["order-17", "\"order-17\"", "\"", "a b"])
}

pub(crate) fn idempotency_key(bytes: &[u8]) -> bool {
    let Some(key) = probe::idempotency_key(bytes) else { return false };
    assert!((1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let quoted = format!("\"{key}\"");
    assert_eq!(probe::idempotency_key(quoted.as_bytes()).as_ref(), Some(&key));
    assert_eq!(probe::idempotency_key(key.as_bytes()), Some(key));
    true
}

pub(crate) fn traceparent(bytes: &[u8]) -> bool {
    if !probe::traceparent(bytes) {
        return false;
    }
    let plain = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    assert!((55..=256).contains(&bytes.len()) && bytes[..55].iter().all(plain));
    true
}

/// Lines of the header, in the order in which they come.
pub(crate) fn forwarded_for(bytes: &[u8]) -> bool {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let Some(caller) = probe::caller(&lines) else { return false };
    let proxy = |address: &IpAddr| matches!(address, IpAddr::V4(it) if it.octets()[0] == 10);
    // Who wrote an entry is known as long as all behind it were proxies.
    let mut expected = IpAddr::from([10, 0, 0, 1]);
    for entry in bytes.rsplit(|byte| matches!(byte, b'\n' | b',')) {
        if !proxy(&expected) {
            break;
        }
        let text = std::str::from_utf8(entry).ok();
        let Some(address) = text.and_then(|it| it.trim().parse::<IpAddr>().ok()) else { break };
        expected = address.to_canonical();
    }
    // A line is read as a whole or not at all: then whoever is before it is not believed.
    let readable =
        lines.iter().all(|line| line.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
    assert!(caller == expected || !readable && proxy(&caller), "{caller}, not {expected}");
    !proxy(&caller)
}

pub(crate) fn seen(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let seen = Seen::parse(3, text);
    assert_eq!(Seen::parse(3, &seen.to_string()), seen);
    assert!(Seen::parse(4, &seen.to_string()).is_empty());
    !seen.is_empty()
}

pub(crate) fn kafka_url(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(url) = text.parse::<KafkaUrl>() else { return false };
    let control = |shown: &str| shown.chars().any(|char| char.is_control() || char == ' ');
    assert!(!control(text), "librdkafka is told {url:?}");
    true
}

pub(crate) fn key_file(bytes: &[u8]) -> bool {
    let ring = KeyRing::read(bytes, None);
    if let Ok(ring) = &ring {
        assert!(ring.check_follows(ring).is_ok());
        assert!(Tickets::read(bytes, None).is_ok_and(|tickets| tickets.knows(ring.issuing().0)));
    }
    let webhook = parse_webhook(bytes);
    assert!(webhook.as_ref().is_ok_and(|secrets| !secrets.is_empty()) || webhook.is_err());
    let signing = SigningKeys::from_bytes(bytes);
    if let Ok(signing) = &signing {
        assert!(!signing.keys().is_empty());
    }
    // A key that is none after all is a fault, not a panic.
    drop(TokenKeys::read(bytes, None));
    ring.is_ok() || webhook.is_ok() || signing.is_ok()
}

pub(crate) fn secret_source(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(source) = text.parse::<SecretSource>() else { return false };
    assert_eq!(source.to_string().parse::<SecretSource>().as_ref(), Ok(&source));
    true
}

pub(crate) fn duration(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(duration) = parse_duration(text) else { return false };
    assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    true
}
