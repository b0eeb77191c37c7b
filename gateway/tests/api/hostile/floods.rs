//! More connections, and slower ones, than anybody needs. The clocks here are the gateway's own and
//! the system's: what is tested is that a slow client is ended by them, whatever it still sends.

use std::fs;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::raw::{DEADLINE, hear};
use crate::client::Ask;
use crate::world::World;

/// Connections that only stand there. The example `idle_sockets` of `loadtest` opens 10,000.
const IDLE: usize = 2_000;
/// Memory that they may take all together, client's side and other tests included.
const IDLE_BYTES_MAX: u64 = 128 << 20;

const HEAD: &str = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

/// Sends one byte after the other, ten a second, for as long as it is let; then hears the answer.
async fn drip(world: &World, begin: &str, byte: u8) -> Vec<u16> {
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    writer.write_all(begin.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        while writer.write_all(&[byte]).await.is_ok() {
            ticks.tick().await;
        }
    });
    let mut said = Vec::new();
    let read = tokio::time::timeout(DEADLINE, reader.read_to_end(&mut said)).await;
    let _whole_or_reset = read.expect("a client that drips is hung up on");
    dripping.abort();
    let said = String::from_utf8(said).unwrap();
    said.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

#[tokio::test]
async fn a_client_that_drips_is_ended_as_if_it_had_sent_nothing_more() {
    let world = World::usual().await;
    let body = format!("{HEAD}content-length: 60000\r\n\r\n");
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
    let extension = format!("{chunked}1;");
    let first = "GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/deals HTTP/1.1\r\nx: ";
    let ended = tokio::join!(
        drip(&world, "", b'G'),
        drip(&world, "GET /", b'a'),
        drip(&world, "GET /v1/deals HTTP/1.1\r\nhost: x\r\nx: ", b'a'),
        drip(&world, first, b'a'),
        drip(&world, &body, b' '),
        drip(&world, &chunked, b'0'),
        drip(&world, &extension, b'x'),
    );
    assert_eq!((ended.0, ended.1, ended.2), (vec![408], vec![408], vec![408]));
    assert_eq!(ended.3, [404, 408]);
    assert_eq!((ended.4, ended.6), (vec![408], vec![408]));
    // A size that goes on is too large before it is too slow.
    assert!(ended.5 == [408] || ended.5 == [400], "{:?}", ended.5);
    assert_eq!(Ask::get("/v1/deals").send(world.address).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_crowd_of_slow_clients_keeps_nobody_from_buying() {
    let world = World::usual().await;
    let deal = world.announce("lamp", serde_json::json!({ "stock": 1_000 })).await;
    let mut slow = Vec::new();
    for number in 0..300 {
        let begin = match number % 3 {
            0 => "GET /v1/deals HTTP/1.1\r\nhost: x\r\n".to_owned(),
            1 => format!("{HEAD}content-length: 10\r\n\r\n{{"),
            _ => format!("{HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{{"),
        };
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    for number in 0..20 {
        let ask = world.buy(&world.shopper(), &format!("k{number}"), &deal).query("wait=20");
        assert_eq!(ask.send(world.address).await.status.as_u16(), 200);
    }
    for stream in slow {
        let answers = hear(stream).await;
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].status, 408, "{answers:?}");
    }
}

#[tokio::test]
async fn idle_connections_cost_little_and_keep_nobody_out() {
    let world = World::usual().await;
    let before = resident_bytes();
    let count = IDLE.min(files_max().saturating_sub(400) / 2);
    assert!(count >= 200, "the limit of open files is too low to say anything");
    let mut idle = Vec::with_capacity(count);
    for number in 0..count {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        // Half of them have been served once.
        if number % 2 == 1 {
            stream.write_all(b"GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"}") {
                assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
            }
        }
        idle.push(stream);
    }
    assert_eq!(Ask::get("/v1/deals").send(world.address).await.status.as_u16(), 200);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < IDLE_BYTES_MAX, "{count} idle connections take {grown} bytes");
    // Every one of them can still be used.
    for mut stream in idle {
        stream.write_all(b"GET /v1/nothing HTTP/1.0\r\nhost: x\r\n\r\n").await.unwrap();
        assert_eq!(hear(stream).await.last().unwrap().status, 404);
    }
}

#[tokio::test]
async fn half_of_a_connection_is_no_connection() {
    let world = World::usual().await;
    let beginnings = [
        String::new(),
        "G".to_owned(),
        "GET /v1/deals HTTP/1.1\r\nhost: x\r\n".to_owned(),
        format!("{HEAD}content-length: 10\r\n\r\n{{"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{{"),
        "GET /v1/deals HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
    ];
    for begin in beginnings {
        let mut half_closed = Vec::new();
        for _ in 0..50 {
            let mut stream = TcpStream::connect(world.address).await.unwrap();
            stream.write_all(begin.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            half_closed.push(stream);
            // And one that goes away with what was sent to it unread.
            let mut gone = TcpStream::connect(world.address).await.unwrap();
            gone.write_all(begin.as_bytes()).await.unwrap();
            drop(gone);
        }
        for stream in half_closed {
            // Each is ended; whether one is answered that asked in full is a race it may lose.
            let answers = hear(stream).await;
            assert!(answers.iter().all(|answer| answer.status < 500), "{begin}: {answers:?}");
        }
    }
    assert_eq!(Ask::get("/v1/deals").send(world.address).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_client_that_never_reads_is_not_answered_without_end() {
    let world = World::usual().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    // The gateway stops reading once it cannot write, so that not all of this is taken.
    let writing = async {
        for _ in 0..1_000 {
            if stream.write_all(&request).await.is_err() {
                return;
            }
        }
    };
    let outcome = tokio::time::timeout(DEADLINE + DEADLINE, writing).await;
    assert!(outcome.is_ok(), "it is hung up on after 30 s in which it took nothing");
    assert_eq!(Ask::get("/v1/deals").send(world.address).await.status.as_u16(), 200);
}

/// How many files this process may have open; few, where the system does not say.
fn files_max() -> usize {
    let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(1_024)
}

fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).map_or(0, |it| it * 4_096)
}
