//! `POST /v1/revocations`: an application says that a user, a token or a session is worth nothing any more.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use switchboard_cluster::{Revocation, RevokeError, RevokeRequest, Revoked};
use switchboard_protocol::{PeerId, UserId};

use super::admin::{Admin, AdminBody, Refusal};
use crate::gateway::Gateway;

/// A token with a longer `jti` is not taken.
const TOKEN_ID_BYTES_MAX: usize = 256;
/// How far ahead of this machine's clock a cut-off may be, seconds: it refuses all tokens that are made until then. What is
/// further was meant in milliseconds.
const AHEAD_MAX: u64 = 300;

/// One of the three, and what belongs to it. A field that is not known is a mistake: a cut-off that is misspelt would be now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    user: Option<String>,
    before: Option<u64>,
    token: Option<String>,
    peer: Option<String>,
}

/// What is revoked now.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<PeerId>,
    until: u64,
}

pub(super) async fn revoke(
    State(gateway): State<Arc<Gateway>>,
    _: Admin,
    AdminBody(body): AdminBody,
) -> Result<Json<Answer>, Refusal> {
    let body: Body = serde_json::from_slice(&body).map_err(|error| {
        let what = "say what to revoke as JSON: {\"user\": …, \"before\"?: seconds since 1970}, {\"token\": a jti} or {\"peer\": …}";
        bad_request(format!("{what} ({error})"))
    })?;
    let request = request(body).map_err(bad_request)?;
    let revoked = gateway.node.revoke(request).await;
    let Revocation { revoked, until } = revoked.map_err(|error| match error {
        RevokeError::Unavailable => {
            Refusal::for_now(error.to_string(), switchboard_connection::RETRY_AFTER)
        }
        RevokeError::Full => Refusal::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()),
    })?;
    tracing::info!(kind = revoked.kind(), until, "revoked");
    Ok(Json(answer(revoked, until)))
}

fn request(body: Body) -> Result<RevokeRequest, String> {
    if body.before.is_some() && body.user.is_none() {
        return Err("`before` belongs to `user`".into());
    }
    match (body.user, body.token, body.peer) {
        (Some(user), None, None) => {
            let user = user.parse().map_err(|error| format!("`user`: {error}"))?;
            let ahead = body.before.map_or(0, |at| at.saturating_sub(unix_s()));
            if ahead > AHEAD_MAX {
                return Err("`before` is in seconds since 1970, five minutes ahead at most: is this in milliseconds?".into());
            }
            let before = body.before;
            Ok(RevokeRequest::User { user, before })
        }
        (None, Some(token), None) if token.is_empty() || token.len() > TOKEN_ID_BYTES_MAX => {
            Err(format!(
                "`token` is the token's `jti`, 1 to {TOKEN_ID_BYTES_MAX} bytes, not the token itself"
            ))
        }
        (None, Some(token), None) => Ok(RevokeRequest::Token(token.into())),
        (None, None, Some(peer)) => {
            let peer = peer.parse().map_err(|error| format!("`peer`: {error}"))?;
            Ok(RevokeRequest::Peer(peer))
        }
        _ => Err("say one of `user`, `token` and `peer`".into()),
    }
}

fn answer(revoked: Revoked, until: u64) -> Answer {
    let answer = Answer {
        user: None,
        before: None,
        token: None,
        peer: None,
        until,
    };
    match revoked {
        Revoked::User { user, before } => Answer {
            user: Some(user),
            before: Some(before),
            ..answer
        },
        Revoked::Token(token) => Answer {
            token: Some(token),
            ..answer
        },
        Revoked::Peer(peer) => Answer {
            peer: Some(peer),
            ..answer
        },
    }
}

fn bad_request(words: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, words)
}

fn unix_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(body: Value) -> Result<RevokeRequest, String> {
        let body = serde_json::from_value(body).map_err(|error| error.to_string())?;
        request(body)
    }

    #[test]
    fn one_of_three_is_revoked() {
        let user: UserId = "alice".parse().expect("a user id");
        for (body, before) in [
            (json!({ "user": "alice" }), None),
            (json!({ "user": "alice", "before": 5 }), Some(5)),
        ] {
            let user = user.clone();
            assert_eq!(asked(body), Ok(RevokeRequest::User { user, before }));
        }
        let token = json!({ "token": "jti-1" });
        assert_eq!(asked(token), Ok(RevokeRequest::Token("jti-1".into())));
        let peer = PeerId::random();
        let body = json!({ "peer": peer.as_str() });
        assert_eq!(asked(body), Ok(RevokeRequest::Peer(peer)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, words) in [
            (json!({}), "one of"),
            (json!({ "user": "alice", "token": "jti" }), "one of"),
            (json!({ "user": "alice", "befor": 5 }), "befor"),
            (json!({ "token": "jti", "before": 5 }), "belongs to `user`"),
            (json!({ "user": "" }), "`user`"),
            (json!({ "user": 7 }), "string"),
            (json!({ "token": "" }), "jti"),
            (json!({ "token": "x".repeat(257) }), "jti"),
            (json!({ "peer": "short" }), "`peer`"),
            (
                json!({ "user": "alice", "before": 1_790_000_000_000_u64 }),
                "milliseconds",
            ),
            (json!({ "user": "alice", "before": -1 }), "-1"),
        ] {
            let error = asked(body.clone()).expect_err("it is wrong");
            assert!(error.contains(words), "{body}: {error}");
        }
    }
}
