//! `GET /v1/ice-servers`: for clients that need them before, or without, a session.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use switchboard_connection::IceServers;
use switchboard_protocol::PeerId;

use crate::auth::{IdentityClaim, Refused, bearer};
use crate::gateway::Gateway;
use crate::upgrade::TokenInUrl;

/// Takes the token that `hello` takes.
pub(super) async fn ice_servers(
    State(gateway): State<Arc<Gateway>>,
    Query(in_url): Query<TokenInUrl>,
    headers: HeaderMap,
) -> Response {
    let claim = IdentityClaim {
        token: bearer(&headers).or(in_url.access_token.as_deref()),
        user: None,
    };
    let peer = PeerId::random();
    let identity = gateway.authenticator.authenticate(&claim, &peer).await;
    let refused = identity.as_ref().err().map(|refused| &refused.error);
    gateway.metrics.authenticated(refused);
    match identity {
        Ok(identity) => {
            let offer = gateway.ice.offer(&identity.user);
            let answer = json!({
                "iceServers": offer.servers,
                "ttl": offer.ttl.as_secs(),
            });
            ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
        }
        Err(Refused { error, retry_after }) => {
            let error = Json(json!({ "error": error.to_string() }));
            match retry_after {
                None => (
                    StatusCode::UNAUTHORIZED,
                    [(header::WWW_AUTHENTICATE, "Bearer")],
                    error,
                )
                    .into_response(),
                Some(pause) => {
                    let seconds = pause.as_millis().div_ceil(1000).to_string();
                    (
                        StatusCode::SERVICE_UNAVAILABLE,
                        [(header::RETRY_AFTER, seconds)],
                        error,
                    )
                        .into_response()
                }
            }
        }
    }
}
