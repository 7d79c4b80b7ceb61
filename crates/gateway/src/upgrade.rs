//! From an HTTP request to a session: the WebSocket handshake of the native protocol.

use std::sync::Arc;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use switchboard_protocol::{CloseCode, Codec, PeerId};
use switchboard_session::Closing;

use crate::auth::bearer;
use crate::dialect::native::Native;
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::operations::RETRY_AFTER;
use crate::session_task::Connection;
use crate::wire::Wire;

/// Allocated for every idle socket: kept small. What is larger is read in several steps.
const READ_BUFFER_BYTES: usize = 2048;
/// What gathers before it is handed to the kernel; a buffer grows to this only under load.
const WRITE_BUFFER_BYTES: usize = 8192;

#[derive(Deserialize)]
pub(crate) struct ConnectQuery {
    access_token: Option<String>,
}

/// `GET /v1/connect`
pub(crate) async fn connect(
    State(gateway): State<Arc<Gateway>>,
    Query(query): Query<ConnectQuery>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let allowed = gateway.origins.allow_handshake(&headers);
    let token = bearer(&headers).map(str::to_owned).or(query.access_token);
    let message_bytes_max = gateway.config.limits.max_message_bytes;
    let upgrade = upgrade
        .protocols(Codec::SUBPROTOCOLS)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(message_bytes_max)
        .max_frame_size(message_bytes_max);
    upgrade.on_upgrade(move |socket| async move {
        // A task of its own: the one that waited for the handshake is several times as large.
        let tasks = gateway.tasks.clone();
        tasks.spawn(serve(gateway, socket, token, allowed));
    })
}

async fn serve(gateway: Arc<Gateway>, socket: WebSocket, token: Option<String>, allowed: bool) {
    let subprotocol = socket
        .protocol()
        .and_then(|protocol| protocol.to_str().ok());
    let codec = subprotocol
        .and_then(Codec::from_subprotocol)
        .unwrap_or(Codec::Json);
    let wire = Wire::new(socket, Native::new(codec));
    let (peer, mailbox) = (
        PeerId::random(),
        Arc::new(Mailbox::new(gateway.rules.outbox_bytes_max)),
    );
    if !allowed {
        let words = "pages of this origin may not connect here";
        return refuse(
            &gateway,
            wire,
            Closing::because(CloseCode::Forbidden, words),
        )
        .await;
    }
    let Some(_place) = gateway.registry.enter(peer, &mailbox) else {
        let words = "this node holds as many connections as it may";
        return refuse(
            &gateway,
            wire,
            Closing::because(CloseCode::Unavailable, words).retry_after(RETRY_AFTER * 10),
        )
        .await;
    };
    gateway.metrics.connected();
    Connection {
        gateway: gateway.clone(),
        wire,
        peer,
        mailbox,
        token,
    }
    .run()
    .await;
}

/// Ends a connection before it is one. The close code is told after the handshake: a browser sees none before.
async fn refuse(gateway: &Gateway, wire: Wire, closing: Closing) {
    gateway.metrics.closed(Some(closing.code));
    wire.close(&Mailbox::new(0), &closing).await;
}
