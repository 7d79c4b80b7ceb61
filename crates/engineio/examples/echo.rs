//! Says back what it hears, over Engine.IO. The protocol's own test suite, for example, expects it like this:
//!
//! ```text
//! cargo run -p switchboard-engineio --example echo -- --listen 127.0.0.1:3000 --ping-interval-ms 300 --ping-timeout-ms 200
//! ```

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Parser;
use futures_util::{SinkExt, StreamExt, future::poll_fn};
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use switchboard_engineio::{
    Answer, Candidate, Ending, Frame, Message, OpenPoll, Refused, Request, Session, Sessions,
    Settings, SharedSession, Sid, Transport,
};
use tokio::net::TcpListener;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error, Message as WsMessage};

/// A body that is not there by then does not come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Parser)]
struct Options {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where Engine.IO is
    #[arg(long, default_value = "/engine.io/")]
    path: String,
    /// Milliseconds between two pings
    #[arg(long, default_value_t = 25_000)]
    ping_interval_ms: u64,
    /// Milliseconds in which a ping is answered
    #[arg(long, default_value_t = 20_000)]
    ping_timeout_ms: u64,
    /// The largest payload, bytes
    #[arg(long, default_value_t = 1_000_000)]
    max_payload: usize,
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Shared = Arc<SharedSession<Socket>>;

struct Server {
    path: String,
    sessions: Sessions<Socket>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let listener = TcpListener::bind(options.listen).await?;
    println!("http://{}{}", listener.local_addr()?, options.path);
    let server = Arc::new(Server {
        path: options.path,
        sessions: Sessions::new(Settings {
            ping_interval: Duration::from_millis(options.ping_interval_ms),
            ping_timeout: Duration::from_millis(options.ping_timeout_ms),
            max_payload: options.max_payload,
            ..Settings::default()
        }),
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let server = server.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| serve(server.clone(), request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away is no event.
            let _ = connection.with_upgrades().await;
        });
    }
}

/// Answers one request.
async fn serve(
    server: Arc<Server>,
    mut request: hyper::Request<Incoming>,
) -> anyhow::Result<Response<Full<Bytes>>> {
    if request.uri().path() != server.path {
        return respond(StatusCode::NOT_FOUND, "");
    }
    let query = request.uri().query().unwrap_or_default();
    let done = match Request::read(request.method().as_str(), query) {
        Ok(Request::Open(Transport::Polling)) => {
            let (sid, session) = server.sessions.open(Transport::Polling, Instant::now());
            let poll = session.opening();
            tokio::spawn(echo(server, sid, session, None));
            return answer(poll).await;
        }
        Ok(Request::Open(Transport::WebSocket)) => upgrade(&mut request, |socket| async move {
            let (sid, session) = server.sessions.open(Transport::WebSocket, Instant::now());
            echo(server, sid, session, Some(socket)).await;
        }),
        Ok(Request::Upgrade(sid)) => match server.sessions.find(&sid) {
            Ok(session) => upgrade(&mut request, |socket| async move { session.arrive(socket) }),
            Err(refused) => Err(refused),
        },
        Ok(Request::Poll(sid)) => {
            let session = server.sessions.find(&sid);
            match session.and_then(|session| session.poll(Instant::now())) {
                Ok(poll) => return answer(poll).await,
                Err(refused) => Err(refused),
            }
        }
        Ok(Request::Post(sid)) => match server.sessions.find(&sid) {
            Ok(session) => match post(&session, request).await {
                Ok(()) => return respond(StatusCode::OK, "ok"),
                Err(refused) => Err(refused),
            },
            Err(refused) => Err(refused),
        },
        Err(refused) => Err(refused),
    };
    match done {
        Ok(response) => Ok(response),
        Err(refused) => respond(StatusCode::from_u16(refused.status())?, refused.body()),
    }
}

fn respond(status: StatusCode, body: impl Into<Bytes>) -> anyhow::Result<Response<Full<Bytes>>> {
    let response = Response::builder().status(status);
    let response = response.header(header::CONTENT_TYPE, "text/plain; charset=UTF-8");
    response.body(Full::new(body.into())).context("a response")
}

/// Waits until there is something to say.
async fn answer(mut poll: OpenPoll<Socket>) -> anyhow::Result<Response<Full<Bytes>>> {
    let answer = poll_fn(|cx| poll.poll_answer(cx, Instant::now())).await;
    respond(StatusCode::OK, Bytes::from_owner(Sent(Some(answer))))
}

/// An answer that counts as taken once hyper has let go of it.
struct Sent(Option<Answer<Socket>>);

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        self.0
            .as_ref()
            .map_or(&[], |answer| answer.payload().as_bytes())
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(answer) = self.0.take() {
            answer.taken();
        }
    }
}

/// Reads what a POST brings.
async fn post(session: &Shared, request: hyper::Request<Incoming>) -> Result<(), Refused> {
    let post = session.post(Instant::now())?;
    let max = session.by_task(|session| session.max_payload());
    match timeout(BODY_TIMEOUT, Limited::new(request, max).collect()).await {
        Ok(Ok(body)) => post.body(&body.to_bytes(), Instant::now()),
        Ok(Err(_)) => {
            post.too_large();
            Err(Refused::TooLarge)
        }
        Err(_) => Err(Refused::TooSlow),
    }
}

