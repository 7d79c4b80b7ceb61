//! Who a client is and what it may do: decided once, before its session begins.

mod bearer;

use switchboard_auth::{AuthError, Identity, TokenCheck};
use switchboard_protocol::PeerId;

pub use bearer::bearer;

use crate::config::{AuthConfig, AuthMode};

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
    pub fn from_config(config: &AuthConfig) -> Self {
        let check = match config.mode() {
            AuthMode::Open => None,
            AuthMode::Required => Some(TokenCheck::new(vec![config.jwt.issuer()])),
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
    use switchboard_protocol::UserId;
    use switchboard_session::grants::Grants;

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
