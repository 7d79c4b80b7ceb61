//! Who a client is and what it may do: decided before its session begins, and again for each new token.

mod bearer;
mod key_source;
mod memory;
mod published_keys;
mod wrong_tokens;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use switchboard_auth::{AuthError, Identity, Issuer, TokenCheck};
use switchboard_cluster::Credential;
use switchboard_protocol::PeerId;
use switchboard_session::Rule;
use tokio_util::sync::CancellationToken;

use self::key_source::KeySource;
use self::memory::{TokenMemory, credential};

use self::published_keys::{LookedAgain, PublishedKeys};
use self::wrong_tokens::WrongTokens;
pub use bearer::bearer;

use crate::config::{AuthConfig, AuthMode, LimitsConfig};
use crate::metrics::Metrics;
use crate::source::Source;

/// What a client says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdentityClaim<'a> {
    /// A JWT.
    pub token: Option<&'a str>,
    /// The user, in dialects whose clients name him besides.
    pub user: Option<&'a str>,
}

/// Decides who may come in, as `auth.*` says, and counts it.
pub struct Authenticator {
    metrics: Arc<Metrics>,
    memory: Arc<dyn TokenMemory>,
    /// `None` in open mode: anybody may come in.
    tokens: Option<Tokens>,
}

struct Tokens {
    check: TokenCheck,
    wrong: WrongTokens,
    /// Of each issuer, in the same order.
    published: Vec<Option<Arc<PublishedKeys>>>,
}

/// A client does not come in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its token is none, or a wrong one.
    #[error(transparent)]
    Token(#[from] AuthError),
    /// Nobody can say for sure now.
    #[error("{error}")]
    Unavailable {
        /// What is in the way.
        error: AuthError,
        /// It may be different after this.
        retry_after: Duration,
    },
    /// Its token is not looked at.
    #[error("{}", wrong_tokens::words(*.rule))]
    Limited {
        /// Why.
        rule: Rule,
        /// It is looked at after this.
        retry_after: Duration,
    },
}

impl Authenticator {
    /// The authenticator of a configuration that was loaded.
    pub(crate) fn from_config(
        config: &AuthConfig,
        limits: &LimitsConfig,
        metrics: Arc<Metrics>,
        memory: Arc<dyn TokenMemory>,
    ) -> anyhow::Result<Self> {
        if config.mode() == AuthMode::Open {
            return Ok(Self {
                metrics,
                memory,
                tokens: None,
            });
        }
        let counter = metrics.key_reads_counter();
        let (mut issuers, mut published) = (Vec::new(), Vec::new());
        for jwt in config.issuers() {
            let keys = jwt.keys().map_err(anyhow::Error::msg).context("auth.jwt")?;
            let mut issuer = Issuer::new(jwt.rules(), keys);
            let source = KeySource::of(jwt, config).context("auth.ca_file")?;
            let reads = source.map(|source| PublishedKeys::new(source, counter.clone()));
            if let Some(reads) = &reads {
                issuer = issuer.publishing(reads.keys());
            }
            issuers.push(issuer);
            published.push(reads);
        }
        let check = TokenCheck::new(issuers);
        let most = limits.wrong_tokens_per_second_per_address;
        let wrong = WrongTokens::new(most, Instant::now());
        Ok(Self {
            metrics,
            memory,
            tokens: Some(Tokens {
                check,
                wrong,
                published,
            }),
        })
    }

    /// Reads the keys that issuers publish, until `stop`.
    pub(crate) fn keep_fresh(
        &self,
        stop: &CancellationToken,
    ) -> Vec<impl Future<Output = ()> + use<>> {
        let published = self.tokens.iter().flat_map(|tokens| &tokens.published);
        let published = published.flatten().cloned();
        published
            .map(|keys| keys.keep_fresh(stop.clone()))
            .collect()
    }

    /// Whether users are who tokens say they are.
    pub fn asks_for_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// What the cluster is to know of what a client has shown that is let in as that session. Where only keys that its issuer
    /// publishes can check the token, another node may not have them.
    pub(crate) fn credential(
        &self,
        claim: &IdentityClaim<'_>,
        identity: &Identity,
        peer: &PeerId,
    ) -> Credential {
        let token = claim.token.filter(|token| self.may_need_issuer(token));
        Credential {
            mark: token.and_then(|token| self.memory.mark(peer, token)),
            ..credential(identity)
        }
    }

