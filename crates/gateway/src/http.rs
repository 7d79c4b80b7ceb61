//! The HTTP side of a node: which path leads where.

mod admin;
mod demo;
pub(crate) mod nodes;
pub(crate) mod origin;
mod pages;
mod socketio;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header, request};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::DialectName;
use crate::gateway::Gateway;
use crate::upgrade;

/// Bodies of the server API are short.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What is served on `listen`.
pub(crate) fn public(gateway: Arc<Gateway>) -> Router {
    let connect =
        get(upgrade::connect).layer(from_fn_with_state(gateway.clone(), only_while_taking));
    let router = Router::new()
        .route("/v1/connect", connect)
        .route("/health", get(pages::health))
        .route("/", get(demo::page))
        .route("/demo/{*file}", get(demo::demo_file))
        .route("/sdk/{*file}", get(demo::sdk_file));
    let router = match gateway.config.dialects.contains(&DialectName::SocketIo) {
        true => router.merge(socketio::routes(&gateway)),
        false => router,
    };
    let router = match gateway.config.ops_listen {
        Some(_) => router,
        None => router.merge(ops_routes()),
    };
    let cors = cors(gateway.clone());
    router.layer(cors).with_state(gateway)
}

/// What is served on `ops_listen`, where that is set.
pub(crate) fn ops(gateway: Arc<Gateway>) -> Router {
    ops_routes()
        .route("/health", get(pages::health))
        .with_state(gateway)
}

fn ops_routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .route("/metrics", get(pages::metrics))
        .route("/v1/nodes/{id}", get(nodes::report))
        .route("/v1/nodes/{id}/drain", post(nodes::drain))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// A node that drains takes nobody new. Where the ops routes are on the same listener it stays open for them, so this is
/// said here; the connection is closed, for a load balancer that would use it again.
async fn only_while_taking(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response {
    if gateway.drains.takes() {
        return next.run(request).await;
    }
    let headers = [(header::CONNECTION, "close"), (header::RETRY_AFTER, "1")];
    let words = "this node hands its sessions over to others; connect again\n";
    (StatusCode::SERVICE_UNAVAILABLE, headers, words).into_response()
}

fn cors(gateway: Arc<Gateway>) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, request: &request::Parts| {
        gateway.origins.allow(origin, &request.headers)
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("traceparent"),
        ])
}
