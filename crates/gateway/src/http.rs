//! The HTTP side of a node: which path leads where.

mod admin;
mod asker;
mod demo;
mod embedded;
mod folder;
mod ice_servers;
pub(crate) mod nodes;
pub(crate) mod origin;
mod pages;
mod revocations;
mod socketio;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderValue, Method, request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::caller;
use crate::config::DialectName;
use crate::gateway::Gateway;
use crate::handshake;
use crate::upgrade::{self, Opening};

/// Bodies of the server API are short.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What is served on `listen`.
pub(crate) fn public(gateway: Arc<Gateway>) -> Router {
    let speaks = |dialect| gateway.config.dialects.contains(&dialect);
    let mut router = Router::new()
        .route("/health", get(pages::health))
        .route("/v1/ice-servers", get(ice_servers::ice_servers))
        .route("/demo/{*file}", get(demo::demo_file))
        .route("/sdk/{*file}", get(demo::sdk_file));
    router = match &gateway.config.static_dir {
        Some(folder) => router
            .route_service("/", folder::files(folder))
            .fallback_service(folder::files(folder)),
        None => router.route("/", get(demo::page)),
    };
    if speaks(DialectName::Native) {
        router = router.route("/v1/connect", get(upgrade::native));
    }
    if speaks(DialectName::SocketIo) {
        router = router.merge(socketio::routes(&gateway));
    }
    if speaks(DialectName::Stomp) {
        router = router.route("/ws", get(upgrade::stomp));
    }
    if speaks(DialectName::Mdn) {
        router = router.layer(from_fn_with_state(gateway.clone(), mdn_at_the_root));
    }
    // What is merged after this layer has no CORS headers: how a node is, is no page's business.
    router = router.layer(cors(gateway.clone()));
    if gateway.config.ops_listen.is_none() {
        router = router.merge(ops_routes());
    }
    let listen = gateway.config.listen;
    guarded(router, &gateway, listen).with_state(gateway)
}

/// Beside the page, the root has the chat's WebSockets.
async fn mdn_at_the_root(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response {
    let is_its_own = request.uri().path() == "/" && handshake::asks(request.headers());
    if !is_its_own {
        return next.run(request).await;
    }
    match Opening::from_request(request, &gateway).await {
        Ok(opening) => upgrade::mdn(opening).await,
        Err(refused) => refused,
    }
}

/// What is served on `ops_listen`, where that is set.
pub(crate) fn ops(gateway: Arc<Gateway>) -> Router {
    let router = ops_routes().route("/health", get(pages::health));
    let listen = gateway.config.ops_listener();
    guarded(router, &gateway, listen).with_state(gateway)
}

/// On loopback, requests for other names are refused.
fn guarded(
    router: Router<Arc<Gateway>>,
    gateway: &Gateway,
    listener: SocketAddr,
) -> Router<Arc<Gateway>> {
    if origin::guards_names(&gateway.config, listener) {
        router.layer(from_fn(origin::loopback_names_only))
    } else {
        router
    }
}

fn ops_routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .route("/metrics", get(pages::metrics))
        .route("/v1/nodes/{id}", get(nodes::report))
        .route("/v1/nodes/{id}/drain", post(nodes::drain))
        .route("/v1/revocations", post(revocations::revoke))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

fn cors(gateway: Arc<Gateway>) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, request: &request::Parts| {
        caller::allows(&gateway, request, |asked| {
            gateway.origins.check(origin, asked)
        })
        .is_ok()
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        // Pages send headers of their own, `x-client-version` and the like: what a request asks for is allowed, since the
        // gateway reads those that it knows and no other.
        .allow_headers(AllowHeaders::mirror_request())
}
