//! Ten thousand who wait: long polls for as many orders, and streams of one deal. How much memory
//! they take, and when the last one knows.

use std::cell::RefCell;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::call::{metric, wait_until};
use crate::generator::{Answer, Load, Pace, Verdict, Wire, complete};
use crate::house::{Backend, House, STOCK, Sharing};
use crate::process::{memory_kib, pin_ourselves};
use crate::purchase::{Purchases, judge_admitted, order_id};
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

const CROWD: usize = 10_000;
/// Fewer than a gateway on a broker ever turns away.
const BUYING_AT_ONCE: usize = 64;
/// Files that a process has open beside its part of the crowd.
const OTHER_FILES: usize = 1_000;
/// The long polls themselves wait for 30 s at most.
const PATIENCE: Duration = Duration::from_secs(40);
/// Connections that are opened at once; divides the crowd.
const GROUP: usize = 100;
/// By then the gateway has read what was sent last.
const HELD_AFTER: Duration = Duration::from_millis(500);
/// How long the worker may stand still: with the session of its group its partitions would be
/// over, and what is measured would be a takeover.
const STANDS_STILL_MAX: Duration = Duration::from_secs(5);

/// Orders that are queued because the worker stands still, each waited for by a long poll; then the
/// worker goes on.
pub(crate) async fn polls(ring: &Ring) -> Result<Vec<Measured>> {
    ensure_files()?;
    pin_ourselves(&ring.cores.all)?;
    ring.pin_stores(&ring.cores.all)?;
    let house = House::open(ring, Backend::Kafka, Sharing::Together).await?;
    let deal_ids = [house.announce(ring, "hot", STOCK).await?];
    let tokens = ring.tokens()?.get(..CROWD).context("a token each")?;
    let gateway = house.gateway.pid();
    let before = memory_kib(gateway)?;
    let mut waiting = connect(&house).await?;
    let stood_still = Instant::now();
    house.signal_worker("STOP")?;
    for (number, order) in buy(&house, tokens, &deal_ids).await? {
        ask(&mut waiting[number], &order, &tokens[number]).await?;
    }
    sleep(HELD_AFTER).await;
    let memory = (memory_kib(gateway)? - before) / f64::from(u32::try_from(CROWD)?);
    house.signal_worker("CONT")?;
    let (goes_on, stood_still) = (Instant::now(), stood_still.elapsed());
    ensure!(stood_still < STANDS_STILL_MAX, "the worker stood still for {stood_still:?}");
    let heard = join_all(waiting.into_iter().map(|stream| hear(stream, goes_on))).await;
    let mut heard = heard.into_iter().collect::<Result<Vec<Duration>>>()?;
    heard.sort_unstable();
    house.confirmed(&deal_ids, u64::try_from(CROWD)?).await?;
    house.close().await?;
    let ms = |at: usize| heard[at].as_secs_f64() * 1_000.0;
    let last = Sample::of(ms(CROWD - 1)).with("p50_ms", ms(CROWD / 2));
    let stood_still = stood_still.as_secs_f64() * 1_000.0;
    Ok(vec![
        ("polls-10000-last", last.with("worker_stood_still_ms", stood_still)),
        ("polls-10000-memory", Sample::of(memory)),
    ])
}

/// One purchase of each customer; which customer, and the order.
async fn buy(
    house: &House,
    tokens: &[String],
    deal_ids: &[String],
) -> Result<Vec<(usize, String)>> {
    let purchases = Purchases::new("/v1/purchases", tokens, deal_ids, 0);
    let write = |number: u64, out: &mut Vec<u8>| purchases.write(number, out);
    let orders = RefCell::new(Vec::with_capacity(CROWD));
    let judge = |number: u64, answer: &Answer<'_>| {
        let verdict = judge_admitted(number, answer);
        let customer = usize::try_from(number).expect("a count fits the memory");
        match (verdict, order_id(answer)) {
            (Verdict::Wanted, Some(order)) => orders.borrow_mut().push((customer, order)),
            (Verdict::Wanted, None) => return Verdict::Unexpected,
            (Verdict::TurnedAway | Verdict::Unexpected, _) => {}
        }
        verdict
    };
    let pace = Pace::Count(u64::try_from(CROWD)?);
    let (address, wire, connections) = (house.address, Wire::Http, BUYING_AT_ONCE);
    let load = Load { address, connections, pace, wire, write: &write, judge: &judge };
    let tally = load.drive().await?.checked("orders to wait for")?;
    ensure!(tally.turned_away == 0, "{} customers were turned away", tally.turned_away);
    Ok(orders.into_inner())
}

