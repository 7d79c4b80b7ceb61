//! Where Socket.IO's clients come, and the file that pages load them from.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, get_service};
use tower_http::services::ServeFile;

use crate::doors::hold_file;
use crate::engineio;
use crate::gateway::Gateway;
use crate::upgrade::connect_elsewhere;

const CLIENT: &str = "/socket.io/socket.io.js";

pub(super) fn routes(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    let client = match &gateway.config.socketio.client_file {
        Some(file) => get_service(ServeFile::new(file)).layer(from_fn(hold_file)),
        None => get(no_client),
    };
    let guard = from_fn_with_state(gateway.clone(), new_ones_while_taking);
    Router::new()
        .route_service(engineio::PATH, engineio::service(gateway.clone()))
        .layer(guard)
        .route(CLIENT, client)
}

/// Requests of connections that are there are answered to their end.
async fn new_ones_while_taking(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response {
    if engineio::opens(&request) && !gateway.drains.takes() {
        return connect_elsewhere();
    }
    next.run(request).await
}

async fn no_client() -> Response {
    let words = "this node has no client file: set `socketio.client_file` to the socket.io.min.js of the npm package \
                 socket.io-client, or load it from elsewhere\n";
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::NOT_FOUND, headers, words).into_response()
}
