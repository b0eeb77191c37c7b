//! Bytes in, answers out: a client that knows so much of HTTP that it can tell how often it was
//! answered, and nothing that would keep it from sending nonsense.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::World;

/// Only a broken program takes longer.
pub(super) const DEADLINE: Duration = Duration::from_secs(40);

/// One answer of several on a connection.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// In lower case.
    pub(super) head: String,
    pub(super) body: String,
}

/// Sends the bytes and reads until the gateway hangs up.
pub(super) async fn tell(address: SocketAddr, bytes: &[u8]) -> Vec<Answer> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut said = Vec::new();
    let exchange = async {
        let (mut reader, mut writer) = stream.split();
        // The gateway may answer and hang up before all is sent, and then either may fail.
        let (_sent, _read) = tokio::join!(writer.write_all(bytes), reader.read_to_end(&mut said));
    };
    let ended = tokio::time::timeout(DEADLINE, exchange).await;
    assert!(ended.is_ok(), "the gateway does not hang up on {}", shown(bytes));
    answers(&said)
}

/// Reads a connection to its end.
pub(super) async fn hear(mut stream: TcpStream) -> Vec<Answer> {
    let mut said = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut said)).await;
    let _whole_or_reset = ended.expect("the gateway hangs up");
    answers(&said)
}

/// The statuses of all answers to these bytes, after a look at what must hold for any.
pub(super) async fn statuses(world: &World, bytes: &[u8]) -> Vec<u16> {
    let before = world.appended().await;
    let answers = tell(world.address, bytes).await;
    for answer in &answers {
        assert!(answer.status < 500, "{}: {answer:?}", shown(bytes));
        if answer.status >= 400 {
            let problem = answer.head.contains("application/problem+json");
            assert!(problem && answer.body.starts_with('{'), "{}: {answer:?}", shown(bytes));
            assert!(answer.head.contains("x-request-id: "), "{answer:?}");
        }
    }
    assert_eq!(world.appended().await, before, "appended: {}", shown(bytes));
    answers.iter().map(|answer| answer.status).collect()
}

/// Cut to what a person reads.
pub(super) fn shown(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(600)];
    shown.escape_ascii().to_string()
}

fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let end = find(bytes, b"\r\n\r\n").unwrap_or_else(|| panic!("no head: {}", shown(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        bytes = &bytes[end + 4..];
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = take_body(&head, status, &mut bytes);
        let body = String::from_utf8_lossy(&body).into_owned();
        answers.push(Answer { status, head, body });
    }
    answers
}

fn take_body(head: &str, status: u16, bytes: &mut &[u8]) -> Vec<u8> {
    if matches!(status, 100..200 | 204 | 304) {
        return Vec::new();
    }
    if head.contains("transfer-encoding: chunked") {
        return take_chunks(bytes);
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(bytes.len(), |length| length.parse().unwrap());
    let (body, rest) = bytes.split_at(length);
    *bytes = rest;
    body.to_vec()
}

fn take_chunks(bytes: &mut &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = find(bytes, b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        *bytes = &bytes[end + 2..];
        body.extend_from_slice(&bytes[..size]);
        *bytes = &bytes[size + 2..];
        if size == 0 {
            return body;
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
