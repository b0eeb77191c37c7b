//! Single calls over HTTP, for what comes before and after a load. Must not know what they are for.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::generator::{Wire, complete};
use crate::process::ASK_EVERY;

/// Longer than any `?wait` of ours.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// Taking over a partition, reading a log to its end, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A call: method and target, a token if any, a body if it is not empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) line: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: &'a str,
}

/// Makes the call; status and body.
pub(crate) async fn call(address: SocketAddr, call: Call<'_>) -> Result<(u16, String)> {
    let made = timeout(ANSWER_WITHIN, exchange(address, call)).await;
    made.ok().context("no answer in time").flatten().with_context(|| call.line.to_owned())
}

/// A GET of JSON.
pub(crate) async fn json(address: SocketAddr, target: &str) -> Result<Value> {
    let line = format!("GET {target}");
    let (status, body) = call(address, Call { line: &line, token: None, body: "" }).await?;
    ensure!(status == 200, "{line}: {status} {body}");
    serde_json::from_str(&body).with_context(|| format!("{line}: {body}"))
}

/// Waits until somebody accepts connections.
pub(crate) async fn wait_for_listener(address: SocketAddr) -> Result<()> {
    wait_until("a listener", async || Ok(TcpStream::connect(address).await.is_ok())).await
}

/// Asks until it is so.
pub(crate) async fn wait_until(what: &str, is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    wait_within(READY_WITHIN, what, is_so).await
}

/// Asks for as long as this until it is so.
pub(crate) async fn wait_within(
    within: Duration,
    what: &str,
    mut is_so: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let start = Instant::now();
    while !is_so().await.with_context(|| what.to_owned())? {
        ensure!(start.elapsed() < within, "{what}: not within {within:?}");
        sleep(ASK_EVERY).await;
    }
    Ok(())
}

/// The sum of all series of an exposition that begin with this name.
pub(crate) async fn metric(ops: SocketAddr, name: &str) -> Result<f64> {
    let line = "GET /metrics";
    let (status, text) = call(ops, Call { line, token: None, body: "" }).await?;
    ensure!(status == 200, "{line}: {status}");
    Ok(sum_of(&text, name))
}

fn sum_of(exposition: &str, name: &str) -> f64 {
    let is_meant = |series: &str| series.split('{').next() == Some(name);
    let samples = exposition.lines().filter_map(|line| line.rsplit_once(' '));
    samples
        .filter(|(series, _)| is_meant(series))
        .filter_map(|(_, it)| it.parse::<f64>().ok())
        .sum()
}

async fn exchange(address: SocketAddr, call: Call<'_>) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request(address, call).as_bytes()).await?;
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("the connection was closed: {}", String::from_utf8_lossy(&bytes));
        }
        if let Some(mut answers) = complete(Wire::Http, &bytes)? {
            let answer = answers.next().context("an answer")?;
            return Ok((answer.status, answer.text()));
        }
    }
}

fn request(address: SocketAddr, call: Call<'_>) -> String {
    let mut request = format!("{} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n", call.line);
    if let Some(token) = call.token {
        request.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if !call.body.is_empty() {
        let length = call.body.len();
        request.push_str("content-type: application/json\r\nidempotency-key: once\r\n");
        request.push_str(&format!("content-length: {length}\r\n"));
    }
    format!("{request}\r\n{}", call.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_series_of_a_name_are_summed_up_and_no_other() {
        let text = "# HELP lag\nlag{partition=\"0\"} 3\nlag{partition=\"1\"} 4\nlag_seconds 9\n";
        assert!((sum_of(text, "lag") - 7.0).abs() < 1e-9);
        assert!(sum_of(text, "none").abs() < 1e-9);
    }
}
