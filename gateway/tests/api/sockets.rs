//! Bytes on a socket: what no well-behaved client sends.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Ask;
use crate::world::{Setup, World};

/// Only a broken program takes longer.
const DEADLINE: Duration = Duration::from_secs(40);

/// Sends the bytes and reads until the gateway hangs up.
async fn exchange(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    // The gateway may answer and hang up before all is sent.
    let sent = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
    let read = read.expect("the gateway hangs up");
    assert!(sent.is_ok() || read.is_ok() || !answer.is_empty());
    String::from_utf8(answer).unwrap()
}

#[track_caller]
fn check(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let answer = answer.to_lowercase();
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("x-request-id: "), "{answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
}

fn get_with(headers: &str) -> Vec<u8> {
    format!("GET /v1/deals HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}

#[tokio::test]
async fn too_many_and_too_large_headers_are_refused() {
    let world = World::usual().await;
    // There are two without these.
    let with = |more: u32| {
        get_with(&(0..more).map(|number| format!("x-{number}: 1\r\n")).collect::<String>())
    };
    for too_many in [63, 120] {
        check(&exchange(&world, &with(too_many)).await, 431, "headers-too-large");
    }
    assert!(exchange(&world, &with(62)).await.starts_with("HTTP/1.1 200 "));
    let large = format!("x-large: {}\r\n", "a".repeat(40_000));
    check(&exchange(&world, &get_with(&large)).await, 431, "headers-too-large");
    let fitting = format!("x-large: {}\r\n", "a".repeat(30_000));
    assert!(exchange(&world, &get_with(&fitting)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let world = World::usual().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/deals HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
    ] {
        check(&exchange(&world, bytes).await, 400, "malformed");
    }
}

#[tokio::test]
async fn a_slow_head_is_answered_and_ended() {
    let world = World::usual().await;
    let answer = exchange(&world, b"GET /v1/deals HTTP/1.1\r\nhost: x\r\n").await;
    check(&answer, 408, "request-timeout");
}

#[tokio::test]
async fn a_slow_body_is_answered_and_ended() {
    let world = World::usual().await;
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 10\r\n\r\n{";
    check(&exchange(&world, head.as_bytes()).await, 408, "request-timeout");
}

#[tokio::test]
async fn a_chunked_body_is_a_body_with_the_same_limit() {
    let world = World::usual().await;
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let small = format!("{head}8\r\n{{\"email\"\r\n2\r\n:1\r\n1\r\n}}\r\n0\r\n\r\n");
    let answer = exchange(&world, small.as_bytes()).await;
    check(&answer, 400, "malformed");
    assert!(answer.contains("/email"), "{answer}");
    let chunk = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
    let large = format!("{head}{}0\r\n\r\n", chunk.repeat(5));
    check(&exchange(&world, large.as_bytes()).await, 413, "body-too-large");
}

#[tokio::test]
async fn an_encoded_body_is_refused_before_it_is_read() {
    let world = World::usual().await;
    let ask = Ask::post("/v1/sessions").raw("{}").header("content-encoding", "gzip");
    let problem = ask.send(world.address).await.problem();
    assert_eq!(problem.code.as_str(), "unsupported-media-type");
    assert_eq!(problem.errors.unwrap()[0].pointer, "Content-Encoding");
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let world = World::usual().await;
    let one = "GET /v1/deals HTTP/1.1\r\nhost: x\r\n\r\n";
    let two = "GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    let last = "GET /v1/deals HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(&world, format!("{one}{two}{last}").as_bytes()).await;
    let statuses: Vec<&str> =
        answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "404", "200"]);
}

#[tokio::test]
async fn methods_and_origins_are_told() {
    let origin = "https://shop.example";
    let setup = Setup { cors_origins: vec![origin.into()], ..Setup::default() };
    let world = World::start(setup).await;
    let told = Ask::new("DELETE", "/v1/orders").send(world.address).await;
    assert_eq!((told.code(), told.header("allow")), ("method-not-allowed", "GET, HEAD, OPTIONS"));
    let told = Ask::new("OPTIONS", "/v1/purchases").send(world.address).await;
    assert_eq!((told.status.as_u16(), told.header("allow")), (204, "POST, OPTIONS"));
    let preflight = Ask::new("OPTIONS", "/v1/purchases")
        .header("access-control-request-method", "POST")
        .header("origin", origin);
    let told = preflight.clone().send(world.address).await;
    assert_eq!(told.header("access-control-allow-origin"), origin);
    assert_eq!(told.header("access-control-allow-methods"), "POST, OPTIONS");
    assert!(told.header("access-control-allow-headers").contains("idempotency-key"));
    let told = preflight.without("origin").header("origin", "https://evil.example");
    let told = told.send(world.address).await;
    assert!(!told.headers.contains_key("access-control-allow-origin"));
    let told = Ask::get("/v1/deals").header("origin", origin).send(world.address).await;
    assert_eq!(told.header("access-control-allow-origin"), origin);
    assert_eq!(told.header("vary"), "Origin");
    assert_eq!(Ask::get("/v1/nothing").send(world.address).await.code(), "not-found");
    let told = Ask::get("/v1/deals").header("x-request-id", "mine-1").send(world.address).await;
    assert_eq!(told.header("x-request-id"), "mine-1");
    let told = Ask::get("/v1/deals").header("x-request-id", "no good").send(world.address).await;
    assert_ne!(told.header("x-request-id"), "no good");
}
