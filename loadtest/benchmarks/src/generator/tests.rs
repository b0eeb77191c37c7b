//! The load against a server of a few lines.

use std::cell::RefCell;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Answer, Load, Pace, Verdict, Wire};

const SAID: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers every request of four bytes; the one that is "stop" by hanging up.
async fn answer(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut request = [0; 4];
            while stream.read_exact(&mut request).await.is_ok() && &request != b"stop" {
                stream.write_all(SAID.as_bytes()).await.unwrap();
            }
        });
    }
}

async fn drive(
    pace: Pace,
    request: &str,
    judge: &dyn Fn(u64, &Answer<'_>) -> Verdict,
) -> anyhow::Result<super::Tally> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(answer(listener));
    let write = |_: u64, out: &mut Vec<u8>| out.extend_from_slice(request.as_bytes());
    let wire = Wire::Http;
    Load { address, connections: 3, pace, wire, write: &write, judge }.drive().await
}

#[tokio::test]
async fn every_request_of_a_count_is_sent_once() {
    let seen = RefCell::new(Vec::new());
    let judge = |number: u64, _: &Answer<'_>| {
        seen.borrow_mut().push(number);
        if number.is_multiple_of(10) { Verdict::TurnedAway } else { Verdict::Wanted }
    };
    let tally = drive(Pace::Count(100), "call", &judge).await.unwrap().checked("it").unwrap();
    let mut seen = seen.into_inner();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert_eq!((tally.wanted, tally.turned_away), (90, 10));
    assert!((tally.turned_away_share() - 0.1).abs() < 1e-9);
}

#[tokio::test]
async fn an_open_loop_sends_as_many_as_are_due() {
    let pace = Pace::Open { per_second: 1_000.0, counted: Duration::from_millis(50) };
    let tally = drive(pace, "call", &|_, _| Verdict::Wanted).await.unwrap();
    assert_eq!(tally.wanted, 50);
}

#[tokio::test]
async fn a_closed_loop_counts_only_what_comes_after_the_warm_up() {
    let (warm, counted) = (Duration::from_secs(3_600), Duration::ZERO);
    let ends = Pace::Closed { warm: Duration::ZERO, counted };
    let tally = drive(ends, "call", &|_, _| Verdict::Wanted).await.unwrap();
    assert!(tally.checked("it").is_err(), "nothing was counted");
    let never = super::Schedule::start(Pace::Closed { warm, counted }, 1);
    assert!(!never.counts(std::time::Instant::now()));
}

#[tokio::test]
async fn one_strange_answer_makes_the_figure_worthless() {
    let judge = |number: u64, _: &Answer<'_>| match number {
        7 => Verdict::Unexpected,
        _ => Verdict::Wanted,
    };
    let tally = drive(Pace::Count(20), "call", &judge).await.unwrap();
    let error = tally.checked("it").err().unwrap();
    assert_eq!(error.to_string(), "it: an unexpected answer: 200 ok");
}

#[tokio::test]
async fn a_connection_that_is_closed_is_an_error() {
    assert!(drive(Pace::Count(20), "stop", &|_, _| Verdict::Wanted).await.is_err());
}
