//! From an HTTP request to a session: the WebSocket handshake of the native protocol.

use std::sync::Arc;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use switchboard_protocol::Codec;

use crate::auth::bearer;
use crate::connection;
use crate::dialect::native::Native;
use crate::gateway::Gateway;
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
        let dialect = Native::new(codec(&socket));
        let wire = Wire::new(socket);
        tasks.spawn(connection::serve(
            gateway,
            wire,
            Box::new(dialect),
            token,
            allowed,
        ));
    })
}

fn codec(socket: &WebSocket) -> Codec {
    let subprotocol = socket
        .protocol()
        .and_then(|protocol| protocol.to_str().ok());
    subprotocol
        .and_then(Codec::from_subprotocol)
        .unwrap_or(Codec::Json)
}
