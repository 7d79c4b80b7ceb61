//! The HTTP side of a node: which path leads where.

mod demo;
pub(crate) mod origin;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header, request};
use axum::routing::get;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::gateway::Gateway;
use crate::upgrade;

/// What is served on `listen`.
pub(crate) fn public(gateway: Arc<Gateway>) -> Router {
    let router = Router::new()
        .route("/v1/connect", get(upgrade::connect))
        .route("/health", get(pages::health))
        .route("/", get(demo::page))
        .route("/demo/{*file}", get(demo::demo_file))
        .route("/sdk/{*file}", get(demo::sdk_file));
    let router = match gateway.config.ops_listen {
        Some(_) => router,
        None => router.merge(ops_routes()),
    };
    let cors = cors(gateway.clone());
    router.layer(cors).with_state(gateway)
}

/// What is served on `ops_listen`, where that is set.
pub(crate) fn ops(gateway: Arc<Gateway>) -> Router {
    ops_routes().with_state(gateway)
}

fn ops_routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .route("/metrics", get(pages::metrics))
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
