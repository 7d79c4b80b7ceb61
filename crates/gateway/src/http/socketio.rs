//! Where Socket.IO's clients come, and the file that pages load them from.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, get_service};
use tower_http::services::ServeFile;

use crate::doors::count_file;
use crate::engineio::{self, Engine};
use crate::gateway::Gateway;

const CLIENT: &str = "/socket.io/socket.io.js";

pub(super) fn routes(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    let client = match &gateway.config.socketio.client_file {
        Some(file) => get_service(ServeFile::new(file)).layer(from_fn(count_file)),
        None => get(no_client),
    };
    let engine = Arc::new(Engine::new(gateway.clone()));
    Router::new()
        .route(engineio::PATH, any(engineio::serve).with_state(engine))
        .route(CLIENT, client)
}

async fn no_client() -> Response {
    let words = "this node has no client file: set `socketio.client_file` to the socket.io.min.js of the npm package \
                 socket.io-client, or load it from elsewhere\n";
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::NOT_FOUND, headers, words).into_response()
}
