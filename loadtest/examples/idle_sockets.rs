//! Holds so many connections open that say nothing, or half a head, and asks for the deals every
//! second meanwhile: prints how long the slowest of those answers took, how the gateway ended the
//! others, and, given the service's process id, its memory per connection.
//!
//! `idle_sockets URL CONNECTIONS [PID]`, against a service on this machine only. Both need a limit
//! of open files above CONNECTIONS (`ulimit -n`).
#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The gateway's own limits are 10 s for a head and 60 s for idleness.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longest that an honest client may wait beside them.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, connections, pid @ ..] = &arguments[..] else {
        println!("usage: idle_sockets URL CONNECTIONS [PID]");
        return;
    };
    let service: SocketAddr =
        url.trim_start_matches("http://").trim_end_matches('/').parse().expect("http://IP:PORT");
    assert!(service.ip().is_loopback(), "only a service on this machine");
    let connections: usize = connections.parse().expect("CONNECTIONS is a number");
    let before = pid.first().map(|pid| memory_kib(pid));
    let mut waiting = JoinSet::new();
    for number in 0..connections {
        let mut stream = TcpStream::connect(service).await.expect("the service accepts");
        if number % 2 == 1 {
            stream.write_all(b"GET /v1/deals HTTP/1.1\r\n").await.expect("the service reads");
        }
        waiting.spawn(wait_for_end(stream));
    }
    println!("{connections} connections stand there");
    if let (Some(before), Some(pid)) = (before, pid.first()) {
        let grown = memory_kib(pid).saturating_sub(before);
        let each = grown * 1_024 / u64::try_from(connections.max(1)).expect("a count");
        println!("memory: {grown} KiB more, {each} bytes a connection");
    }
    let mut slowest = Duration::ZERO;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let (mut silent, mut told, mut left) = (0, 0, 0);
    while !waiting.is_empty() {
        tokio::select! {
            _ = seconds.tick() => slowest = slowest.max(ask(service).await),
            ended = waiting.join_next() => match ended.expect("some wait").expect("none panics") {
                Ended::Silently => silent += 1,
                Ended::Told => told += 1,
                Ended::NotAtAll => left += 1,
            },
        }
    }
    println!("ended silently {silent}, with 408 {told}, not at all {left}");
    println!("the slowest answer meanwhile took {slowest:?}");
    assert!(left == 0 && slowest < ANSWERED_WITHIN, "a bound does not hold");
}

/// How the gateway ended a connection.
enum Ended {
    Silently,
    Told,
    NotAtAll,
}

async fn wait_for_end(mut stream: TcpStream) -> Ended {
    let mut said = Vec::new();
    match tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await {
        Ok(_) if said.starts_with(b"HTTP/1.1 408 ") => Ended::Told,
        Ok(_) if said.is_empty() => Ended::Silently,
        Ok(_) | Err(_) => Ended::NotAtAll,
    }
}

/// How long an honest client waits for the deals.
async fn ask(service: SocketAddr) -> Duration {
    let start = Instant::now();
    let mut stream = TcpStream::connect(service).await.expect("the service accepts");
    let request = format!("GET /v1/deals HTTP/1.1\r\nHost: {service}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the service reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the service answers");
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    start.elapsed()
}

/// Resident memory of a process.
fn memory_kib(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process id");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number of KiB")
}
