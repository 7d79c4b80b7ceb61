//! Who a client is and what it may do: decided once, before its session begins.

mod bearer;
mod claims;
mod error;
mod mint;
mod token;

use std::sync::Arc;
use std::time::SystemTime;

use switchboard_protocol::{PeerId, UserId};
use switchboard_session::grants::Grants;

pub use bearer::bearer;
pub use error::AuthError;
pub use mint::{NewToken, mint};

use crate::config::{AuthConfig, AuthMode};
use token::TokenCheck;

/// What is known of a client once it may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, who may have several sessions.
    pub user: UserId,
    /// What the token calls him.
    pub name: Option<Arc<str>>,
    /// His picture, usually a URL.
    pub avatar: Option<Arc<str>>,
    /// What he may do.
    pub grants: Grants,
    /// When the token ends. `None`: never.
    pub expires_at: Option<SystemTime>,
}

impl Identity {
    /// Anybody, in open mode: who he says that he is, if he does.
    fn open(user: Option<&str>, peer: &PeerId) -> Self {
        let user = user.and_then(|user| user.parse().ok());
        Self {
            user: user.unwrap_or_else(|| UserId::anonymous(peer)),
            name: None,
            avatar: None,
            grants: Grants::default(),
            expires_at: None,
        }
    }
}

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
    check: Option<TokenCheck>,
}

impl Authenticator {
    /// The authenticator of a configuration that was loaded.
    ///
    /// # Panics
    /// When tokens are required and no key is configured, which loading a configuration refuses.
    pub fn from_config(config: &AuthConfig) -> Self {
        let check = match config.mode() {
            AuthMode::Open => None,
            AuthMode::Required => {
                let key = config.jwt.secret.as_ref();
                let key = key.expect("loading refuses required tokens without a key");
                Some(TokenCheck::new(&config.jwt, key))
            }
        };
        Self { check }
    }

    /// Whether users are who tokens say they are.
    pub fn asks_for_tokens(&self) -> bool {
        self.check.is_some()
    }

    /// Who the client is that says this of itself. `peer` names an anonymous one.
    pub fn authenticate(
        &self,
        claim: &IdentityClaim<'_>,
        peer: &PeerId,
    ) -> Result<Identity, AuthError> {
        let Some(check) = &self.check else {
            return Ok(Identity::open(claim.user, peer));
        };
        let token = claim.token.filter(|token| !token.is_empty());
        let identity = check.identity(token.ok_or(AuthError::Missing)?)?;
        match claim.user {
            Some(user) if user != identity.user.as_str() => Err(AuthError::OtherUser),
            _ => Ok(identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::JwtConfig;

    #[test]
    fn in_open_mode_a_token_is_not_looked_at() {
        let peer = PeerId::random();
        let open = Authenticator::from_config(&AuthConfig::default());
        let claim = IdentityClaim {
            token: Some("not.a.token"),
            user: None,
        };
        let identity = open.authenticate(&claim, &peer).expect("open");
        assert_eq!(identity.user, UserId::anonymous(&peer));
        assert_eq!(identity.grants, Grants::default());
    }

    #[test]
    fn in_open_mode_a_client_is_who_it_says_unless_that_is_no_user() {
        let peer = PeerId::random();
        let open = Authenticator::from_config(&AuthConfig::default());
        let user = |user| {
            let claim = IdentityClaim {
                token: None,
                user: Some(user),
            };
            open.authenticate(&claim, &peer).expect("open").user
        };
        assert_eq!(user("ada").as_str(), "ada");
        assert_eq!(user(""), UserId::anonymous(&peer));
    }

    #[test]
    fn a_configured_key_makes_tokens_required() {
        let jwt = JwtConfig {
            secret: Some("0123456789abcdef0123456789abcdef".into()),
            ..JwtConfig::default()
        };
        let authenticator = Authenticator::from_config(&AuthConfig { said: None, jwt });
        for token in [None, Some("")] {
            let claim = IdentityClaim {
                token,
                user: Some("ada"),
            };
            assert_eq!(
                authenticator.authenticate(&claim, &PeerId::random()),
                Err(AuthError::Missing)
            );
        }
    }
}
