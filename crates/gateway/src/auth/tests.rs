use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use switchboard_cluster::TokenMark;
use switchboard_protocol::UserId;
use switchboard_session::grants::Grants;

use super::*;
use crate::config::{HttpUrl, JwtConfig};

/// Nothing is revoked, and nothing known.
struct Nothing;

#[async_trait]
impl TokenMemory for Nothing {
    fn is_revoked(&self, _: &PeerId, _: &Identity) -> bool {
        false
    }

    fn is_token_revoked(&self, _: &Identity) -> bool {
        false
    }

    fn is_secret(&self, _: &PeerId, _: &Identity, _: &str) -> bool {
        false
    }

    fn mark(&self, _: &PeerId, _: &str) -> Option<TokenMark> {
        None
    }

    async fn knows(&self, _: &PeerId, _: &str) -> bool {
        false
    }
}

fn authenticator(config: &AuthConfig) -> Authenticator {
    let metrics = Arc::new(Metrics::new());
    let limits = LimitsConfig::default();
    Authenticator::from_config(config, &limits, metrics, Arc::new(Nothing)).expect("usable")
}

fn here() -> Source {
    Source::of([192, 0, 2, 1].into())
}

/// Another node has found every token good. Counts how often that is asked for.
#[derive(Default)]
struct Elsewhere(AtomicUsize);

#[async_trait]
impl TokenMemory for Elsewhere {
    fn is_revoked(&self, _: &PeerId, _: &Identity) -> bool {
        false
    }

    fn is_token_revoked(&self, _: &Identity) -> bool {
        false
    }

    fn is_secret(&self, _: &PeerId, identity: &Identity, secret: &str) -> bool {
        secret == format!("of {}", identity.user)
    }

    fn mark(&self, _: &PeerId, _: &str) -> Option<TokenMark> {
        None
    }

    async fn knows(&self, _: &PeerId, _: &str) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }
}

#[tokio::test(start_paused = true)]
async fn only_for_a_session_that_is_the_clients_own_the_directory_is_asked_about_a_token() {
    let nowhere = HttpUrl::parse("http://127.0.0.1:1/jwks.json").expect("a URL");
    let jwt = JwtConfig {
        jwks_url: Some(nowhere),
        ..JwtConfig::default()
    };
    let config = AuthConfig {
        jwt,
        ..AuthConfig::default()
    };
    let memory = Arc::new(Elsewhere::default());
    let (limits, metrics) = (LimitsConfig::default(), Arc::new(Metrics::new()));
    let authenticator =
        Authenticator::from_config(&config, &limits, metrics, memory.clone()).expect("usable");
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let token = format!(
        "{}.{}.AAAA",
        part(r#"{"alg":"RS256","kid":"nobodys"}"#),
        part(r#"{"sub":"ada"}"#)
    );
    let come = async |resume_secret| {
        let claim = IdentityClaim {
            token: Some(&token),
            user: None,
            resume_secret,
        };
        let peer = PeerId::random();
        authenticator.authenticate(&claim, &peer, here()).await
    };
    for secret in [None, Some(""), Some("of ben")] {
        let refused = come(secret).await;
        assert!(
            matches!(refused, Err(Refused::Unavailable { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(memory.0.load(Ordering::Relaxed), 0);
    let identity = come(Some("of ada")).await.expect("it is known");
    assert_eq!(identity.user.as_str(), "ada");
    assert_eq!(memory.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn in_open_mode_a_token_is_not_looked_at() {
    let peer = PeerId::random();
    let open = authenticator(&AuthConfig::default());
    let claim = IdentityClaim {
        token: Some("not.a.token"),
        ..IdentityClaim::default()
    };
    let identity = open
        .authenticate(&claim, &peer, here())
        .await
        .expect("open");
    assert_eq!(identity.user, UserId::anonymous(&peer));
    assert_eq!(identity.grants, Grants::default());
}

#[tokio::test]
async fn in_open_mode_a_client_is_who_it_says_unless_that_is_no_user() {
    let peer = PeerId::random();
    let open = authenticator(&AuthConfig::default());
    let user = async |user| {
        let claim = IdentityClaim {
            user: Some(user),
            ..IdentityClaim::default()
        };
        open.authenticate(&claim, &peer, here())
            .await
            .expect("open")
            .user
    };
    assert_eq!(user("ada").await.as_str(), "ada");
    assert_eq!(user("").await, UserId::anonymous(&peer));
}

#[tokio::test]
async fn a_configured_key_makes_tokens_required() {
    let jwt = JwtConfig {
        secret: Some("0123456789abcdef0123456789abcdef".into()),
        ..JwtConfig::default()
    };
    let authenticator = authenticator(&AuthConfig {
        jwt,
        ..AuthConfig::default()
    });
    for token in [None, Some("")] {
        let claim = IdentityClaim {
            token,
            user: Some("ada"),
            resume_secret: None,
        };
        assert_eq!(
            authenticator
                .authenticate(&claim, &PeerId::random(), here())
                .await,
            Err(AuthError::Missing.into())
        );
    }
}
