//! `GET /v1/ice-servers`: for clients that need them before, or without, a session.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use switchboard_connection::IceServers;

use super::asker::asker;
use crate::gateway::Gateway;
use crate::upgrade::TokenInUrl;

/// Takes the token that `hello` takes.
pub(super) async fn ice_servers(
    State(gateway): State<Arc<Gateway>>,
    Query(in_url): Query<TokenInUrl>,
    parts: Parts,
) -> Response {
    let identity = match asker(&gateway, &parts, in_url.access_token.as_deref()).await {
        Ok(identity) => identity,
        Err(refused) => return refused,
    };
    let offer = gateway.ice.offer(&identity.user);
    let answer = json!({ "iceServers": offer.servers, "ttl": offer.ttl.as_secs() });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
