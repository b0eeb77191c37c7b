//! The load: so many connections, each with one request under way, either as fast as answers come
//! or by a schedule that waits for nobody. The same for every contestant, and cheap, because it
//! shares the machine with what it measures: one thread, requests written into a buffer that is
//! kept, answers looked at as far as needed. Must not know what a request means.

mod schedule;
mod tally;
mod wire;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::cpu_seconds;

pub(crate) use self::schedule::Pace;
use self::schedule::Schedule;
pub(crate) use self::tally::Tally;
pub(crate) use self::wire::{Answer, Wire, complete};

/// Connections of a closed loop: enough that a durable log always has something to write.
pub(crate) const CONNECTIONS: usize = 256;
/// Longer than a request or an answer of any contest.
const BUFFER_BYTES: usize = 4 * 1024;

/// What an answer is to its contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What the contest counts.
    Wanted,
    /// Told to come back later: no fault, and not counted.
    TurnedAway,
    /// Anything else; one is enough to make the figure worthless.
    Unexpected,
}

/// A load, and who judges the answers.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    pub(crate) wire: Wire,
    /// Appends the request of this number.
    pub(crate) write: &'a dyn Fn(u64, &mut Vec<u8>),
    /// Judges the answer to this number. Of a pipelined request, each answer has its own.
    pub(crate) judge: &'a dyn Fn(u64, &Answer<'_>) -> Verdict,
}

impl Load<'_> {
    /// Sends it all and counts.
    pub(crate) async fn drive(&self) -> Result<Tally> {
        let mut streams = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let stream = TcpStream::connect(self.address).await;
            let stream = stream.with_context(|| format!("connecting to {}", self.address))?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let before = cpu_seconds(std::process::id())?;
        let schedule = Schedule::start(self.pace, self.connections);
        let tally = RefCell::new(Tally::new());
        let visits = streams.into_iter().map(|stream| self.visit(stream, &schedule, &tally));
        let mut visits: FuturesUnordered<_> = visits.collect();
        while let Some(ended) = visits.next().await {
            ended?;
        }
        drop(visits);
        let cpu = cpu_seconds(std::process::id())? - before;
        Ok(tally.into_inner().ended(&schedule, cpu))
    }

    /// The same, and the processor time that a process spent meanwhile, in seconds.
    pub(crate) async fn drive_beside(&self, pid: u32) -> Result<(Tally, f64)> {
        let before = cpu_seconds(pid)?;
        let tally = self.drive().await?;
        Ok((tally, cpu_seconds(pid)? - before))
    }

    async fn visit(
        &self,
        mut stream: TcpStream,
        schedule: &Schedule,
        tally: &RefCell<Tally>,
    ) -> Result<()> {
        let mut request = Vec::with_capacity(BUFFER_BYTES);
        let mut inbox = Vec::with_capacity(BUFFER_BYTES);
        let parts = self.wire.answers_per_request();
        while let Some((number, due)) = schedule.next().await {
            request.clear();
            (self.write)(number, &mut request);
            stream.write_all(&request).await?;
            inbox.clear();
            let answers = loop {
                if stream.read_buf(&mut inbox).await? == 0 {
                    bail!("the connection was closed instead of answer {number}");
                }
                if let Some(answers) = complete(self.wire, &inbox)? {
                    break answers;
                }
            };
            let now = Instant::now();
            let (mut tally, mut is_wanted) = (tally.borrow_mut(), true);
            for (part, answer) in (0..).zip(answers) {
                let verdict = (self.judge)(number * parts + part, &answer);
                tally.note(verdict, schedule.counts(now), &answer);
                is_wanted &= verdict == Verdict::Wanted;
            }
            // Whoever is turned away hears so at once: that is no speed.
            tally.note_latency(now - due, is_wanted && schedule.counts(now));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
