//! From an HTTP request to a connection, for the dialects whose clients open a WebSocket.

use std::sync::Arc;

use axum::extract::ws::WebSocket;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use switchboard_dialects::Dialect;
use switchboard_dialects::mdn::Mdn;
use switchboard_dialects::native::Native;
use switchboard_dialects::stomp::{Bounds, Stomp};
use switchboard_protocol::Codec;

use crate::caller::Caller;
use crate::connection;
use crate::gateway::Gateway;
use crate::handshake::Handshake;
use crate::web_socket::WebSocketTransport;

/// `GET /v1/connect`
pub(crate) async fn native(opening: Opening) -> Response {
    opening.serve(Codec::SUBPROTOCOLS, |socket| {
        Box::new(Native::new(codec(socket)))
    })
}

/// `GET /ws`
pub(crate) async fn stomp(opening: Opening) -> Response {
    let limits = &opening.gateway.config.limits;
    let dialect = Stomp::new(Bounds {
        frame_bytes_max: limits.max_message_bytes,
        back_bytes_max: limits.outbox_bytes,
    });
    opening.serve(Stomp::SUBPROTOCOLS, |_| Box::new(dialect))
}

/// A WebSocket at `GET /`
pub(crate) async fn mdn(opening: Opening) -> Response {
    let dialect = Mdn::new(opening.gateway.config.limits.outbox_bytes);
    opening.serve(["json"], |_| Box::new(dialect))
}

/// The handshake of a WebSocket (RFC 6455 section 4) whose client is to be served.
pub(crate) struct Opening {
    gateway: Arc<Gateway>,
    caller: Caller,
    handshake: Handshake,
}

/// A token in the URL, for clients that can set no header.
#[derive(Deserialize)]
pub(crate) struct TokenInUrl {
    pub(crate) access_token: Option<String>,
}

impl FromRequestParts<Arc<Gateway>> for Opening {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Response> {
        let handshake = Handshake::read(parts).await;
        let handshake = handshake.map_err(IntoResponse::into_response)?;
        if !gateway.drains.takes() {
            return Err(connect_elsewhere());
        }
        let query = Query::<TokenInUrl>::try_from_uri(&parts.uri);
        let query = query.map_err(IntoResponse::into_response)?;
        let mut caller = Caller::of(gateway, parts);
        caller.token = caller.token.or(query.0.access_token);
        Ok(Self {
            gateway: gateway.clone(),
            caller,
            handshake,
        })
    }
}

impl Opening {
    fn serve(
        self,
        subprotocols: impl IntoIterator<Item = &'static str>,
        dialect: impl FnOnce(&WebSocket) -> Box<dyn Dialect> + Send + 'static,
    ) -> Response {
        let Self {
            gateway,
            caller,
            handshake,
        } = self;
        let message_bytes_max = gateway.config.limits.max_message_bytes;
        handshake.accept(subprotocols, message_bytes_max, move |socket| async move {
            // A task of its own: the one that waited for the handshake is several times as large.
            let dialect = dialect(&socket);
            connection::start(&gateway, WebSocketTransport::new(socket), dialect, caller);
        })
    }
}

/// A node that drains takes nobody new; the connection is closed, for a load balancer that would use it again.
pub(crate) fn connect_elsewhere() -> Response {
    let headers = [(header::CONNECTION, "close"), (header::RETRY_AFTER, "1")];
    let words = "this node hands its sessions over to others; connect again\n";
    (StatusCode::SERVICE_UNAVAILABLE, headers, words).into_response()
}

fn codec(socket: &WebSocket) -> Codec {
    let subprotocol = socket
        .protocol()
        .and_then(|protocol| protocol.to_str().ok());
    subprotocol
        .and_then(Codec::from_subprotocol)
        .unwrap_or(Codec::Json)
}
