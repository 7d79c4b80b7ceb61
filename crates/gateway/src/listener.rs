//! Accepts TCP connections and speaks HTTP/1.1 on them, with the bounds that `axum::serve` does not have.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use switchboard_session::RateLimit;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::caller::Peer;

/// A request's head, bytes; also what hyper reads at once.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// After an error of the system itself (no file descriptor left), before the next accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are accepted.
pub(crate) struct Bounds {
    /// A request's head must be complete within this.
    pub(crate) header_read_timeout: Duration,
    /// Connections a second; more wait in the system's queue.
    pub(crate) connects_per_second: Option<u32>,
}

/// Serves `router` on `listener` until told to stop accepting. Connections that are open go on.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Arc<Bounds>,
    tasks: TaskTracker,
    stop_accepting: CancellationToken,
) {
    let now = || Instant::now().into_std();
    let mut rate = bounds
        .connects_per_second
        .map(|rate| RateLimit::new(rate, rate, now()));
    loop {
        if let Some(Err(pause)) = rate.as_mut().map(|rate| rate.take(now())) {
            sleep(pause).await;
            continue;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop_accepting.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                tasks.spawn(speak_http(
                    stream,
                    peer.ip(),
                    router.clone(),
                    bounds.clone(),
                    stop_accepting.clone(),
                ));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections at the moment");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn speak_http(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    bounds: Arc<Bounds>,
    stop: CancellationToken,
) {
    // Signals are small and wait for nobody: without this, Nagle's algorithm delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_read_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Errors of one connection that was gone before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
