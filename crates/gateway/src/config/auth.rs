//! Who may connect, and who may ask the server API.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use switchboard_auth::{Algorithms, Key, Rules};

use super::Secret;
use super::key_file::public_key;
use super::setting::Word;
use super::time::EndTime;
use super::url::HttpUrl;

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
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// What the operator said outright; [`AuthConfig::mode`] is what holds. Default unset: by rule.
    pub said: Option<AuthMode>,
    /// How tokens are checked: one issuer.
    pub jwt: JwtConfig,
    /// Others, each with a name of its own. Default none.
    pub issuers: Vec<JwtConfig>,
    /// How long a session outlives its token where its client cannot have another one, as in dialects but the native one.
    /// Default 0: as long as it is connected.
    pub max_session: Duration,
    /// How long a revocation holds, whole seconds: longer than any token lives, since a token that is still good after it may
    /// be used again. Default 30 days.
    pub revocations_kept: Duration,
    /// Certificates of authorities that have signed those of issuers, besides the system's. Default unset.
    pub ca_file: Option<PathBuf>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            said: None,
            jwt: JwtConfig::default(),
            issuers: Vec::new(),
            max_session: Duration::ZERO,
            revocations_kept: Duration::from_secs(30 * 86_400),
            ca_file: None,
        }
    }
}

impl AuthConfig {
    /// `None`: sessions do not end because a token does.
    pub fn max_session(&self) -> Option<Duration> {
        Some(self.max_session).filter(|max| !max.is_zero())
    }

    /// All issuers whose tokens can be checked.
    pub fn issuers(&self) -> impl Iterator<Item = &JwtConfig> {
        let own = Some(&self.jwt).filter(|jwt| jwt.has_key());
        own.into_iter().chain(&self.issuers)
    }

    /// What was said, else `required` once a key is configured, else `open`. (An unsaid `open` beyond loopback is
    /// refused when the configuration is loaded.)
    pub fn mode(&self) -> AuthMode {
        let by_rule = if self.issuers().next().is_some() {
            AuthMode::Required
        } else {
            AuthMode::Open
        };
        self.said.unwrap_or(by_rule)
    }
}

/// Keys `auth.jwt.*`, and those of each table `[[auth.issuers]]`: one issuer of tokens.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// The key of HS256, HS384 and HS512, shared with whoever makes tokens. Default unset. Under 32 bytes it is weaker than
    /// HS256 asks for (RFC 7518 section 3.2): said as a warning only, since refusing it here would not make it stronger there.
    pub secret: Option<Secret>,
    /// The one before it, as long as tokens that it signed are about. Default unset.
    pub secret_old: Option<Secret>,
    /// When `secret_old` counts no more. Default unset, which is a mistake where `secret_old` is set.
    pub secret_old_until: Option<EndTime>,
    /// A public key of RSA, P-256, P-384 or Ed25519. Default unset.
    pub public_key_file: Option<PathBuf>,
    /// Where the issuer publishes its keys, as a JSON Web Key Set (RFC 7517). Default unset.
    pub jwks_url: Option<HttpUrl>,
    /// Where the issuer says where that is (OpenID Connect Discovery, RFC 8414). Default unset.
    pub discovery_url: Option<HttpUrl>,
    /// The only `iss` taken. Default unset: not looked at.
    pub issuer: Option<String>,
    /// What `aud` must name. Default unset: not looked at.
    pub audience: Option<String>,
    /// Of the algorithms that the keys are for, only these. Default empty: all.
    pub algorithms: Vec<Algorithms>,
    /// How far clocks may differ when `exp` and `nbf` are checked, rounded up to whole seconds. Default 5 s; 0 allows
    /// no difference.
    pub leeway: Duration,
    /// Claims that may hold the user's id; the first one present counts. Default `sub`, `userId`, `user_id`.
    pub user_claims: Vec<String>,
    /// The claim that holds the grants. Default `switchboard`.
    pub grants_claim: String,
}

impl Default for JwtConfig {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            secret: None,
            secret_old: None,
            secret_old_until: None,
            public_key_file: None,
            jwks_url: None,
            discovery_url: None,
            issuer: rules.issuer,
            audience: rules.audience,
            algorithms: Vec::new(),
            leeway: rules.leeway,
            user_claims: rules.user_claims,
            grants_claim: rules.grants_claim,
        }
    }
}

impl JwtConfig {
    /// Whether any token can be checked.
    pub fn has_key(&self) -> bool {
        self.secret.is_some() || self.public_key_file.is_some() || self.publishes()
    }

    /// How tokens are checked and read.
    pub fn rules(&self) -> Rules {
        let algorithms = self.algorithms.iter().copied();
        Rules {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            algorithms: match self.algorithms.is_empty() {
                true => Algorithms::ALL,
                false => algorithms.collect(),
            },
            leeway: self.leeway,
            user_claims: self.user_claims.clone(),
            grants_claim: self.grants_claim.clone(),
        }
    }

    /// Whether the issuer publishes keys.
    pub fn publishes(&self) -> bool {
        self.jwks_url.is_some() || self.discovery_url.is_some()
    }

    /// The keys that are said here, or what is wrong with one.
    pub(crate) fn keys(&self) -> Result<Vec<Key>, String> {
        let key = |secret: &Secret| {
            Key::from_secret(secret.expose().as_bytes()).map_err(|wrong| wrong.to_string())
        };
        let old = self.secret_old.as_ref().zip(self.secret_old_until);
        let old = old.map(|(secret, end)| key(secret).map(|key| key.until(end.time())));
        let file = self.public_key_file.as_deref().map(public_key);
        let keys = [self.secret.as_ref().map(key), old, file];
        keys.into_iter().flatten().collect()
    }
}

/// Keys `admin.*`.
#[derive(Debug, Clone, Default)]
pub struct AdminConfig {
    /// The bearer token of the server API and of room names in `/metrics`. At least 16 characters. Default unset: both
    /// stay closed.
    pub token: Option<Secret>,
}

impl Word for Algorithms {
    fn read(name: &str) -> Result<Self, String> {
        name.parse().map_err(|unknown| format!("{unknown}"))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}
