//! A bounded pool of keep-alive connections to one gateway. A lost connection is forgotten and
//! opened again when somebody needs one. Must not know whether a request may be repeated.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::Answer;
use crate::clock::Clock;

/// A connection on this machine is there at once or not at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Where nobody listens, one of the crowd knocks at most so often for all.
const KNOCK_EVERY: Duration = Duration::from_millis(50);
/// Longer answers are none of this service's.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Why there is no answer. The request may have been taken all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nobody listens; nothing was sent.
    NoConnection,
    /// The connection broke before the answer was complete.
    Broken,
    /// The answer did not come in time.
    TimedOut,
}

impl Loss {
    /// A few words for people.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoConnection => "no connection",
            Self::Broken => "connection lost",
            Self::TimedOut => "no answer in time",
        }
    }
}

/// The connections of a crowd to a gateway.
pub(crate) struct Pool {
    gateway: usize,
    address: SocketAddr,
    clock: Clock,
    permits: Semaphore,
    idle: Mutex<VecDeque<Connection>>,
    last_number: AtomicU64,
    closed_until: Mutex<Option<Instant>>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    number: u64,
}

impl Pool {
    /// At most `connections` to the gateway in this place of the plan; none is opened yet.
    pub(crate) fn new(
        gateway: usize,
        address: SocketAddr,
        connections: usize,
        clock: Clock,
    ) -> Self {
        Self {
            gateway,
            address,
            clock,
            permits: Semaphore::new(connections),
            idle: Mutex::default(),
            last_number: AtomicU64::new(0),
            closed_until: Mutex::default(),
        }
    }

    /// Opens a connection and keeps it for later; used so that a crowd does not begin by
    /// connecting.
    pub(crate) async fn warm(&self) {
        if let Ok(connection) = self.connect().await {
            self.give_back(connection);
        }
    }

    /// Sends a request and reads the whole answer, within `within` of having a connection. A
    /// connection other than number `avoid` is taken if there is one.
    pub(crate) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        within: Duration,
        avoid: Option<u64>,
    ) -> Result<Answer, Loss> {
        let asked = self.clock.now();
        let _permit = self.permits.acquire().await.map_err(|_| Loss::NoConnection)?;
        let mut connection = self.take(avoid).await?;
        let sent = self.clock.now();
        let exchanged = timeout(within, exchange(&mut connection.sender, request)).await;
        let (head, body) = exchanged.map_err(|_| Loss::TimedOut)??;
        let received = self.clock.now();
        let (gateway, number) = (self.gateway, connection.number);
        self.give_back(connection);
        Ok(Answer { head, body, gateway, asked, sent, received, connection: number })
    }

    async fn take(&self, avoid: Option<u64>) -> Result<Connection, Loss> {
        while let Some(mut connection) = self.take_idle(avoid) {
            // One that was closed while it was idle took no request with it.
            if connection.sender.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    /// The connection that has been idle for longest, so that all are used.
    fn take_idle(&self, avoid: Option<u64>) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let other = idle.iter().position(|connection| Some(connection.number) != avoid);
            let connection = idle.remove(other.unwrap_or(0))?;
            if !connection.sender.is_closed() {
                return Some(connection);
            }
        }
    }

    fn give_back(&self, connection: Connection) {
        if !connection.sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back(connection);
        }
    }

    async fn connect(&self) -> Result<Connection, Loss> {
        self.may_knock()?;
        let opened = timeout(CONNECT_WITHIN, open(self.address)).await;
        match opened {
            Ok(Ok(sender)) => {
                *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
                let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
                Ok(Connection { sender, number })
            }
            Ok(Err(_)) | Err(_) => {
                let until = Instant::now() + KNOCK_EVERY;
                *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
                Err(Loss::NoConnection)
            }
        }
    }

    fn may_knock(&self) -> Result<(), Loss> {
        let mut until = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        match *until {
            Some(moment) if Instant::now() < moment => Err(Loss::NoConnection),
            Some(_) => {
                // This one knocks; the others hear of it or wait for the next time.
                *until = Some(Instant::now() + KNOCK_EVERY);
                drop(until);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

async fn open(address: SocketAddr) -> std::io::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let opened = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = opened.map_err(std::io::Error::other)?;
    // Ends with the sender or with the connection; whoever waits for an answer hears of a fault.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(http::response::Parts, Bytes), Loss> {
    let response = sender.send_request(request).await.map_err(|_| Loss::Broken)?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|_| Loss::Broken)?;
    Ok((head, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::{CONNECT_WITHIN, Clock, Instant, Loss, Pool};

    #[tokio::test]
    async fn where_nobody_listens_one_knocks_for_all_and_then_all_come_in() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let pool = Pool::new(0, address, 8, Clock::start());
        assert_eq!(pool.connect().await.err(), Some(Loss::NoConnection));

        let _listener = TcpListener::bind(address).await.unwrap();
        *pool.closed_until.lock().unwrap() = Some(Instant::now() + CONNECT_WITHIN * 1_000);
        assert_eq!(pool.connect().await.err(), Some(Loss::NoConnection), "another one knocked");
        *pool.closed_until.lock().unwrap() = Some(Instant::now());
        for _ in 0..5 {
            assert!(pool.connect().await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_repeat_takes_another_connection_if_there_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(0, listener.local_addr().unwrap(), 8, Clock::start());
        pool.warm().await;
        assert_eq!(pool.take(Some(1)).await.map(|connection| connection.number), Ok(1));
        for expected in [2, 3] {
            pool.warm().await;
            let idle = pool.idle.lock().unwrap();
            assert_eq!(idle.back().map(|connection| connection.number), Some(expected));
        }
        assert_eq!(pool.take(Some(2)).await.map(|connection| connection.number), Ok(3));
        assert_eq!(pool.take(Some(2)).await.map(|connection| connection.number), Ok(2));
        assert_eq!(pool.take(Some(2)).await.map(|connection| connection.number), Ok(4));
    }
}
