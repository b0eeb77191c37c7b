//! Headers full of nonsense, on every operation that there is.

use http::HeaderValue;

use super::raw::statuses;
use crate::bad_input::check;
use crate::client::Ask;
use crate::samples::Stage;
use crate::world::World;

/// Headers that somebody in here looks at.
const LOOKED_AT: [&str; 18] = [
    "accept",
    "access-control-request-method",
    "authorization",
    "content-encoding",
    "content-type",
    "expect",
    "idempotency-key",
    "if-none-match",
    "last-event-id",
    "origin",
    "range",
    "te",
    "timedeal-seen",
    "timedeal-signature",
    "traceparent",
    "upgrade",
    "x-forwarded-for",
    "x-request-id",
];

/// Those that decide whether the others are looked at.
const FIRST: [&str; 6] = [
    "authorization",
    "content-encoding",
    "content-type",
    "idempotency-key",
    "timedeal-seen",
    "timedeal-signature",
];

/// Values that are wrong for any of them.
fn nonsense() -> Vec<Vec<u8>> {
    let long = |text: &str| text.repeat(12_000 / text.len()).into_bytes();
    let mut values: Vec<Vec<u8>> = [
        "",
        " ",
        ",",
        ";",
        "\"",
        "\"\"",
        "\\",
        "*",
        "%00",
        "-1",
        "0",
        "null",
        "true",
        "{}",
        "[]",
        "Bearer",
        "Bearer ",
        "Bearer  x",
        "W/",
        "W/\"",
        ".last",
        "chunked",
        "100-continue",
        "9999999999999999999999",
        "t=,v1=",
        "t=1,t=2,v1=",
        "3.0:",
        "3.:1",
        "3.0:-1",
        "a b",
        "\t",
        "../../etc/passwd",
        "${jndi:ldap://x}",
        "' or 1=1 --",
        "<script>",
        "::1, 10.0.0.1",
        "1e309",
        "00-0-0-00",
        "h2c",
        "bytes=0-",
        "http://x\u{7f}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    values.extend(["a", ",", "\"", "W/", "3.0:1,", "v1=00,", "1.1.1.1,", "{", "é"].map(long));
    values.extend([b"\xff".to_vec(), b"\x80abc".to_vec(), b"\xc3\xa9".to_vec(), vec![0xfe; 9_000]]);
    // What no header may hold does not leave a client; the raw attacks send it.
    values.retain(|value| HeaderValue::from_bytes(value).is_ok());
    values
}

#[tokio::test]
async fn no_header_makes_any_operation_fail() {
    let world = World::usual().await;
    let stage = Stage::build(&world).await;
    let document = gateway::openapi_document();
    for (path, item) in document["paths"].as_object().unwrap() {
        // Streams do not end; what they are sent is tried where they are read.
        if path.ends_with("/stream") {
            continue;
        }
        for method in item.as_object().unwrap().keys() {
            let sample = stage.ask(&method.to_uppercase(), path);
            for value in nonsense() {
                // All at once, and then those alone that would hide what the others do.
                let all = LOOKED_AT
                    .iter()
                    .fold(sample.clone(), |ask, name| ask.without(name).header(name, &value));
                let rest = LOOKED_AT.iter().filter(|name| !FIRST.contains(name));
                let rest =
                    rest.fold(sample.clone(), |ask, name| ask.without(name).header(name, &value));
                // Who signs in is answered after a password was hashed: slow, on purpose.
                let hashes = path == "/v1/accounts" || path == "/v1/sessions";
                for ask in [all, rest].into_iter().take(if hashes { 1 } else { 2 }) {
                    let told = ask.send(world.address).await;
                    let shown = format!("{method} {path}: {}", value.escape_ascii());
                    assert!(told.status.as_u16() < 500, "{shown}: {told:?}");
                    if told.status.as_u16() >= 400 {
                        told.problem();
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn one_header_and_many_are_bounded_together() {
    let world = World::usual().await;
    let get = |headers: &str| {
        format!("GET /v1/deals HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")
    };
    let long_name = format!("{}: y\r\n", "x".repeat(40_000));
    let long_value = format!("x: {}\r\n", "y".repeat(1_000_000));
    let many = "x: y\r\n".repeat(100_000);
    let wide: String = (0..60).map(|it| format!("x-{it}: {}\r\n", "y".repeat(600))).collect();
    let empty = "x:\r\n".repeat(63);
    for headers in [&long_name, &long_value, &many, &wide, &empty] {
        let found = statuses(&world, get(headers).as_bytes()).await;
        assert_eq!(found, [431], "{} bytes", headers.len());
    }
    let most = "x:\r\n".repeat(62);
    assert_eq!(statuses(&world, get(&most).as_bytes()).await, [200]);
    // A name of 64 KiB or more is no name to hyper, but it never gets that far.
    let endless = format!("GET /v1/deals HTTP/1.1\r\nhost: x\r\n{}", "x".repeat(3_000_000));
    assert_eq!(statuses(&world, endless.as_bytes()).await, [431]);
}

#[tokio::test]
async fn a_huge_key_or_token_is_refused_as_such() {
    let world = World::usual().await;
    let stage = Stage::build(&world).await;
    let ask = || stage.ask("POST", "/v1/purchases");
    let invalid = ("idempotency-key-invalid", Some("Idempotency-Key"));
    for key in ["k".repeat(256), "k".repeat(25_000), format!("\"{}\"", "k".repeat(256))] {
        check(&world, ask().key(&key), invalid).await;
    }
    for token in ["x".repeat(25_000), "a.".repeat(4_000), ".".repeat(8_000)] {
        check(&world, ask().token(&token), ("unauthenticated", None)).await;
    }
}

#[tokio::test]
async fn a_client_that_claims_to_have_seen_the_future_waits_a_second_at_most() {
    let world = World::usual().await;
    let stage = Stage::build(&world).await;
    let path = format!("/v1/orders/{}", stage.order.order_id);
    let ask = Ask::get(path).token(&stage.shopper);
    for seen in ["4.0:99999999", "3.9999:99999999", "3.65535:1", "3.0:18446744073709551616"] {
        let told = ask.clone().header("timedeal-seen", seen).send(world.address).await;
        assert_eq!(told.status.as_u16(), 200, "{seen}");
    }
    let future = (0..400).map(|it| format!("3.{}:18446744073709551615", it % 2));
    let future: Vec<String> = future.collect();
    let told = ask.header("timedeal-seen", future.join(",")).send(world.address).await;
    assert_eq!((told.status.as_u16(), told.code()), (503, "view-behind"));
}
