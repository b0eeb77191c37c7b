//! One question to a broker, in its own protocol: which brokers does the cluster have?
//!
//! Knows one request and the head of its answer, and no client library.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};

/// On loopback.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Metadata, version 0, correlation id 7, no client id, about all topics.
const REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0];

/// Whether the cluster has a broker; one that still starts answers that it has none.
pub(super) fn knows_a_broker(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(&REQUEST)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    brokers(head).map(|count| count > 0)
}

/// Length of the answer, correlation id, number of brokers.
fn brokers(head: [u8; 12]) -> Result<u32> {
    let [_, _, _, _, correlation @ .., a, b, c, d] = head;
    ensure!(correlation == [0, 0, 0, 7], "the answer to another question");
    Ok(u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[track_caller]
    fn check(answer: &'static [u8], expected: Option<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let broker = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; REQUEST.len()];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(answer).unwrap();
            request
        });

        let known = knows_a_broker(address);

        assert_eq!(known.ok(), expected);
        let request = broker.join().unwrap();
        let length = u32::from_be_bytes([request[0], request[1], request[2], request[3]]);
        assert_eq!(length as usize, request.len() - 4);
    }

    #[test]
    fn a_broker_that_has_joined_counts_itself() {
        check(&[0, 0, 0, 31, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0], Some(true));
        check(&[0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0], Some(false));
    }

    #[test]
    fn half_an_answer_and_another_protocols_answer_are_errors() {
        check(&[0, 0, 0, 31, 0, 0], None);
        check(b"HTTP/1.1 400 Bad Request", None);
    }
}
