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
    /// Anybody, in open mode.
    fn anonymous(peer: &PeerId) -> Self {
        Self {
            user: UserId::anonymous(peer),
            name: None,
            avatar: None,
            grants: Grants::default(),
            expires_at: None,
        }
    }
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

    /// Who the client with this token is. `peer` names an anonymous one.
    pub fn authenticate(&self, token: Option<&str>, peer: &PeerId) -> Result<Identity, AuthError> {
        let Some(check) = &self.check else {
            return Ok(Identity::anonymous(peer));
        };
        let token = token.filter(|token| !token.is_empty());
        check.identity(token.ok_or(AuthError::Missing)?)
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
        let identity = open.authenticate(Some("not.a.token"), &peer).expect("open");
        assert_eq!(identity.user, UserId::anonymous(&peer));
        assert_eq!(identity.grants, Grants::default());
    }

    #[test]
    fn a_configured_key_makes_tokens_required() {
        let jwt = JwtConfig {
            secret: Some("0123456789abcdef0123456789abcdef".into()),
            ..JwtConfig::default()
        };
        let authenticator = Authenticator::from_config(&AuthConfig { said: None, jwt });
        for nothing in [None, Some("")] {
            assert_eq!(
                authenticator.authenticate(nothing, &PeerId::random()),
                Err(AuthError::Missing)
            );
        }
    }
}
