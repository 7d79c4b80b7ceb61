//! Who may use the server API.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use switchboard_session::millis_up;

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
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "the server API is closed: set admin.token (SWITCHBOARD_ADMIN__TOKEN) on this node to open it",
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

/// What comes with a request of the server API, whole.
pub(crate) struct AdminBody(pub(crate) Bytes);

impl FromRequest<Arc<Gateway>> for AdminBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, gateway).await;
        bytes
            .map(Self)
            .map_err(|rejected| Refusal::new(rejected.status(), rejected.body_text()))
    }
}

/// A status and a sentence, told as a problem (RFC 9457).
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    words: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self {
            status,
            words: words.into(),
            retry_after: None,
        }
    }

    /// It cannot be done now, and may be after this.
    pub(crate) fn for_now(words: impl Into<String>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, words)
        }
    }

    fn unauthorized(words: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, words)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut problem = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.words,
            // As releases before this one said it, for their `switchboard drain`.
            "error": self.words,
        });
        let mut headers = HeaderMap::new();
        let problem_json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem_json);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(pause) = self.retry_after {
            let millis = millis_up(pause);
            problem["retry_after_ms"] = millis.into();
            headers.insert(header::RETRY_AFTER, millis.div_ceil(1000).into());
        }
        (self.status, headers, problem.to_string()).into_response()
    }
}
