//! Deadlines of a connection, on a clock that runs only while nothing else does, and its writes.

use std::io::IoSlice;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::{HEAD_TIMEOUT, IDLE_TIMEOUT, JOINED_BYTES_MAX, Stage, WRITE_TIMEOUT, Wire};
use crate::retry::Dice;

/// The gateway's end of a connection, and the client's.
async fn connect(stage: &Stage) -> (Wire, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let dice = std::sync::Arc::new(Dice::new(1));
    (Wire::new(accepted.unwrap().0, stage.clone(), dice), client.unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_over_after_its_time_and_nobody_is_told() {
    let (mut wire, mut client) = connect(&Stage::default()).await;
    let start = Instant::now();
    assert_eq!(wire.read(&mut [0; 64]).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), IDLE_TIMEOUT.as_secs());
    drop(wire);
    assert_eq!(client.read(&mut [0; 64]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_head_begins_with_its_first_byte_and_no_other_byte_prolongs_it() {
    let (mut wire, mut client) = connect(&Stage::default()).await;
    client.write_all(b"G").await.unwrap();
    assert_eq!(wire.read(&mut [0; 64]).await.unwrap(), 1);
    let start = Instant::now();
    let fault = loop {
        match tokio::time::timeout(Duration::from_secs(1), wire.read(&mut [0; 64])).await {
            Ok(read) => {
                let Err(fault) = read else { continue };
                break fault;
            }
            Err(_) => client.write_all(b"E").await.unwrap(),
        }
    };
    assert_eq!(fault.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
    let mut told = [0; 12];
    client.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 408");
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_has_no_deadline_and_the_next_head_has_one_of_its_own() {
    let stage = Stage::default();
    let (mut wire, mut client) = connect(&stage).await;
    client.write_all(b"G").await.unwrap();
    assert_eq!(wire.read(&mut [0; 64]).await.unwrap(), 1);
    stage.begin();
    let long = 3 * IDLE_TIMEOUT;
    let waited = tokio::time::timeout(long, wire.read(&mut [0; 64])).await;
    assert!(waited.is_err(), "it is not read from, and not ended");
    stage.finish();
    let start = Instant::now();
    assert_eq!(wire.read(&mut [0; 64]).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), IDLE_TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn each_deadline_counts_from_its_own_beginning_whatever_came_before() {
    let stage = Stage::default();
    let (mut wire, mut client) = connect(&stage).await;
    for _ in 0..3 {
        let most = IDLE_TIMEOUT - Duration::from_secs(1);
        assert!(tokio::time::timeout(most, wire.read(&mut [0; 64])).await.is_err());
        client.write_all(b"G").await.unwrap();
        assert_eq!(wire.read(&mut [0; 64]).await.unwrap(), 1);
        let most = HEAD_TIMEOUT - Duration::from_secs(1);
        assert!(tokio::time::timeout(most, wire.read(&mut [0; 64])).await.is_err());
        stage.begin();
        assert!(tokio::time::timeout(HEAD_TIMEOUT, wire.read(&mut [0; 64])).await.is_err());
        stage.finish();
    }
    let start = Instant::now();
    assert_eq!(wire.read(&mut [0; 64]).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), IDLE_TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn whoever_calls_now_and_then_is_not_idle_however_fast_the_answers_are() {
    let stage = Stage::default();
    let (mut wire, mut client) = connect(&stage).await;
    for _ in 0..3 {
        let most = IDLE_TIMEOUT * 2 / 3;
        assert!(tokio::time::timeout(most, wire.read(&mut [0; 64])).await.is_err());
        client.write_all(b"G").await.unwrap();
        assert_eq!(wire.read(&mut [0; 64]).await.unwrap(), 1);
        stage.begin();
        stage.finish();
    }
}

#[tokio::test]
async fn pieces_arrive_in_order_whether_they_are_joined_or_not() {
    for bytes in [0, 1, JOINED_BYTES_MAX - 3, JOINED_BYTES_MAX - 2, 64 << 10] {
        let stage = Stage::default();
        let (mut wire, mut client) = connect(&stage).await;
        stage.begin();
        let body: Vec<u8> = (0..=u8::MAX).cycle().take(bytes).collect();
        let pieces = [IoSlice::new(b"he"), IoSlice::new(b"ad"), IoSlice::new(&body)];
        let written = wire.write_vectored(&pieces).await.unwrap();
        drop(wire);
        let mut told = Vec::new();
        client.read_to_end(&mut told).await.unwrap();
        let whole = [&b"head"[..], &body].concat();
        assert_eq!(told, whole[..written], "{bytes}");
        assert!(written == whole.len() || bytes > JOINED_BYTES_MAX, "{bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_none_of_an_answer_is_hung_up_on() {
    let stage = Stage::default();
    let (mut wire, _client) = connect(&stage).await;
    stage.begin();
    let start = Instant::now();
    let fault = wire.write_all(&vec![0; 64 << 20]).await.unwrap_err();
    assert_eq!(fault.kind(), std::io::ErrorKind::TimedOut);
    assert!(start.elapsed() >= WRITE_TIMEOUT);
}
