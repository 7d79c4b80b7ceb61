//! Who may use the server API.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::auth::bearer;
use crate::gateway::Gateway;

/// A request with `admin.token`. An argument of a handler in front of the body: without the token the body is not read.
pub(crate) struct Admin;

impl FromRequestParts<Arc<Gateway>> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Refusal> {
        let Some(token) = &gateway.config.admin.token else {
            return Err(Refusal(
                StatusCode::FORBIDDEN,
                "the server API is closed: set admin.token (SWITCHBOARD_ADMIN__TOKEN) on this node to open it".into(),
            ));
        };
        match bearer(&parts.headers) {
            Some(given) if token.matches(given) => Ok(Self),
            Some(_) => Err(Refusal::unauthorized(
                "this is not the admin.token of this node",
            )),
            None => Err(Refusal::unauthorized(
                "show the admin.token of this node as `Authorization: Bearer …`",
            )),
        }
    }
}

/// A status and a sentence.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl Refusal {
    fn unauthorized(words: &str) -> Self {
        Self(StatusCode::UNAUTHORIZED, words.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.1 }));
        if self.0 == StatusCode::UNAUTHORIZED {
            let scheme = [(header::WWW_AUTHENTICATE, "Bearer")];
            return (self.0, scheme, body).into_response();
        }
        (self.0, body).into_response()
    }
}
