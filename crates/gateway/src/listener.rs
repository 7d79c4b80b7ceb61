//! Accepts TCP connections and speaks HTTP/1.1 on them, with the bounds that `axum::serve` does not have.

mod preamble;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use switchboard_cluster::Repeated;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::preamble::Opened;
pub(crate) use self::preamble::Preamble;
use crate::doors::{Doors, Passage, TimedBody, Visit};
use crate::source::{Proxies, Source};
use crate::tasks::{self, Task};

/// A request's head, bytes; also what hyper reads at once.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// After an error of the system itself (no file left), before the next accept: connections that are cut off then are closed
/// by their own tasks.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// So many are cut off each time that the system has no file left.
const CUT_OFF: usize = 4;

static CANNOT_ACCEPT: Repeated = Repeated::new();

/// How connections are accepted.
pub(crate) struct Bounds {
    /// A request's head must be complete within this, and then its body; a client that takes an answer must take some of it.
    pub(crate) read_timeout: Duration,
    pub(crate) proxies: Arc<Proxies>,
    /// What comes before HTTP, where anything does.
    pub(crate) preamble: Option<Preamble>,
}

/// Serves `router` on `listener` until told to stop accepting. Connections that are open go on.
pub(crate) async fn serve(
    listener: TcpListener,
    doors: Arc<Doors>,
    router: Router,
    bounds: Arc<Bounds>,
    tasks: TaskTracker,
    stop_accepting: CancellationToken,
) {
    loop {
        let accept = async {
            doors.settled().await;
            listener.accept().await
        };
        let accepted = tokio::select! {
            accepted = accept => accepted,
            () = stop_accepting.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Signals are small and wait for nobody: without this, Nagle's algorithm delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                let visit = doors.enter(peer.ip());
                let passage = Passage::new(stream, visit.clone(), bounds.read_timeout);
                let speaking = speak(
                    passage,
                    visit,
                    router.clone(),
                    bounds.clone(),
                    stop_accepting.clone(),
                );
                tasks::spawn(&tasks, Task::Http, speaking);
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                if let Some(said) = CANNOT_ACCEPT.happened() {
                    tracing::warn!(%error, "connections cannot be accepted; some without a session are cut off{said}");
                }
                doors.make_room(CUT_OFF);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn speak(
    passage: Passage,
    visit: Arc<Visit>,
    router: Router,
    bounds: Arc<Bounds>,
    stop: CancellationToken,
) {
    let opened = match &bounds.preamble {
        None => Some(Opened::Plain(passage)),
        // Boxed: what has no preamble does not carry room for one.
        Some(preamble) => {
            Box::pin(async {
                tokio::select! {
                    opened = preamble.open(passage, &visit, bounds.read_timeout) => opened,
                    () = stop.cancelled() => None,
                }
            })
            .await
        }
    };
    match opened {
        Some(Opened::Plain(passage)) => speak_http(passage, visit, router, bounds, stop).await,
        Some(Opened::Tls(stream)) => speak_http(stream, visit, router, bounds, stop).await,
        None => {}
    }
}

async fn speak_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    visit: Arc<Visit>,
    router: Router,
    bounds: Arc<Bounds>,
    stop: CancellationToken,
) {
    let router = TowerToHyperService::new(router);
    let within = bounds.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let visit = visit.clone();
        let answer = router.call(announce(request, &visit, &within));
        async move {
            let answer = answer.await;
            match &answer {
                Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    visit.upgraded()
                }
                _ => visit.answered(),
            }
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.read_timeout)
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

/// Notes whose request it is, for its connection and beside the request, and gives its body a deadline.
fn announce(mut request: Request<Incoming>, visit: &Arc<Visit>, bounds: &Bounds) -> Request<Body> {
    use hyper::body::Body as _;
    let peer = visit.peer();
    let client = match visit.may_forward() {
        true => bounds.proxies.client(peer, request.headers()),
        false => peer,
    };
    let is_whole = request.body().is_end_stream();
    visit.asked(Source::of(client), is_whole);
    request.extensions_mut().insert(visit.clone());
    request.map(|body| {
        if is_whole {
            Body::empty()
        } else {
            Body::new(TimedBody::new(body, visit.clone(), bounds.read_timeout))
        }
    })
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
