//! A gateway on a port of its own, and its crash: listener and connections gone, memory kept.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use loadtest::{Observer, Phase};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::gateway::Gateway;

/// Counts retries, so that a crash can last until the crowd has noticed it.
pub(crate) struct Watch(watch::Sender<u64>);

impl Default for Watch {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Observer for Watch {
    fn began(&self, _: Phase, _: u64) {}
    fn stepped(&self) {}
    fn retried(&self) {
        self.0.send_modify(|count| *count += 1);
    }
}

/// When a gateway crashes, and for how long.
pub(crate) struct Crash {
    pub(crate) after_purchases: u64,
    pub(crate) until_retries: u64,
    pub(crate) watch: Arc<Watch>,
}

/// Opens a gateway; it stays open as long as the test's runtime.
pub(crate) async fn open(gateway: Gateway) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Arc::new(Mutex::new(gateway))));
    address
}

/// Opens a gateway that crashes once.
pub(crate) async fn open_and_crash(gateway: Gateway, crash: Crash) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut purchases = gateway.purchases.subscribe();
    let gateway = Arc::new(Mutex::new(gateway));
    tokio::spawn(async move {
        let mut retries = crash.watch.0.subscribe();
        let before = tokio::spawn(serve(listener, Arc::clone(&gateway)));
        purchases.wait_for(|count| *count >= crash.after_purchases).await.unwrap();
        before.abort();
        before.await.unwrap_err();
        retries.wait_for(|count| *count >= crash.until_retries).await.unwrap();
        // As after a crash: the first requests find it not ready.
        gateway.lock().unwrap().starting = 20;
        serve(TcpListener::bind(address).await.unwrap(), gateway).await;
    });
    address
}

/// Aborting this ends every connection too: they live in its set.
async fn serve(listener: TcpListener, gateway: Arc<Mutex<Gateway>>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let gateway = Arc::clone(&gateway);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&gateway), request));
            // An error is the gateway's way to break a connection.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    gateway: Arc<Mutex<Gateway>>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let answer = gateway.lock().unwrap().answer(&head, &body);
    answer.ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
}
