//! Requests whose end two readers could see in different places. Behind every one of them stands a
//! purchase that would be bought if this gateway saw the end too early.

use serde_json::json;

use super::raw::{shown, statuses, tell};
use crate::world::World;

/// A sign-in with this framing and this body.
fn post(framing: &str, body: &str) -> String {
    format!(
        "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         {framing}\r\n{body}"
    )
}

/// A whole purchase, good to be bought, after which the connection closes.
async fn purchase(world: &World) -> String {
    let deal = world.announce("lamp", json!({ "stock": 1_000 })).await;
    let (token, body) = (world.shopper(), json!({ "deal_id": deal.deal_id, "quantity": 1 }));
    let (body, length) = (body.to_string(), body.to_string().len());
    format!(
        "POST /v1/purchases HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: smuggled\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// What follows is a request of its own, and the last.
const NEXT: &str = "GET /v1/nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Each is answered once, with this status, and hung up on.
async fn check_refused(shapes: &[(&str, &str, u16)]) {
    let world = World::usual().await;
    let purchase = purchase(&world).await;
    for (framing, body, status) in shapes {
        let bytes = post(framing, body) + &purchase;
        let found = statuses(&world, bytes.as_bytes()).await;
        assert_eq!(found, [*status], "{}", shown(bytes.as_bytes()));
    }
    // The purchase would have been bought: it is so on its own.
    let answers = tell(world.address, purchase.as_bytes()).await;
    assert_eq!(answers[0].status, 202, "{answers:?}");
}

#[tokio::test]
async fn two_framings_of_one_body_are_read_as_chunked_and_hung_up_on() {
    check_refused(&[
        ("content-length: 6\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n", 400),
        ("transfer-encoding: chunked\r\ncontent-length: 4\r\n", "2\r\n{}\r\n0\r\n\r\n", 400),
        ("content-length: 0\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n", 400),
        ("content-length: 0\r\nTransfer-Encoding: CHUNKED\r\n", "0\r\n\r\n", 400),
        (
            "content-length: 5\r\ntransfer-encoding: chunked\r\ncontent-length: 7\r\n",
            "0\r\n\r\n",
            400,
        ),
    ])
    .await;
}

#[tokio::test]
async fn any_other_spelling_of_chunked_is_refused() {
    let spellings = [
        "transfer-encoding: xchunked",
        "transfer-encoding: chunkedx",
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: 'chunked'",
        "transfer-encoding: chunked;q=1",
        "transfer-encoding: identity",
        "transfer-encoding:",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: , chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: x",
        "transfer-encoding: x\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "x: y\r\n transfer-encoding: chunked",
        "x: y\r\n\ttransfer-encoding: chunked",
        "transfer-encoding:\r\n chunked",
        "\u{b}transfer-encoding: chunked",
        "transfer-encoding\u{b}: chunked",
        "transfer-encoding: chunked\u{0}",
    ];
    let lines: Vec<String> = spellings.iter().map(|line| format!("{line}\r\n")).collect();
    let mut shapes = Vec::new();
    for line in &lines {
        shapes.push((line.as_str(), "0\r\n\r\n", 400));
    }
    check_refused(&shapes).await;
}

#[tokio::test]
async fn a_length_is_one_number_of_nothing_but_digits() {
    let lengths = [
        "+2",
        "-2",
        "2 2",
        "2, 2",
        "2,2",
        "2,",
        "0x2",
        "2;x",
        "2.0",
        "1e1",
        "two",
        "",
        "\u{b}2",
        "99999999999999999999",
        "18446744073709551616",
        "2\r\ncontent-length: 3",
        "3\r\ncontent-length: 2",
        "\"2\"",
        "²",
    ];
    let lines: Vec<String> =
        lengths.iter().map(|length| format!("content-length: {length}\r\n")).collect();
    let mut shapes = vec![("content-length : 2\r\n", "{}", 400), ("content-length\r\n", "{}", 400)];
    for line in &lines {
        shapes.push((line.as_str(), "{}", 400));
    }
    shapes.push(("content-length: 18446744073709551615\r\n", "{}", 431));
    shapes.push(("content-length: 18446744073709551613\r\n", "{}", 413));
    shapes.push(("content-length: 9223372036854775807\r\n", "{}", 413));
    check_refused(&shapes).await;
}

#[tokio::test]
async fn chunks_that_are_none_end_the_connection() {
    let chunked = "transfer-encoding: chunked\r\n";
    let extension = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x=y;".repeat(5_000));
    let trailer = format!("0\r\nx: {}\r\n\r\n", "y".repeat(40_000));
    let trailers = format!("0\r\n{}\r\n", "x: y\r\n".repeat(2_000));
    let bodies = [
        "g\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "+2\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n",
        "2\n{}\n0\n\n",
        "2\r{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\r\n{}xx0\r\n\r\n",
        "2;a=\nb\r\n{}\r\n0\r\n\r\n",
        "10000000000000000\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff0\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}\r\n0\r\nx y\r\n\r\n",
        "2\r\n{}\r\n0\r\n: y\r\n\r\n",
        "2\r\n{}\r\n0\r\nx\u{0}: y\r\n\r\n",
        &extension,
        &trailer,
        &trailers,
    ];
    let endless = format!("ffffffffffffffff\r\n{}", " ".repeat(70_000));
    let mut shapes: Vec<_> = bodies.iter().map(|body| (chunked, *body, 400)).collect();
    shapes.push((chunked, &endless, 413));
    check_refused(&shapes).await;
}

#[tokio::test]
async fn heads_that_are_none_end_the_connection() {
    let world = World::usual().await;
    let purchase = purchase(&world).await;
    for (head, expect) in [
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\nx: a\u{0}b\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\nx\u{0}: b\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\nx: a\rb\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\n: b\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\nx y: b\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\n host: x\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\nx: a\r\n b\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nx: no host\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.1\r\nhost: x\r\nHOST: x\r\n\r\n", 400),
        (
            "POST /v1/sessions HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("GET /v1/deals\u{0} HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET /v1/deals\tHTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET /v1/deals HTTP/1.2\r\nhost: x\r\n\r\n", 400),
        ("GET /v1/deals HTTP/11\r\nhost: x\r\n\r\n", 400),
        ("GET /v1/deals http/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET /v1/deals\r\nhost: x\r\n\r\n", 400),
        ("G\u{0}T /v1/deals HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (" GET /v1/deals HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET v1/deals HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET http:// HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    ] {
        let bytes = head.to_owned() + &purchase;
        let found = statuses(&world, bytes.as_bytes()).await;
        assert_eq!(found, [expect], "{}", shown(bytes.as_bytes()));
    }
    // HTTP/2 without TLS is not spoken, and not answered in a language that its client knows.
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned() + &purchase;
    assert_eq!(statuses(&world, preface.as_bytes()).await, Vec::<u16>::new());
}

#[tokio::test]
async fn what_has_one_end_only_is_read_to_it_and_no_further() {
    let world = World::usual().await;
    let get = "GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    let framed = |body: &str| format!("content-length: {}\r\n", body.len());
    let chunked = "transfer-encoding: chunked\r\n";
    let in_a_chunk = format!("{:x}\r\n{get}\r\n0\r\n\r\n", get.len());
    let in_a_trailer = "2\r\n{}\r\n0\r\ncontent-length: 9\r\ntransfer-encoding: x\r\n\r\n";
    for (bytes, expect) in [
        (post(&framed(get), get), 400),
        (post(chunked, &in_a_chunk), 400),
        (post(chunked, in_a_trailer), 400),
        (post(chunked, "2;a=b;c=\"d\"\r\n{}\r\n0;e\r\n\r\n"), 400),
        (post(chunked, "0002\r\n{}\r\n000\r\n\r\n"), 400),
        (post("content-length: 2\r\ncontent-length: 2\r\n", "{}"), 400),
        (post("content-length: 002\r\n", "{}"), 400),
        // A body that no handler reads: the method is no operation, or the caller is nobody.
        (post(&framed(get), get).replacen("POST", "DELETE", 1), 405),
        (post(&framed(get), get).replacen("/v1/sessions", "/v1/purchases", 1), 401),
        (post(chunked, &in_a_chunk).replacen("/v1/sessions", "/v1/purchases", 1), 401),
        (post(&framed(get), get).replacen("POST /v1/sessions", "GET /v1/deals", 1), 200),
        // A name that only looks like a framing is none.
        (post(&format!("{}transfer_encoding: chunked\r\n", framed("{}")), "{}"), 400),
        ("GET http://other.example/v1/deals HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 200),
        ("GET http://other.example:99999/v1/deals HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 200),
        ("OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 404),
        ("CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 404),
        // Single line feeds end lines too (RFC 9112, 2.2); to us alone, for there is no proxy here.
        ("GET /v1/deals HTTP/1.1\nhost: x\n\n".to_owned(), 200),
    ] {
        let bytes = bytes + NEXT;
        let found = statuses(&world, bytes.as_bytes()).await;
        // Whoever left a body unread may hang up rather than read it, but never misread it.
        assert!(found == [expect, 404] || found == [expect], "{found:?}: {bytes}");
    }
}

#[tokio::test]
async fn an_older_client_is_hung_up_on_after_its_answer() {
    let world = World::usual().await;
    let bytes = "GET /v1/deals HTTP/1.0\r\n\r\n".to_owned() + NEXT;
    assert_eq!(statuses(&world, bytes.as_bytes()).await, [200]);
    let upgrade = "GET /v1/deals HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\n\
                   upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
    let bytes = upgrade.to_owned() + NEXT;
    assert_eq!(statuses(&world, bytes.as_bytes()).await, [200, 404]);
}

#[tokio::test]
async fn whoever_expects_leave_to_send_a_body_is_told_why_not() {
    let world = World::usual().await;
    let expect = "expect: 100-continue\r\ncontent-length: 2\r\n";
    let bytes = post(expect, "{}") + NEXT;
    assert_eq!(statuses(&world, bytes.as_bytes()).await, [100, 400, 404]);
    let nobody = post(expect, "").replacen("/v1/sessions", "/v1/purchases", 1);
    assert_eq!(statuses(&world, nobody.as_bytes()).await, [401]);
}
