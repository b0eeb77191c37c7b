//! Redis without any HTTP: what the fastest of the peers does alone.

use std::io::Write;

use anyhow::{Result, ensure};

use super::STOCK;
use crate::front::redis::{self, BUYERS, STOCK as STOCK_KEY};
use crate::generator::{Answer, Load, Verdict, Wire};
use crate::process::{pin, pin_ourselves};
use crate::purchase::write_key;
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

/// As many clients as redis-benchmark has.
const CONNECTIONS: usize = 50;
/// Calls that a client sends at once.
const PIPELINED: u64 = 16;

/// One call at a time and pipelined, in memory and on the disk.
pub(crate) async fn run(ring: &Ring) -> Result<Vec<Measured>> {
    let server = ring.redis()?;
    pin_ourselves(&ring.cores.others)?;
    pin(server.pid, &ring.cores.measured)?;
    let mut measured = Vec::new();
    for (row, replies, is_durable) in [
        ("redis-single", 1, false),
        ("redis-pipelined", PIPELINED, false),
        ("redis-single-fsync", 1, true),
        ("redis-pipelined-fsync", PIPELINED, true),
    ] {
        let script = redis::prepare(&server.address, STOCK, is_durable).await?;
        let write = |number: u64, out: &mut Vec<u8>| {
            for part in 0..replies {
                write_call(&script, number * replies + part, out);
            }
        };
        let load = Load {
            address: server.address.parse()?,
            connections: CONNECTIONS,
            pace: ring.closed(),
            wire: Wire::Redis { replies },
            write: &write,
            judge: &judge,
        };
        let (tally, cpu) = load.drive_beside(server.pid).await?;
        let tally = tally.checked(row)?;
        let sold = redis::sold(&server.address, STOCK).await?;
        ensure!(tally.wanted == sold, "{row}: {} were told so, {sold} did buy", tally.wanted);
        measured.push((row, Sample::rate_of(&tally).with_cpu(cpu, tally.wanted)));
    }
    redis::prepare(&server.address, 0, false).await?;
    Ok(measured)
}

fn judge(_: u64, answer: &Answer<'_>) -> Verdict {
    if answer.body == b":1" { Verdict::Wanted } else { Verdict::Unexpected }
}

fn write_call(script: &str, number: u64, out: &mut Vec<u8>) {
    let mut customer = Vec::with_capacity(16);
    write_key(0, number, &mut customer);
    let words: [&[u8]; 6] =
        [b"EVALSHA", script.as_bytes(), b"2", STOCK_KEY.as_bytes(), BUYERS.as_bytes(), &customer];
    write!(out, "*{}\r\n", words.len()).expect("memory takes all that is written");
    for word in words {
        write!(out, "${}\r\n", word.len()).expect("memory takes all that is written");
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::write_call;

    #[test]
    fn a_call_is_written_as_the_protocol_wants() {
        let mut out = Vec::new();
        write_call("abc", 10, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "*6\r\n$7\r\nEVALSHA\r\n$3\r\nabc\r\n$1\r\n2\r\n$5\r\nstock\r\n$6\r\nbuyers\r\n\
             $16\r\n000000000000000a\r\n"
        );
    }
}
