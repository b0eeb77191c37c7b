//! Bodies that are small to send and large, deep or ambiguous to read.

use schemas::http::Deal;
use serde_json::json;

use super::raw::{statuses, tell};
use crate::bad_input::check;
use crate::client::Ask;
use crate::samples::Stage;
use crate::world::World;

/// 1 GiB of zeros would come of its like; nobody must ever begin to unpack it.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0";

#[tokio::test]
async fn an_encoded_body_is_refused_wherever_a_body_is_taken() {
    let world = World::usual().await;
    let stage = Stage::build(&world).await;
    let refused = ("unsupported-media-type", Some("Content-Encoding"));
    for path in [
        "/v1/purchases",
        "/v1/orders/{order_id}/cancellation",
        "/v1/webhooks/payments",
        "/v1/accounts",
        "/v1/sessions",
        "/v1/admin/deals/{deal_id}/stock-adjustments",
        "/v1/admin/deals/{deal_id}/schedule",
        "/v1/admin/deals/{deal_id}/pause",
    ] {
        for coding in ["gzip", "br", "deflate", "zstd", "GZIP", "identity", "gzip, gzip", "x", ""] {
            let ask = stage.ask("POST", path).raw(GZIP).header("content-encoding", coding);
            check(&world, ask, refused).await;
        }
    }
}

#[tokio::test]
async fn a_bomb_that_never_ends_is_cut_off_at_the_limit() {
    let world = World::usual().await;
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let endless = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x1_0000));
    let endless = endless + &chunk.repeat(200);
    assert_eq!(statuses(&world, endless.as_bytes()).await, [413]);
    let declared = format!("{head}content-length: 1000000000\r\n\r\n");
    let declared = declared + &" ".repeat(10_000_000);
    assert_eq!(statuses(&world, declared.as_bytes()).await, [413]);
    // One byte a chunk is 6 bytes on the wire for each that is kept.
    let tiny = format!("{head}transfer-encoding: chunked\r\n\r\n{}", "1\r\n \r\n".repeat(70_000));
    assert_eq!(statuses(&world, tiny.as_bytes()).await, [413]);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let world = World::usual().await;
    for (length, status) in [(65_536, 400), (65_537, 413)] {
        let body = "x".repeat(length);
        let bytes = format!(
            "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let answers = tell(world.address, bytes.as_bytes()).await;
        assert_eq!(answers[0].status, status, "{length}");
    }
}

/// Purchases of what is no number, too long a number, or far too deep.
fn bad_quantities(id: &str) -> Vec<Vec<u8>> {
    let quantity = |number: &str| format!(r#"{{"deal_id":"{id}","quantity":{number}}}"#);
    let mut bodies: Vec<Vec<u8>> = [
        "1e400",
        "-1e400",
        "1e-400",
        "1.0",
        "1E0",
        "01",
        "+1",
        ".1",
        "1.",
        "0x1",
        "NaN",
        "Infinity",
        "-",
        "--1",
        "1_0",
        "1,",
        "true",
        "\"1\"",
        "[1]",
        "{}",
        "null",
        "18446744073709551616",
    ]
    .map(|number| quantity(number).into_bytes())
    .into();
    bodies.push(quantity(&"9".repeat(60_000)).into_bytes());
    bodies.push(quantity(&format!("1e{}", "9".repeat(60_000))).into_bytes());
    bodies.push(quantity(&format!("0.{}", "1".repeat(60_000))).into_bytes());
    for depth in [200, 60_000] {
        let (open, close) = ("[".repeat(depth / 2), "]".repeat(depth / 2));
        bodies.push(quantity(&format!("{open}{close}")).into_bytes());
        bodies.push(format!("{open}{close}").into_bytes());
        bodies.push(r#"{"a":"#.repeat(depth / 5).into_bytes());
        bodies.push(format!(r#"{{"deal_id":{open}"#).into_bytes());
        bodies.push(format!(r#"{{"x":{open}{close},"deal_id":"{id}"}}"#).into_bytes());
    }
    bodies
}

/// Bodies of a purchase that are no JSON, or JSON that could be read in two ways.
fn malformed(id: &str) -> Vec<Vec<u8>> {
    let good = format!(r#"{{"deal_id":"{id}","quantity":1}}"#);
    let mut bodies = bad_quantities(id);
    bodies.extend([
        format!(r#"{{"quantity":1,{}"#, &good[1..]).into_bytes(),
        format!(r#"{{"quant\u0069ty":2,{}"#, &good[1..]).into_bytes(),
        format!(r#"{{"__proto__":{{}},{}"#, &good[1..]).into_bytes(),
        format!(r#"{{"":1,{}"#, &good[1..]).into_bytes(),
        format!("{{{}\"z\":1}}", r#""k":1,"#.repeat(9_000)).into_bytes(),
        [b"\xef\xbb\xbf", good.as_bytes()].concat(),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        good.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        [good.as_bytes(), b"\x00"].concat(),
        [good.as_bytes(), good.as_bytes()].concat(),
        [good.as_bytes(), b" x"].concat(),
        good.replace('"', "'").into_bytes(),
        good.replace('}', ",}").into_bytes(),
        format!("/* */{good}").into_bytes(),
        format!("{good}//").into_bytes(),
        good.replace(':', "=").into_bytes(),
        good[..good.len() - 1].to_owned().into_bytes(),
    ]);
    let references: [&[u8]; 12] = [
        br"\ud800",
        br"\udc00",
        br"\ud800\ud800",
        br"\uD83D",
        br"\u",
        br"\x41",
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"a\nb",
        b"a\x00b",
    ];
    for reference in references {
        let field = [br#"{"client_reference":""#, reference, br#"","#, &good.as_bytes()[1..]];
        bodies.push(field.concat());
    }
    bodies
}

#[tokio::test]
async fn what_is_no_json_or_two_things_at_once_is_malformed() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({ "stock": 1_000 })).await;
    let good = world.buy(&world.shopper(), "k", &deal);
    for body in malformed(&deal.deal_id.to_string()) {
        let before = world.appended().await;
        let shown = super::raw::shown(&body);
        let told = good.clone().raw(body).send(world.address).await;
        assert_eq!((told.status.as_u16(), told.code()), (400, "malformed"), "{shown}");
        assert!(told.body.len() < 4_096, "{shown}: it is answered at length");
        assert_eq!(world.appended().await, before, "{shown}");
    }
    // Escapes, white space and order of fields are the client's own affair.
    let odd = format!("\r\n\t {{ \"quant\\u0069ty\" :1 ,\"deal_id\":\"{}\" }} \n", deal.deal_id);
    assert_eq!(good.raw(odd).send(world.address).await.status.as_u16(), 202);
}

#[tokio::test]
async fn what_is_declared_as_something_else_than_json_is_not_read() {
    let world = World::usual().await;
    let refused = ("unsupported-media-type", Some("Content-Type"));
    for declared in [
        "",
        "json",
        "application/json5",
        "application/jsonx",
        "application/json, text/html",
        "text/json",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application /json",
        "\"application/json\"",
        ";",
    ] {
        let ask = Ask::post("/v1/sessions").raw("{}").without("content-type");
        check(&world, ask.header("content-type", declared), refused).await;
    }
    let twice = Ask::post("/v1/sessions").raw("{}").header("content-type", "application/json");
    check(&world, twice, refused).await;
}
