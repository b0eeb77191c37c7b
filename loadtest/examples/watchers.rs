//! Measures the fan-out of one event: so many clients follow one deal's stream, the last unit is
//! sold, and each client notes when it hears "sold-out". Prints percentiles and, given the
//! service's process id, its memory per client.
//!
//! `watchers URL ADMIN_TOKEN SHOP_TOKEN CLIENTS [PID]`, against a service on this machine only.
#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use schemas::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;

/// Clients per source address: there are only so many ports.
const PER_SOURCE: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(60);
const OPEN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, admin, shop, clients, pid @ ..] = &arguments[..] else {
        println!("usage: watchers URL ADMIN_TOKEN SHOP_TOKEN CLIENTS [PID]");
        return;
    };
    let service: SocketAddr =
        url.trim_start_matches("http://").trim_end_matches('/').parse().expect("http://IP:PORT");
    assert!(service.ip().is_loopback(), "only a service on this machine");
    let clients: usize = clients.parse().expect("CLIENTS is a number");
    let deal_id = announce(service, admin).await;
    let before = pid.first().map(|pid| memory_kib(pid));
    let (heard, mut hears) = mpsc::channel(clients);
    for client in 0..clients {
        let source = Ipv4Addr::new(127, 0, 0, u8::try_from(1 + client / PER_SOURCE).expect("few"));
        let stream = follow(service, source, &deal_id).await;
        tokio::spawn(listen(stream, heard.clone()));
    }
    println!("{clients} clients follow the deal");
    if let (Some(before), Some(pid)) = (before, pid.first()) {
        let grown = memory_kib(pid).saturating_sub(before);
        let each = grown * 1_024 / u64::try_from(clients.max(1)).expect("a count");
        println!("memory: {grown} KiB more, {each} bytes a client");
    }
    let path = "/v1/purchases?wait=10";
    let purchase = format!(r#"{{"deal_id":"{deal_id}","quantity":1}}"#);
    let sold_at = Instant::now();
    let answer = call(service, "POST", path, shop, &purchase).await;
    assert!(answer.contains("confirmed"), "{answer}");
    let decided = sold_at.elapsed();
    let mut times = Vec::with_capacity(clients);
    while times.len() < clients {
        match tokio::time::timeout(PATIENCE, hears.recv()).await {
            Ok(Some(at)) => times.push(Instant::duration_since(&at, sold_at)),
            Ok(None) | Err(_) => break,
        }
    }
    times.sort_unstable();
    println!("the purchase was answered after {decided:?}");
    println!("{} of {clients} heard sold-out", times.len());
    for (name, share) in [("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)] {
        let at = (times.len() * share).div_ceil(100).saturating_sub(1);
        println!(
            "{name} {:?} after the purchase was sent",
            times.get(at).unwrap_or(&Duration::MAX)
        );
    }
}

/// A deal with one unit, open at once; answers its id.
async fn announce(service: SocketAddr, admin: &str) -> String {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let now = Timestamp::from_millis(i64::try_from(since.as_millis()).expect("not that far ahead"));
    let path = format!("/v1/admin/products/watched/deals/w{}?wait=10", since.as_secs());
    let body = format!(
        r#"{{"product":{{"name":"Watched","description":""}},"title":"One unit",
        "price":{{"amount":100,"currency":"EUR"}},"stock":1,"limit_per_customer":1,
        "opens_at":"{now}","closes_at":"{}","hold_seconds":0}}"#,
        now.plus(OPEN_FOR)
    );
    let answer = call(service, "PUT", &path, admin, &body).await;
    let (_, rest) = answer.split_once(r#""deal_id":""#).unwrap_or_else(|| panic!("{answer}"));
    rest[..36].to_owned()
}

async fn call(service: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(service).await.expect("the service is there");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {service}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Idempotency-Key: watchers\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("the service reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the service answers");
    answer
}

/// Opens a stream and waits for its first event.
async fn follow(service: SocketAddr, source: Ipv4Addr, deal_id: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((source, 0).into()).expect("a port");
    let mut stream = socket.connect(service).await.expect("the service is there");
    let request = format!("GET /v1/deals/{deal_id}/stream HTTP/1.1\r\nHost: {service}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the service reads");
    let mut seen = Vec::new();
    while !contains(&seen, b"data:") {
        let read = stream.read_buf(&mut seen).await.expect("the service answers");
        assert!(read > 0, "closed: {}", String::from_utf8_lossy(&seen));
    }
    stream
}

/// Waits for "sold-out" and says when it came.
async fn listen(mut stream: TcpStream, heard: mpsc::Sender<Instant>) {
    let mut seen = Vec::with_capacity(1_024);
    while !contains(&seen, b"sold-out") {
        match stream.read_buf(&mut seen).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    // Nobody counts any more if this fails.
    heard.send(Instant::now()).await.ok();
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Resident memory of a process, in KiB.
fn memory_kib(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process of ours");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says so");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number of KiB")
}
