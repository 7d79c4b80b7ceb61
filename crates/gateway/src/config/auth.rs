//! Who may connect, and who may ask the server API.

use std::fmt;
use std::time::Duration;

use super::Secret;

/// Whether a client needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Anybody may connect, as an anonymous user; tokens are ignored.
    Open,
    /// A valid token says who connects and what he may do.
    Required,
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Required => "required",
        })
    }
}

/// Keys `auth.*`.
#[derive(Debug, Clone, Default)]
pub struct AuthConfig {
    /// What the operator said outright; [`AuthConfig::mode`] is what holds. Default unset: by rule.
    pub said: Option<AuthMode>,
    /// How tokens are checked.
    pub jwt: JwtConfig,
}

impl AuthConfig {
    /// What was said, else `required` once a key is configured, else `open`. (An unsaid `open` beyond loopback is
    /// refused when the configuration is loaded.)
    pub fn mode(&self) -> AuthMode {
        let by_rule = if self.jwt.secret.is_some() {
            AuthMode::Required
        } else {
            AuthMode::Open
        };
        self.said.unwrap_or(by_rule)
    }
}

/// Keys `auth.jwt.*`.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// The HS256 key shared with whoever issues tokens. Default unset. Under 32 bytes it is weaker than HS256 asks for
    /// (RFC 7518 section 3.2): said as a warning only, since refusing it here would not make it stronger there.
    pub secret: Option<Secret>,
    /// The only `iss` taken. Default unset: not looked at.
    pub issuer: Option<String>,
    /// What `aud` must name. Default unset: not looked at.
    pub audience: Option<String>,
    /// How far clocks may differ when `exp` and `nbf` are checked, rounded up to whole seconds. Default 5 s; 0 allows
    /// no difference.
    pub leeway: Duration,
    /// Claims that may hold the user's id; the first one present counts. Default `sub`, `userId`, `user_id`.
    pub user_claims: Vec<String>,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            secret: None,
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(5),
            user_claims: ["sub", "userId", "user_id"].map(String::from).to_vec(),
        }
    }
}

/// Keys `admin.*`.
#[derive(Debug, Clone, Default)]
pub struct AdminConfig {
    /// The bearer token of the server API and of room names in `/metrics`. At least 16 characters. Default unset: both
    /// stay closed.
    pub token: Option<Secret>,
}
