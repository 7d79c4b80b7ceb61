//! What a session may do, and until when, by what is known of its client.

use std::time::SystemTime;

use switchboard_cluster::LocalSession;
use switchboard_dialects::Introduction;
use switchboard_protocol::ErrorCode;
use switchboard_protocol::client_message::Hello;
use switchboard_session::{Authorization, Refused, Rules, Token};

use crate::authenticate::{Authenticate, Identity, Refusal};
use crate::departure::REVOKED;
use crate::host::Host;

/// Of a client that can refresh its token, or cannot.
pub(crate) fn authorization(rules: &Rules, can_refresh: bool, identity: Identity) -> Authorization {
    let left = |at: SystemTime| at.duration_since(SystemTime::now()).unwrap_or_default();
    // A time beyond what this machine can count never comes.
    let expires_at = identity
        .expires_at
        .and_then(|at| crate::now().checked_add(left(at)));
    let ends_at = match can_refresh {
        true => expires_at,
        false => expires_at
            .zip(rules.outlives_token)
            .and_then(|(end, longer)| end.checked_add(longer)),
    };
    Authorization {
        grants: identity.grants,
        ends_at,
        can_refresh,
    }
}

/// The session goes on with another token of the same user.
pub(crate) async fn refresh(
    host: &Host,
    authenticate: &dyn Authenticate,
    local: &LocalSession,
    Token(token): Token,
) -> Result<Box<Authorization>, Refused> {
    let hello = Hello {
        token: Some((&*token).into()),
        ..Hello::default()
    };
    let introduction = Introduction::from(hello);
    let identity = authenticate.authenticate(&introduction, &local.peer);
    let identity = identity.await.map_err(|refusal| match refusal {
        Refusal::Unauthorized(words) => Refused::new(ErrorCode::Unauthorized, &*words),
        Refusal::Limited {
            words,
            rule,
            retry_after,
        } => Refused::for_now(ErrorCode::RateLimited, &*words, retry_after).by(rule),
        Refusal::Unavailable { words, retry_after } => {
            Refused::for_now(ErrorCode::Unavailable, &*words, retry_after)
        }
    })?;
    if identity.user != local.user {
        let words = "the token is another user's: a session stays with its own";
        return Err(Refused::new(ErrorCode::Unauthorized, words));
    }
    if identity.grants.hidden != local.hidden {
        let words = "an observer stays one, and a member too: connect again with this token";
        return Err(Refused::new(ErrorCode::Forbidden, words));
    }
    if !host.node.refresh(local, identity.credential.clone()).await {
        return Err(Refused::new(ErrorCode::Unauthorized, REVOKED));
    }
    Ok(Box::new(authorization(&host.rules, true, identity)))
}
