//! Engine.IO over HTTP: what the requests of Socket.IO's clients come to. The protocol itself is `switchboard-engineio`.
//!
//! ```text
//! GET, POST ─► serve ─► SharedSession ─► EngineSocket ─► connection      (connection ─► EngineSocket ─► SharedSession ─► answer ─► GET)
//! WebSocket ─► serve ──────────────────► EngineSocket ─► connection      and back
//! ```
//!
//! A session's WebSocket belongs to the session's task, as in the other dialects. What is polled for waits in the
//! `SharedSession`, and is with the kernel once `answer` says so.

mod answer;
mod socket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::ws::WebSocket;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use switchboard_dialects::socketio::SocketIo;
use switchboard_engineio::{
    OpenPost, Refused, Request as Asked, Session, Sessions, Settings, SharedSession, Sid, Transport,
};

use self::answer::answer;
use self::socket::EngineSocket;
use crate::caller::{self, Caller, visit};
use crate::connection;
use crate::doors::TooSlow;
use crate::gateway::Gateway;
use crate::handshake::{self, Handshake};
use crate::upgrade::connect_elsewhere;

/// Where its requests go.
pub(crate) const PATH: &str = "/socket.io/";
/// How often the client is asked for a sign of life, and how long it may take: the tutorial on video rooms.
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest message: the tutorial on video and presence.
const MESSAGE_BYTES_MAX: usize = 1_000_000;

type Shared = Arc<SharedSession<OpenedSocket>>;

/// A WebSocket that was opened for a session that is there, and the request that opened it.
struct OpenedSocket {
    socket: WebSocket,
    parts: Parts,
}

/// All sessions of this node's clients of Engine.IO.
pub(crate) struct Engine {
    gateway: Arc<Gateway>,
    sessions: Sessions<OpenedSocket>,
}

impl Engine {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        let sessions = Sessions::new(Settings {
            ping_interval: PING_INTERVAL,
            ping_timeout: PING_TIMEOUT,
            max_payload: MESSAGE_BYTES_MAX,
            ..Settings::default()
        });
        Self { gateway, sessions }
    }

    /// Begins the session of a client, which polls unless it came with a WebSocket.
    fn begin(
        self: &Arc<Self>,
        (sid, session): (Sid, Shared),
        caller: Caller,
        web_socket: Option<WebSocket>,
    ) {
        let gateway = self.gateway.clone();
        let dialect = SocketIo::new(gateway.config.error_texts);
        let carriers = caller.carriers.clone();
        let socket = EngineSocket::new(self.clone(), (sid, session), carriers, web_socket);
        connection::start(&gateway, socket, Box::new(dialect), caller);
    }
}

/// A request to [`PATH`].
pub(crate) async fn serve(State(engine): State<Arc<Engine>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let served = match Asked::read(parts.method.as_str(), query) {
        // Requests of sessions that are there are answered to their end.
        Ok(Asked::Open(_)) if !engine.gateway.drains.takes() => Ok(connect_elsewhere()),
        Ok(Asked::Open(Transport::Polling)) => Ok(open_polling(&engine, &parts).await),
        Ok(Asked::Open(Transport::WebSocket)) => open_web_socket(engine, parts).await,
        Ok(Asked::Upgrade(sid)) => upgrade(&engine, &sid, parts).await,
        Ok(Asked::Poll(sid)) => poll(&engine, &sid, &parts).await,
        Ok(Asked::Post(sid)) => post(&engine, &sid, &parts, body).await,
        Err(refused) => Err(refused),
    };
    served.unwrap_or_else(refuse)
}

async fn open_polling(engine: &Arc<Engine>, parts: &Parts) -> Response {
    let caller = Caller::of(&engine.gateway, parts);
    let (sid, session) = engine.sessions.open(Transport::Polling, Instant::now());
    if caller.refused.is_some() {
        session.by_task(Session::stop_hearing);
    }
    let poll = session.opening();
    engine.begin((sid, session), caller, None);
    answer(poll, visit(parts)).await
}

async fn open_web_socket(engine: Arc<Engine>, mut parts: Parts) -> Result<Response, Refused> {
    let handshake = match shake_hands(&mut parts).await? {
        Ok(handshake) => handshake,
        Err(refused) => return Ok(refused.into_response()),
    };
    let caller = Caller::of(&engine.gateway, &parts);
    let response = handshake.accept([], MESSAGE_BYTES_MAX, move |socket| async move {
        let session = engine.sessions.open(Transport::WebSocket, Instant::now());
        engine.begin(session, caller, Some(socket));
    });
    Ok(response)
}

/// A WebSocket for a session that is there. One that does not poll (any more) drops it.
async fn upgrade(engine: &Engine, sid: &Sid, mut parts: Parts) -> Result<Response, Refused> {
    check_origin(engine, &parts)?;
    let session = engine.sessions.find(sid)?;
    let response = match shake_hands(&mut parts).await? {
        Ok(handshake) => handshake.accept([], MESSAGE_BYTES_MAX, move |socket| async move {
            session.arrive(OpenedSocket { socket, parts });
        }),
        Err(refused) => refused.into_response(),
    };
    Ok(response)
}

/// A request that is no handshake at all is wrong in the terms of Engine.IO, and a bad one in those of WebSocket.
async fn shake_hands(
    parts: &mut Parts,
) -> Result<Result<Handshake, handshake::HandshakeError>, Refused> {
    if !handshake::asks(&parts.headers) {
        return Err(Refused::BadRequest);
    }
    Ok(Handshake::read(parts).await)
}

async fn poll(engine: &Engine, sid: &Sid, parts: &Parts) -> Result<Response, Refused> {
    let poll = engine.sessions.find(sid)?.poll(Instant::now())?;
    Ok(answer(poll, visit(parts)).await)
}

async fn post(engine: &Engine, sid: &Sid, parts: &Parts, body: Body) -> Result<Response, Refused> {
    let session = engine.sessions.find(sid)?;
    // A page that was let in only to be told why not says what it says meanwhile.
    if session.by_task(|session| session.hears()) {
        check_origin(engine, parts)?;
    }
    read(session.post(Instant::now())?, body).await?;
    Ok(plain(StatusCode::OK, "ok").into_response())
}

/// A page from where no session may be opened does not speak in one that is there either.
fn check_origin(engine: &Engine, parts: &Parts) -> Result<(), Refused> {
    let origins = &engine.gateway.origins;
    let checked = caller::allows(&engine.gateway, parts, |asked| {
        origins.check_handshake(asked)
    });
    checked.map_err(|_| Refused::Forbidden)
}

async fn read(post: OpenPost<OpenedSocket>, body: Body) -> Result<(), Refused> {
    if body.size_hint().lower() > MESSAGE_BYTES_MAX as u64 {
        post.too_large();
        return Err(Refused::TooLarge);
    }
    match Limited::new(body, MESSAGE_BYTES_MAX).collect().await {
        Ok(body) => post.body(&body.to_bytes(), Instant::now()),
        Err(error) if error.is::<LengthLimitError>() => {
            post.too_large();
            Err(Refused::TooLarge)
        }
        // The session is over: nobody knows what the client wanted to say.
        Err(error) if TooSlow::is_in(&*error) => Err(Refused::TooSlow),
        Err(_) => Err(Refused::BadRequest),
    }
}

fn refuse(refused: Refused) -> Response {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (status, content_type, refused.body()).into_response();
    if refused == Refused::TooSlow {
        let close = header::HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Packets are text, and not to be kept by anybody on the way.
fn plain<B>(status: StatusCode, body: B) -> impl IntoResponse + use<B>
where
    B: IntoResponse,
{
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body)
}