/// The handshake of a WebSocket, for clients that make no mistakes.
fn upgrade<F: Future<Output = ()> + Send>(
    request: &mut hyper::Request<Incoming>,
    serve: impl FnOnce(Socket) -> F + Send + 'static,
) -> Result<Response<Full<Bytes>>, Refused> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let accept = derive_accept_key(key.ok_or(Refused::BadRequest)?.as_bytes());
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgraded.await {
            let config = Some(WebSocketConfig::default());
            let stream = TokioIo::new(upgraded);
            serve(WebSocketStream::from_raw_socket(stream, Role::Server, config).await).await;
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Full::default())
        .map_err(|_| Refused::BadRequest)
}

/// The task of one session.
async fn echo(server: Arc<Server>, sid: Sid, session: Shared, mut socket: Option<Socket>) {
    let mut candidate = None;
    loop {
        let turn = turn(&session, &mut socket, &mut candidate).await;
        if matches!(turn, Ok(ControlFlow::Break(())) | Err(_)) {
            break;
        }
    }
    session.by_task(|session| session.end(Ending::ClosedHere));
    server.sessions.remove(&sid);
    if let Some(mut socket) = socket {
        let _ = timeout(BODY_TIMEOUT, socket.close(None)).await;
    }
}

/// Does what there is to do, then waits for more.
async fn turn(
    session: &Shared,
    socket: &mut Option<Socket>,
    candidate: &mut Option<Box<Socket>>,
) -> Result<ControlFlow<()>, Error> {
    poll_fn(|cx| {
        session.register(cx.waker());
        Poll::Ready(())
    })
    .await;
    session.by_task(|session| {
        while let Some(message) = session.receive() {
            say_back(session, &message);
        }
    });
    if let Some(socket) = socket {
        while let Some(frame) = session.by_task(Session::next_frame) {
            socket.feed(message(frame)).await?;
        }
        socket.flush().await?;
    }
    if session.by_task(|session| session.ending().is_some()) {
        return Ok(ControlFlow::Break(()));
    }
    if let Some(arrived) = session.take_arrived()
        && session.by_task(|session| session.on_candidate(Instant::now()))
    {
        *candidate = Some(arrived);
    }
    let wake_at = session.by_task(|session| session.wake_at());
    tokio::select! {
        frame = next(socket.as_mut()) => hear(session, frame),
        frame = next(candidate.as_deref_mut()) => probe(session, socket, candidate, frame).await?,
        () = again() => {}
        () = sleep_until(wake_at.into()) => session.by_task(|session| session.on_time(Instant::now())),
    }
    if !session.by_task(|session| session.has_candidate()) {
        *candidate = None;
    }
    Ok(ControlFlow::Continue(()))
}

fn hear(session: &Shared, frame: Option<WsMessage>) {
    session.by_task(|session| match frame {
        Some(WsMessage::Text(text)) => {
            if let Some(message) = session.on_text(&text, Instant::now()) {
                say_back(session, &message);
            }
        }
        Some(WsMessage::Binary(bytes)) => session.send_binary(bytes),
        Some(WsMessage::Close(_)) | None => session.on_socket_gone(),
        Some(_) => {}
    });
}

async fn probe(
    session: &Shared,
    socket: &mut Option<Socket>,
    candidate: &mut Option<Box<Socket>>,
    frame: Option<WsMessage>,
) -> Result<(), Error> {
    let verdict = session.by_task(|session| match frame {
        Some(WsMessage::Text(text)) => session.on_candidate_text(&text, Instant::now()),
        _ => {
            session.on_candidate_gone();
            Candidate::Drop
        }
    });
    match (verdict, candidate.as_mut()) {
        (Candidate::Reply(frame), Some(candidate)) => {
            // A candidate that fails is no reason to end the session: it is noticed when it is read.
            let _ = candidate.send(message(frame)).await;
        }
        (Candidate::Switch, _) => *socket = candidate.take().map(|candidate| *candidate),
        _ => *candidate = None,
    }
    Ok(())
}

fn say_back(session: &mut Session, message: &Message<'_>) {
    match message {
        Message::Text(text) => session.send_text(text),
        Message::Binary(bytes) => session.send_binary(Bytes::copy_from_slice(bytes)),
    }
}

fn message(frame: Frame) -> WsMessage {
    match frame {
        Frame::Text(text) => WsMessage::text(text),
        Frame::Binary(bytes) => WsMessage::Binary(bytes),
    }
}

/// The next frame of a socket that is there.
async fn next(socket: Option<&mut Socket>) -> Option<tungstenite::Message> {
    match socket {
        Some(socket) => socket.next().await?.ok(),
        None => std::future::pending().await,
    }
}

/// Ready when the task is woken again.
async fn again() {
    let mut is_first = true;
    poll_fn(|_| {
        if std::mem::take(&mut is_first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}
