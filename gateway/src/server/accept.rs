//! The accept loop: so many connections and no more, each with its limits, and an ordered stop.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service as HyperService;
use hyper_util::rt::{TokioIo, TokioTimer};
use platform::shutdown::ShutdownToken;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::ServeError;
use super::edge::{Routes, Shared};
use super::operations::{Operations, OpsService};
use super::telemetry::Meters;
use super::wire::{Stage, Wire};
use crate::composition::Service;

/// Longest head of a request, and largest read buffer of a connection, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long to wait after an accept that failed for lack of file descriptors or memory.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Connections of operators at once.
const OPERATIONS_CONNECTIONS_MAX: usize = 64;
/// How long operators' calls get to end.
const OPERATIONS_DRAIN: Duration = Duration::from_secs(1);

/// Serves customers until shutdown, then drains.
pub(crate) async fn serve_public(
    listener: TcpListener,
    service: Arc<Service>,
    routes: Routes,
    shutdown: &ShutdownToken,
) -> Result<(), ServeError> {
    let (stopping, drain) = (service.stopping.clone(), service.config.drain);
    let connections_max = service.config.connections_max;
    let edges = Arc::new(Shared::new(Arc::clone(&service), routes, Meters::new("public")));
    let server = Server {
        meters: Arc::new(Meters::new("public")),
        stopping: stopping.clone(),
        connections: Arc::new(Semaphore::new(connections_max)),
    };
    let mut tasks = JoinSet::new();
    let accepted = server
        .accept(&listener, shutdown, &mut tasks, |stream, peer, connection| {
            let stage = Stage::default();
            let edge = edges.connection(peer.ip(), stage.clone());
            let wire = Wire::new(stream, stage, Arc::clone(&service.dice));
            connection.run(wire, edge)
        })
        .await;
    drop(listener);
    stopping.trigger();
    end(tasks, drain).await;
    accepted
}

/// Serves operators until `stop`, whatever else the process does: that it lives and is not ready
/// has to be told while it still waits for its servers.
///
/// # Errors
/// If the listener fails for good, or the system has no randomness to give.
pub async fn serve_operations(
    listener: TcpListener,
    operations: Operations,
    stop: ShutdownToken,
) -> Result<(), ServeError> {
    let operations = OpsService::new(operations)?;
    let server = Server {
        meters: Arc::new(Meters::new("operations")),
        stopping: stop.clone(),
        connections: Arc::new(Semaphore::new(OPERATIONS_CONNECTIONS_MAX)),
    };
    let mut tasks = JoinSet::new();
    let accepted = server
        .accept(&listener, &stop, &mut tasks, |stream, _, connection| {
            let stage = Stage::default();
            let service = operations.connection(stage.clone());
            let wire = Wire::new(stream, stage, operations.dice());
            connection.run(wire, service)
        })
        .await;
    drop(listener);
    end(tasks, OPERATIONS_DRAIN).await;
    accepted
}

struct Server {
    meters: Arc<Meters>,
    stopping: ShutdownToken,
    connections: Arc<Semaphore>,
}

impl Server {
    /// Accepts until `shutdown`. At the limit, further connections wait in the system's queue.
    async fn accept<F: Future<Output = ()> + Send + 'static>(
        &self,
        listener: &TcpListener,
        shutdown: &ShutdownToken,
        tasks: &mut JoinSet<()>,
        start: impl Fn(TcpStream, SocketAddr, Connection) -> F,
    ) -> Result<(), ServeError> {
        let mut stop = pin!(shutdown.cancelled());
        loop {
            let room = tokio::select! {
                room = Arc::clone(&self.connections).acquire_owned() => room,
                () = &mut stop => return Ok(()),
            };
            let room = room.expect("the semaphore is never closed");
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => return Ok(()),
            };
            match accepted {
                Ok((stream, peer)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection was gone before it began");
                        continue;
                    }
                    let (meters, stopping) = (Arc::clone(&self.meters), self.stopping.clone());
                    tasks.spawn(start(stream, peer, Connection { room, meters, stopping }));
                    while tasks.try_join_next().is_some() {}
                }
                Err(error) if is_lasting(&error) => return Err(ServeError::Accept(error)),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
}

/// What a connection needs while it lasts.
struct Connection {
    room: OwnedSemaphorePermit,
    meters: Arc<Meters>,
    stopping: ShutdownToken,
}

impl Connection {
    async fn run<S, B>(self, wire: Wire, service: S)
    where
        S: HyperService<Request<Incoming>, Response = http::Response<B>>,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: Body + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { room, meters, stopping } = self;
        meters.connections.increment(1.0);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // The wire has both deadlines, and answers; hyper would only hang up.
            .header_read_timeout(None)
            .max_header_size(HEAD_BYTES_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(wire), service);
        let mut connection = pin!(connection);
        let served = tokio::select! {
            biased;
            served = connection.as_mut() => served,
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            meters.connections_failed.increment(1);
            tracing::debug!(%error, "a connection failed");
        }
        meters.connections.decrement(1.0);
        drop(room);
    }
}

/// Waits for connections to end, then ends them.
async fn end(mut tasks: JoinSet<()>, drain: Duration) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, all).await.is_err() {
        tracing::warn!(left = tasks.len(), "connections did not end in time");
        tasks.shutdown().await;
    }
}

/// Whether a listener that failed so will ever work again.
fn is_lasting(error: &std::io::Error) -> bool {
    // EBADF, EINVAL, ENOTSOCK: there is no listener.
    matches!(error.raw_os_error(), Some(9 | 22 | 88))
}
