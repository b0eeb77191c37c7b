//! The least HTTP client that can buy: one request a connection, HTTP/1.0, so that the end of the
//! connection is the end of the body.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than any wait that a request here asks for.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The JSON of an answer that has to have this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A request that has not been sent yet.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    call: String,
    headers: String,
    body: String,
}

impl Ask {
    /// `call` is method and target.
    pub(crate) fn new(call: impl Into<String>) -> Self {
        Self { call: call.into(), headers: String::new(), body: String::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: String) -> Self {
        self.headers.push_str(&format!("Content-Length: {}\r\n", body.len()));
        self.body = body;
        self
    }

    /// The answer; none if nobody answers.
    pub(crate) fn try_send(&self, address: SocketAddr) -> std::io::Result<Answer> {
        let Self { call, headers, body } = self;
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        write!(stream, "{call} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n{body}")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }

    #[track_caller]
    pub(crate) fn send(&self, address: SocketAddr) -> Answer {
        self.try_send(address).unwrap_or_else(|fault| panic!("{}: {fault}", self.call))
    }
}
