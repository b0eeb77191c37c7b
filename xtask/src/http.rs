//! The least HTTP client that can buy: one request a connection, HTTP/1.0, so that the end of the
//! connection is the end of the body.
//!
//! Knows nothing of who answers, but how metrics are written down.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

/// Longer than any wait that a request here asks for.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// GET without headers of its own.
pub(crate) fn get(address: SocketAddr, target: &str) -> Result<Answer> {
    send(address, &format!("GET {target}"), &[], "")
}

/// Whether a GET is answered with 200, and in time.
pub(crate) fn answers(address: SocketAddr, target: &str, within: Duration) -> bool {
    let request = format!("GET {target} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    exchange(address, &request, within).is_ok_and(|answer| answer.status == 200)
}

/// `call` is method and target; an empty body is not announced.
pub(crate) fn send(
    address: SocketAddr,
    call: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let mut request = format!("{call} HTTP/1.0\r\nHost: {address}\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        let length = body.len();
        request
            .push_str(&format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    exchange(address, &request, ANSWER_WITHIN).with_context(|| format!("{call} at {address}"))
}

/// The sum over all series of an exposition whose name, with its labels or as far as they are
/// given, is this one; 0 if there are none yet.
pub(crate) fn value_of(exposition: &str, series: &str) -> f64 {
    let samples = exposition.lines().filter_map(|line| line.rsplit_once(' '));
    let is_meant = |name: &str| match name.strip_prefix(series) {
        Some(rest) => rest.is_empty() || rest.starts_with('{'),
        None => false,
    };
    samples.filter(|(name, _)| is_meant(name)).filter_map(|(_, it)| it.parse::<f64>().ok()).sum()
}

fn exchange(address: SocketAddr, request: &str, within: Duration) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, within)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read_answer(&String::from_utf8(bytes)?)
}

fn read_answer(text: &str) -> Result<Answer> {
    let (head, body) = text.split_once("\r\n\r\n").context("an answer without an end of head")?;
    let status = head.split(' ').nth(1).context("an answer without a status")?;
    let status = status.parse().with_context(|| format!("status `{status}`"))?;
    Ok(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_request_is_written_as_the_protocol_wants_and_the_answer_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 1024];
            let mut length = 0;
            while !request[..length].ends_with(b"{\"a\":1}") {
                length += stream.read(&mut request[length..]).unwrap();
            }
            stream.write_all(b"HTTP/1.0 202 Accepted\r\nX: y\r\n\r\nbody").unwrap();
            String::from_utf8(request[..length].to_vec()).unwrap()
        });

        let answer = send(address, "POST /a", &[("Key", "k")], "{\"a\":1}").unwrap();

        assert_eq!(answer, Answer { status: 202, body: "body".to_owned() });
        let expected = format!(
            "POST /a HTTP/1.0\r\nHost: {address}\r\nKey: k\r\n\
             Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{{\"a\":1}}"
        );
        assert_eq!(server.join().unwrap(), expected);
    }

    #[test]
    fn a_series_is_found_by_name_and_labels() {
        let exposition = "# TYPE appended counter\nappended{type=\"announce\"} 3\n\
            appended{type=\"place\"} 4\nappended_more 9\n";

        let check = |series: &str, expected: f64| {
            assert!((value_of(exposition, series) - expected).abs() < f64::EPSILON, "{series}");
        };
        check("appended{type=\"place\"}", 4.0);
        check("appended", 7.0);
        check("nothing", 0.0);
    }

    #[test]
    fn half_an_answer_is_an_error() {
        assert!(read_answer("HTTP/1.1 200 OK\r\n").is_err());
        assert!(read_answer("").is_err());
    }
}
