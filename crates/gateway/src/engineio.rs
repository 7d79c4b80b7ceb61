//! Engine.IO, the layer below Socket.IO: one socket over several HTTP requests and a WebSocket, as the `engineioxide`
//! crate makes it. Here it is made into what a session's task reads and writes.
//!
//! ```text
//! HTTP ─► engineioxide ─► Inbox ─► EngineSocket ─► Wire        (Wire ─► EngineSocket ─► engineioxide ─► HTTP)
//! ```

mod inbox;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use engineioxide::config::EngineIoConfig;
use engineioxide::handler::EngineIoHandler;
use engineioxide::service::EngineIoService;
use engineioxide::{DisconnectReason, Str};

use self::inbox::Inbox;
use self::socket::EngineSocket;
use crate::caller::Caller;
use crate::connection;
use crate::dialect::socketio::SocketIo;
use crate::gateway::Gateway;
use crate::wire::Wire;

type Socket = engineioxide::Socket<Inbox>;

/// Where its requests go.
pub(crate) const PATH: &str = "/socket.io/";
/// How often the client is asked for a sign of life, and how long it may take: document 002.
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest message: document 002.
const MESSAGE_BYTES_MAX: usize = 1_000_000;
/// Packets that the library takes before it has written them. What comes beyond waits in the session's own outbox, which
/// is bounded in bytes.
const BUFFERED_PACKETS: usize = 32;
const READ_BUFFER_BYTES: usize = 2048;

/// What the library does with its connections.
pub(crate) struct Engine {
    gateway: Arc<Gateway>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// What answers requests to [`PATH`].
pub(crate) fn service(gateway: Arc<Gateway>) -> EngineIoService<Engine> {
    let config = EngineIoConfig::builder()
        .req_path(PATH)
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .max_payload(MESSAGE_BYTES_MAX as u64)
        .ws_max_message_size(MESSAGE_BYTES_MAX)
        .ws_max_frame_size(MESSAGE_BYTES_MAX)
        .ws_read_buffer_size(READ_BUFFER_BYTES)
        .max_buffer_size(BUFFERED_PACKETS)
        .build();
    EngineIoService::with_config(Arc::new(Engine { gateway }), config)
}

/// Whether a request wants to open a connection, and is not of one that is there.
pub(crate) fn opens(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    !query.split('&').any(|pair| pair.starts_with("sid="))
}

impl EngineIoHandler for Engine {
    type Data = Inbox;

    fn on_connect(self: Arc<Self>, socket: Arc<Socket>) {
        let gateway = self.gateway.clone();
        let caller = Caller::of(&gateway, &socket.req_parts);
        let dialect = SocketIo::new(gateway.config.error_texts);
        let wire = Wire::new(EngineSocket::new(socket));
        let tasks = gateway.tasks.clone();
        tasks.spawn(connection::serve(gateway, wire, Box::new(dialect), caller));
    }

    fn on_disconnect(&self, socket: Arc<Socket>, _reason: DisconnectReason) {
        socket.data.end();
    }

    fn on_message(self: &Arc<Self>, message: Str, socket: Arc<Socket>) {
        if !socket.data.text(message) {
            socket.close(DisconnectReason::TransportClose);
        }
    }

    fn on_binary(self: &Arc<Self>, data: Bytes, socket: Arc<Socket>) {
        if !socket.data.binary(data) {
            socket.close(DisconnectReason::TransportClose);
        }
    }
}