/// The connections of all who wait, no faster than the gateway takes them: one that finds the
/// system's queue full is tried again by the kernel after a second.
async fn connect(house: &House) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::with_capacity(CROWD);
    while streams.len() < CROWD {
        for _ in 0..GROUP {
            streams.push(TcpStream::connect(house.address).await?);
        }
        let count = f64::from(u32::try_from(streams.len())?);
        wait_until("the connections are taken", async || {
            Ok(metric(house.ops, "timedeal_gateway_connections").await? >= count)
        })
        .await?;
    }
    Ok(streams)
}

/// Asks for an order that is queued; the answer is to come later.
async fn ask(stream: &mut TcpStream, order: &str, token: &str) -> Result<()> {
    let line = format!("GET /v1/orders/{order}?wait=30 HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    let request = format!("{line}authorization: Bearer {token}\r\n\r\n");
    Ok(stream.write_all(request.as_bytes()).await?)
}

/// When the order was heard to be confirmed, after `since`.
async fn hear(mut stream: TcpStream, since: Instant) -> Result<Duration> {
    let mut bytes = Vec::with_capacity(1_024);
    loop {
        let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await;
        ensure!(read.context("a long poll without an answer")?? > 0, "a long poll was cut off");
        if let Some(mut answers) = complete(Wire::Http, &bytes)? {
            let at = since.elapsed();
            let answer = answers.next().context("an answer")?;
            let is_confirmed = answer.status == 200 && answer.says("\"status\":\"confirmed\"");
            ensure!(is_confirmed, "a long poll was told {} {}", answer.status, answer.text());
            return Ok(at);
        }
    }
}

/// Streams of one deal that is sold out then, by the example that the load tests have for it.
pub(crate) async fn watchers(ring: &Ring) -> Result<Vec<Measured>> {
    ensure_files()?;
    pin_ourselves(&ring.cores.all)?;
    let house = House::open(ring, Backend::Embedded, Sharing::Together).await?;
    let (url, admin) = (format!("http://{}", house.address), ring.admin_token()?);
    let (shop, clients) = (&ring.tokens()?[0], CROWD.to_string());
    let pid = house.gateway.pid().to_string();
    let said = ring.example("watchers", &[&url, &admin, shop, &clients, &pid])?;
    let all = format!("{CROWD} of {CROWD} heard sold-out");
    ensure!(said.contains(&all), "not all of them heard it:\n{said}");
    house.close().await?;
    let last =
        Sample::of(milliseconds(&said, "max ")?).with("p50_ms", milliseconds(&said, "p50 ")?);
    let bytes = word_after(&said, "memory: ", 3)?.parse::<f64>().context("bytes a client")?;
    Ok(vec![("watchers-10000-last", last), ("watchers-10000-memory", Sample::of(bytes / 1_024.0))])
}

fn word_after<'a>(said: &'a str, start: &str, word: usize) -> Result<&'a str> {
    let line = said.lines().find_map(|line| line.strip_prefix(start));
    let found = line.and_then(|line| line.split_whitespace().nth(word));
    found.with_context(|| format!("no `{start}` with what is expected in:\n{said}"))
}

/// A duration as Rust prints it.
fn milliseconds(said: &str, start: &str) -> Result<f64> {
    let text = word_after(said, start, 0)?;
    let (number, factor) = match (text.strip_suffix("ms"), text.strip_suffix("µs")) {
        (Some(number), _) => (number, 1.0),
        (None, Some(number)) => (number, 0.001),
        (None, None) => (text.trim_end_matches('s'), 1_000.0),
    };
    Ok(number.parse::<f64>().with_context(|| format!("`{text}` is no duration"))? * factor)
}

/// Each of the crowd is an open file here and in the service.
fn ensure_files() -> Result<()> {
    let limit = open_files()?;
    println!("  open files: at most {limit} in a process");
    ensure!(limit >= CROWD + OTHER_FILES, "too few for {CROWD} clients: see `ulimit -n`");
    Ok(())
}

/// The limit of open files of a process.
pub(crate) fn open_files() -> Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).context("no limit of files")?;
    Ok(soft.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_watchers_print_is_read() {
        let said = "memory: 123000 KiB more, 12595 bytes a client\n\
            p50 158.5ms after the purchase was sent\nmax 1.25s after the purchase was sent\n\
            p90 900µs after";
        let check = |start, expected: f64| {
            assert!((milliseconds(said, start).unwrap() - expected).abs() < 1e-9, "{start}");
        };
        check("p50 ", 158.5);
        check("max ", 1_250.0);
        check("p90 ", 0.9);
        assert_eq!(word_after(said, "memory: ", 3).unwrap(), "12595");
        assert!(milliseconds(said, "p99 ").is_err());
    }

    #[test]
    fn the_system_says_how_many_files_may_be_open() {
        assert!(open_files().unwrap() > 0);
    }
}
