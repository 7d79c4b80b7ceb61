//! Requests over HTTP that take the token that `hello` takes: who asks, within rates of each address and each user.

use std::time::{Duration, Instant};

use axum::Json;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use switchboard_auth::Identity;
use switchboard_connection::Observe;
use switchboard_protocol::PeerId;
use switchboard_session::{Rule, millis_up};

use crate::auth::{IdentityClaim, Refused, bearer};
use crate::caller;
use crate::gateway::Gateway;

/// Who asks, by the token in the head or else by the one in the URL; or the answer.
pub(super) async fn asker(
    gateway: &Gateway,
    parts: &Parts,
    in_url: Option<&str>,
) -> Result<Identity, Response> {
    let (rates, source) = (&gateway.http_rates, caller::source(parts));
    let now = Instant::now();
    rates.addresses.take(source, now).map_err(|pause| {
        let words = "too many requests from this address (limits.http_per_second_per_address)";
        limited(gateway, Rule::HttpPerSecondPerAddress, words, pause)
    })?;
    let claim = IdentityClaim {
        token: bearer(&parts.headers).or(in_url),
        ..IdentityClaim::default()
    };
    let peer = PeerId::random();
    let identity = gateway.authenticator.authenticate(&claim, &peer, source);
    let identity = identity.await.map_err(|refused| {
        let words = refused.to_string();
        match refused {
            Refused::Token(_) => unauthorized(&words),
            Refused::Limited { rule, retry_after } => limited(gateway, rule, &words, retry_after),
            Refused::Unavailable { retry_after, .. } => {
                later(StatusCode::SERVICE_UNAVAILABLE, &words, retry_after)
            }
        }
    })?;
    if !gateway.authenticator.asks_for_tokens() {
        return Ok(identity);
    }
    rates
        .users
        .take(identity.user.clone(), now)
        .map_err(|pause| {
            let words = "too many requests of this user (limits.http_per_second_per_user)";
            limited(gateway, Rule::HttpPerSecondPerUser, words, pause)
        })?;
    Ok(identity)
}

fn unauthorized(words: &str) -> Response {
    let scheme = [(header::WWW_AUTHENTICATE, "Bearer")];
    let error = Json(json!({ "error": words }));
    (StatusCode::UNAUTHORIZED, scheme, error).into_response()
}

fn limited(gateway: &Gateway, rule: Rule, words: &str, pause: Duration) -> Response {
    gateway.metrics.limited(rule);
    later(StatusCode::TOO_MANY_REQUESTS, words, pause)
}

/// `Retry-After` is in whole seconds (RFC 9110 section 10.2.3), rounded up.
fn later(status: StatusCode, words: &str, pause: Duration) -> Response {
    let ms = millis_up(pause);
    let headers = [(header::RETRY_AFTER, ms.div_ceil(1000).to_string())];
    let error = Json(json!({ "error": words, "retry_after_ms": ms }));
    (status, headers, error).into_response()
}
