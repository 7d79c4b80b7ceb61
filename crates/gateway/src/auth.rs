//! Who a client is and what it may do: decided before its session begins, and again for each new token.

mod bearer;
mod key_source;
mod memory;
mod published_keys;
#[cfg(test)]
mod tests;
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
    /// The user, in dialects whose clients name one besides.
    pub user: Option<&'a str>,
    /// The secret of the session that it resumes.
    pub resume_secret: Option<&'a str>,
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
            Err(Refused::Unavailable { error, retry_after }) => {
                let resumed = claim.resume_secret.map(|secret| (peer, secret));
                let known = self.identity_of_known(tokens, token, resumed).await;
                // Anybody can name a key that nobody has. It may be a new one, too, and so the token itself is not delayed.
                if error == AuthError::UnknownKey && !matches!(known, Ok(Some(_))) {
                    tokens.wrong.charge(token, source, Instant::now());
                }
                known?.ok_or(Refused::Unavailable { error, retry_after })?
            }
            identity => identity?,
        };
        if self.memory.is_revoked(peer, &identity) {
            // Where only the session is revoked, its user comes in with the same token as another one.
            if self.memory.is_token_revoked(&identity) {
                let now = Instant::now();
                tokens.wrong.note(token, &AuthError::Revoked, source, now);
            }
            return Err(AuthError::Revoked.into());
        }
        match claim.user {
            Some(user) if user != identity.user.as_str() => Err(AuthError::OtherUser.into()),
            _ => Ok(identity),
        }
    }

    /// Whose token it is that cannot be checked here, if another node has found it good for the session that is resumed. The
    /// directory is asked only by a client whose secret is right for that session and the user of the token.
    async fn identity_of_known(
        &self,
        tokens: &Tokens,
        token: &str,
        resumed: Option<(&PeerId, &str)>,
    ) -> Result<Option<Identity>, AuthError> {
        let Some((peer, secret)) = resumed else {
            return Ok(None);
        };
        let identity = tokens.check.identity_of_known(token)?;
        let is_known =
            self.memory.is_secret(peer, &identity, secret) && self.memory.knows(peer, token).await;
        Ok(is_known.then_some(identity))
    }
}

impl Tokens {
    /// Whose token it is, unless it is too early to look at it again.
    async fn identity(&self, token: &str, source: Source) -> Result<Identity, Refused> {
        let limited = |(rule, retry_after)| Refused::Limited { rule, retry_after };
        let may_look = self.wrong.may_look(token, source, Instant::now());
        may_look.map_err(limited)?;
        let identity = self.look(token).await;
        if let Err(Refused::Token(why)) = &identity {
            self.wrong.note(token, why, source, Instant::now());
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
