//! Who a client is and what it may do: decided before its session begins, and again for each new token.

mod bearer;
mod key_source;
mod published_keys;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use switchboard_auth::{AuthError, Identity, Issuer, TokenCheck};
use switchboard_cluster::{Credential, Node};
use switchboard_protocol::PeerId;
use tokio_util::sync::CancellationToken;

use self::key_source::KeySource;
use self::published_keys::{LookedAgain, PublishedKeys};
pub use bearer::bearer;

use crate::config::{AuthConfig, AuthMode};
use crate::metrics::KeyReadsCounter;

/// What a client says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdentityClaim<'a> {
    /// A JWT.
    pub token: Option<&'a str>,
    /// The user, in dialects whose clients name him besides.
    pub user: Option<&'a str>,
}

/// Decides who may come in, as `auth.*` says.
#[derive(Debug)]
pub struct Authenticator {
    /// `None` in open mode: anybody may come in.
    tokens: Option<Tokens>,
}

#[derive(Debug)]
struct Tokens {
    check: TokenCheck,
    /// Of each issuer, in the same order.
    published: Vec<Option<Arc<PublishedKeys>>>,
}

/// A client does not come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub error: AuthError,
    /// Nobody can say for sure now: it may be different after this.
    pub retry_after: Option<Duration>,
}

impl From<AuthError> for Refused {
    fn from(error: AuthError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl Authenticator {
    /// The authenticator of a configuration that was loaded.
    pub(crate) fn from_config(
        config: &AuthConfig,
        counter: &KeyReadsCounter,
    ) -> anyhow::Result<Self> {
        if config.mode() == AuthMode::Open {
            return Ok(Self { tokens: None });
        }
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
        Ok(Self {
            tokens: Some(Tokens { check, published }),
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

    /// Who the client is that says this of itself. `peer` names an anonymous one. Cancel safe.
    pub async fn authenticate(
        &self,
        claim: &IdentityClaim<'_>,
        peer: &PeerId,
    ) -> Result<Identity, Refused> {
        let Some(tokens) = &self.tokens else {
            return Ok(Identity::open(claim.user, peer));
        };
        let token = claim.token.filter(|token| !token.is_empty());
        let identity = tokens.identity(token.ok_or(AuthError::Missing)?).await?;
        match claim.user {
            Some(user) if user != identity.user.as_str() => Err(AuthError::OtherUser.into()),
            _ => Ok(identity),
        }
    }
}

impl Tokens {
    async fn identity(&self, token: &str) -> Result<Identity, Refused> {
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
            ) => Err(Refused {
                error,
                retry_after: Some(wait),
            }),
            (checked, _) => Ok(checked?),
        }
    }
}

/// What a revocation can name of a client.
pub(crate) fn credential(identity: &Identity) -> Credential {
    Credential {
        token: identity.token.clone(),
        issued_at: identity.issued_at,
    }
}

/// A good token may have been revoked.
pub(crate) fn unless_revoked(
    node: &Node,
    peer: &PeerId,
    identity: Identity,
) -> Result<Identity, Refused> {
    match node.is_revoked(peer, &identity.user, &credential(&identity)) {
        true => Err(AuthError::Revoked.into()),
        false => Ok(identity),
    }
}

#[cfg(test)]
mod tests {
    use switchboard_protocol::UserId;
    use switchboard_session::grants::Grants;

    use super::*;
    use crate::config::JwtConfig;
    use crate::metrics::Metrics;

    fn authenticator(config: &AuthConfig) -> Authenticator {
        let counter = Metrics::new().key_reads_counter();
        Authenticator::from_config(config, &counter).expect("usable")
    }

    #[tokio::test]
    async fn in_open_mode_a_token_is_not_looked_at() {
        let peer = PeerId::random();
        let open = authenticator(&AuthConfig::default());
        let claim = IdentityClaim {
            token: Some("not.a.token"),
            user: None,
        };
        let identity = open.authenticate(&claim, &peer).await.expect("open");
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
            open.authenticate(&claim, &peer).await.expect("open").user
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
                authenticator.authenticate(&claim, &PeerId::random()).await,
                Err(AuthError::Missing.into())
            );
        }
    }
}
