//! A bounded pool of keep-alive connections, spread evenly over the addresses of a service. A lost
//! connection is forgotten and opened again when somebody needs one, where somebody listens. Must
//! not know whether a request may be repeated.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
use crate::history::Moment;

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

/// The connections of a crowd, and its clock.
pub(crate) struct Pool {
    doors: Vec<Door>,
    /// Which of them the next connection goes to.
    next_door: AtomicUsize,
    started: Instant,
    permits: Semaphore,
    idle: Mutex<VecDeque<Connection>>,
    last_number: AtomicU64,
}

/// One address of the service.
struct Door {
    address: SocketAddr,
    closed_until: Mutex<Option<Instant>>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    number: u64,
}

impl Pool {
    /// At most `connections` to all `addresses` together, of which there is one at least; none is
    /// opened yet. Its clock starts now.
    pub(crate) fn new(addresses: Vec<SocketAddr>, connections: usize) -> Self {
        assert!(!addresses.is_empty(), "a service has an address");
        let door = |address| Door { address, closed_until: Mutex::default() };
        Self {
            doors: addresses.into_iter().map(door).collect(),
            next_door: AtomicUsize::new(0),
            started: Instant::now(),
            permits: Semaphore::new(connections),
            idle: Mutex::default(),
            last_number: AtomicU64::new(0),
        }
    }

    /// The crowd's clock.
    pub(crate) fn now(&self) -> Moment {
        Moment::default().plus(self.started.elapsed())
    }

    /// Waits for a moment of the crowd's clock.
    pub(crate) async fn sleep_until(&self, moment: Moment) {
        let wait = moment.since(Moment::default());
        tokio::time::sleep_until(self.started + wait).await;
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
        let _permit = self.permits.acquire().await.map_err(|_| Loss::NoConnection)?;
        let mut connection = self.take(avoid).await?;
        let sent = self.now();
        let exchanged = timeout(within, exchange(&mut connection.sender, request)).await;
        let (head, body) = exchanged.map_err(|_| Loss::TimedOut)??;
        let received = self.now();
        let connection_number = connection.number;
        self.give_back(connection);
        Ok(Answer { head, body, sent, received, connection: connection_number })
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
        idle.retain(|connection| !connection.sender.is_closed());
        let other = idle.iter().position(|connection| Some(connection.number) != avoid);
        idle.remove(other.unwrap_or(0))
    }

    fn give_back(&self, connection: Connection) {
        if !connection.sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back(connection);
        }
    }

    /// Connects to the next door, or to one behind it if nobody listens there.
    async fn connect(&self) -> Result<Connection, Loss> {
        let first = self.next_door.fetch_add(1, Ordering::Relaxed);
        for behind in 0..self.doors.len() {
            let door = &self.doors[(first + behind) % self.doors.len()];
            if let Ok(sender) = door.open().await {
                let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
                return Ok(Connection { sender, number });
            }
        }
        Err(Loss::NoConnection)
    }
}

impl Door {
    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, Loss> {
        self.may_knock()?;
        let opened = timeout(CONNECT_WITHIN, open(self.address)).await;
        match opened {
            Ok(Ok(sender)) => {
                *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(sender)
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

    use super::{CONNECT_WITHIN, Instant, Loss, Pool};

    #[tokio::test]
    async fn where_nobody_listens_one_knocks_for_all_and_then_all_come_in() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let pool = Pool::new(vec![address], 8);
        assert_eq!(pool.connect().await.err(), Some(Loss::NoConnection));

        let _listener = TcpListener::bind(address).await.unwrap();
        let closed_until = &pool.doors[0].closed_until;
        *closed_until.lock().unwrap() = Some(Instant::now() + CONNECT_WITHIN * 1_000);
        assert_eq!(pool.connect().await.err(), Some(Loss::NoConnection), "another one knocked");
        *closed_until.lock().unwrap() = Some(Instant::now());
        for _ in 0..5 {
            assert!(pool.connect().await.is_ok());
        }
    }

    #[tokio::test]
    async fn connections_are_spread_over_those_who_listen() {
        let listeners = [listen().await, listen().await];
        let addresses = listeners.each_ref().map(|it| it.local_addr().unwrap());
        let pool = Pool::new(addresses.to_vec(), 8);
        for _ in 0..4 {
            pool.warm().await;
        }
        for listener in &listeners {
            for _ in 0..2 {
                listener.accept().await.unwrap();
            }
        }
        let [gone, left] = listeners;
        drop(gone);
        for _ in 0..4 {
            assert!(pool.connect().await.is_ok(), "the other one still listens");
            left.accept().await.unwrap();
        }
    }

    async fn listen() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    #[tokio::test]
    async fn a_repeat_takes_another_connection_if_there_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(vec![listener.local_addr().unwrap()], 8);
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