    fn may_need_issuer(&self, token: &str) -> bool {
        self.tokens.as_ref().is_some_and(|tokens| {
            let issuer = tokens.check.issuer(token).ok();
            let published = issuer.and_then(|issuer| tokens.published.get(issuer));
            published.is_some_and(Option::is_some)
        })
    }

    /// Who the client at `source` is that says this of itself. `peer` names an anonymous one. Cancel safe.
    pub(crate) async fn authenticate(
        &self,
        claim: &IdentityClaim<'_>,
        peer: &PeerId,
        source: Source,
    ) -> Result<Identity, Refused> {
        let identity = self.identity(claim, peer, source).await;
        match &identity {
            Ok(_) => self.metrics.authenticated(None),
            Err(Refused::Token(error) | Refused::Unavailable { error, .. }) => {
                self.metrics.authenticated(Some(error));
            }
            // Counted by its rule, where the client is told.
            Err(Refused::Limited { .. }) => {}
        }
        identity
    }

    async fn identity(
        &self,
        claim: &IdentityClaim<'_>,
        peer: &PeerId,
        source: Source,
    ) -> Result<Identity, Refused> {
        let Some(tokens) = &self.tokens else {
            let identity = Identity::open(claim.user, peer);
            return match self.memory.is_revoked(peer, &identity) {
                true => Err(AuthError::Revoked.into()),
                false => Ok(identity),
            };
        };
        let token = claim.token.filter(|token| !token.is_empty());
        let token = token.ok_or(AuthError::Missing)?;
        let identity = match tokens.identity(token, source).await {
            Err(Refused::Unavailable { .. }) if self.memory.knows(peer, token).await => {
                tokens.check.identity_of_known(token)?
            }
            identity => identity?,
        };
        if self.memory.is_revoked(peer, &identity) {
            tokens.wrong.note(token, source, Instant::now());
            return Err(AuthError::Revoked.into());
        }
        match claim.user {
            Some(user) if user != identity.user.as_str() => Err(AuthError::OtherUser.into()),
            _ => Ok(identity),
        }
    }
}

impl Tokens {
    /// Whose token it is, unless it is too early to look at it again.
    async fn identity(&self, token: &str, source: Source) -> Result<Identity, Refused> {
        let limited = |(rule, retry_after)| Refused::Limited { rule, retry_after };
        let may_look = self.wrong.may_look(token, source, Instant::now());
        may_look.map_err(limited)?;
        let identity = self.look(token).await;
        if let Err(Refused::Token(_)) = identity {
            self.wrong.note(token, source, Instant::now());
        }
        identity
    }

    async fn look(&self, token: &str) -> Result<Identity, Refused> {
        let error = match self.check.identity(token) {
            Err(error @ (AuthError::UnknownKey | AuthError::NoKeys)) => error,
            done => return Ok(done?),
        };
        let issuer = self.check.issuer(token)?;
        let Some(Some(published)) = self.published.get(issuer) else {
            return Err(error.into());
        };
        let looked = published.look_again().await;
        // Also where it was too early to ask: somebody else may have brought the key meanwhile.
        match (self.check.identity(token), looked) {
            (
                Err(error @ (AuthError::UnknownKey | AuthError::NoKeys)),
                LookedAgain::Later(wait),
            ) => Err(Refused::Unavailable {
                error,
                retry_after: wait,
            }),
            (checked, _) => Ok(checked?),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use switchboard_cluster::TokenMark;
    use switchboard_protocol::UserId;
    use switchboard_session::grants::Grants;

    use super::*;
    use crate::config::JwtConfig;

    /// Nothing is revoked, and nothing known.
    struct Nothing;

    #[async_trait]
    impl TokenMemory for Nothing {
        fn is_revoked(&self, _: &PeerId, _: &Identity) -> bool {
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

    #[tokio::test]
    async fn in_open_mode_a_token_is_not_looked_at() {
        let peer = PeerId::random();
        let open = authenticator(&AuthConfig::default());
        let claim = IdentityClaim {
            token: Some("not.a.token"),
            user: None,
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
                token: None,
                user: Some(user),
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
            };
            assert_eq!(
                authenticator
                    .authenticate(&claim, &PeerId::random(), here())
                    .await,
                Err(AuthError::Missing.into())
            );
        }
    }
}
