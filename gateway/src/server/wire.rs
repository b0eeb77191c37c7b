//! A connection's bytes: deadlines that hyper does not have, and hyper's own bare answers dressed.
//!
//! hyper answers by itself, without a body, what it cannot read: 400 to bytes that are no HTTP/1
//! head, 431 to a head beyond the limits of size and number, and nothing at all when a head takes
//! too long. Those answers are replaced here by problems with the same status, and a slow head is
//! answered 408. Must not know what a request says.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use schemas::http::{Problem, ProblemCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::retry::Dice;

/// How long the head of a request may take from its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may wait for a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may take none of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A head and a body that are no longer than this together are written as one piece: to copy them
/// costs less than the system's way of writing several.
const JOINED_BYTES_MAX: usize = 2 * 1024;

/// Where a connection stands between the wire and the edge.
#[derive(Clone, Debug, Default)]
pub(super) struct Stage(Arc<AtomicU8>);

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

impl Stage {
    /// A whole head was read: its call begins.
    pub(super) fn begin(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The answer was handed over.
    pub(super) fn finish(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A TCP connection with deadlines. Only an incomplete read or write ever looks at a clock.
pub(super) struct Wire {
    stream: TcpStream,
    stage: Stage,
    dice: Arc<Dice>,
    /// When the present stage has lasted too long.
    read_deadline: Option<(u8, Instant)>,
    /// Rings at the deadline or before. Deadlines move with every request; it is only set again
    /// once it has rung, or to ring earlier.
    read_timer: Option<Pin<Box<Sleep>>>,
    write_deadline: Option<Pin<Box<Sleep>>>,
    /// What is left of a dressed answer.
    dressed: Bytes,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, stage: Stage, dice: Arc<Dice>) -> Self {
        let (read_deadline, read_timer, write_deadline) = (None, None, None);
        let dressed = Bytes::new();
        Self { stream, stage, dice, read_deadline, read_timer, write_deadline, dressed }
    }

    /// Nothing came: whether that has been so for too long. A call under way has no deadline here.
    fn poll_read_deadline(&mut self, context: &mut Context<'_>) -> Poll<u8> {
        let stage = self.stage.get();
        let timeout = match stage {
            IDLE => IDLE_TIMEOUT,
            HEAD => HEAD_TIMEOUT,
            _ => {
                self.read_deadline = None;
                return Poll::Pending;
            }
        };
        let deadline = match self.read_deadline {
            Some((of, deadline)) if of == stage => deadline,
            _ => Instant::now() + timeout,
        };
        self.read_deadline = Some((stage, deadline));
        let timer = self.read_timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= deadline {
                break;
            }
            timer.as_mut().reset(deadline);
        }
        self.read_deadline = None;
        Poll::Ready(stage)
    }

    /// Tells a client that is too slow so, as far as it goes without waiting.
    fn answer_timeout(&self) {
        let answer = dress(ProblemCode::RequestTimeout, &self.dice);
        if let Err(error) = self.stream.try_write(&answer) {
            tracing::debug!(%error, "a slow client could not be told so");
        }
    }

    fn poll_dressed(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.dressed.has_remaining() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.dressed))?;
            self.dressed.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let sleep =
            self.write_deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIMEOUT)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// The problem that says what hyper's own answer does, if these bytes are one.
    fn replace(&self, bytes: &[u8]) -> Option<Bytes> {
        if self.stage.get() == BUSY || bytes.len() > BARE_BYTES_MAX {
            return None;
        }
        // Every answer of the edge has this header.
        if has_name(bytes, b"x-request-id") {
            return None;
        }
        let code = match bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)? {
            b"431" | b"414" => ProblemCode::HeadersTooLarge,
            b"400" => ProblemCode::Malformed,
            _ => return None,
        };
        Some(dress(code, &self.dice))
    }
}

/// Longest answer that hyper makes by itself.
const BARE_BYTES_MAX: usize = 256;

fn has_name(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name))
}

/// A whole answer, head and all, after which the connection closes.
fn dress(code: ProblemCode, dice: &Dice) -> Bytes {
    let problem = Problem::new(code, code.title());
    let body = serde_json::to_string(&problem).expect("a problem is plain data");
    let reason = http::StatusCode::from_u16(code.status()).ok();
    let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or("Refused");
    let (status, length, id) = (code.status(), body.len(), super::edge::request_id(dice));
    let id = id.to_str().unwrap_or_default();
    Bytes::from(format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/problem+json\r\n\
         content-length: {length}\r\nx-request-id: {id}\r\ncache-control: no-store\r\n\
         connection: close\r\n\r\n{body}"
    ))
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if Pin::new(&mut this.stream).poll_read(context, buffer)?.is_ready() {
            let came = buffer.filled().len() > before;
            if came && this.stage.get() == IDLE {
                this.stage.0.store(HEAD, Ordering::Relaxed);
                this.read_deadline = None;
            }
            return Poll::Ready(Ok(()));
        }
        if ready!(this.poll_read_deadline(context)) == HEAD {
            this.answer_timeout();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        // An idle connection is simply over: nothing was read, as at its end.
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_dressed(context))?;
        if let Some(answer) = this.replace(bytes) {
            this.dressed = answer;
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        if written.is_ready() {
            this.write_deadline = None;
            return written;
        }
        this.poll_write_deadline(context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_dressed(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_dressed(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = slices {
            // An answer of hyper's own comes as one slice.
            return self.poll_write(context, only);
        }
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut joined = [0; JOINED_BYTES_MAX];
        if let Some(mut rest) = joined.get_mut(..bytes) {
            for slice in slices {
                let (place, left) = rest.split_at_mut(slice.len());
                place.copy_from_slice(slice);
                rest = left;
            }
            return self.poll_write(context, &joined[..bytes]);
        }
        let this = &mut *self;
        ready!(this.poll_dressed(context))?;
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        if written.is_ready() {
            this.write_deadline = None;
            return written;
        }
        this.poll_write_deadline(context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
