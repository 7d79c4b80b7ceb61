//! How clients reach one another: STUN and TURN.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::setting::Word;
use super::{FetchConfig, Secret};

/// Keys `ice.*`.
#[derive(Debug, Clone)]
pub struct IceConfig {
    /// Servers without credentials. Default none.
    pub servers: Vec<IceUrl>,
    /// TURN servers that share a secret with this gateway. Default none.
    pub turn_urls: Vec<IceUrl>,
    /// That secret. Default unset.
    pub turn_secret: Option<Secret>,
    /// The one before it, while some of the servers do not know the new one. Default unset.
    pub turn_secret_old: Option<Secret>,
    /// How long credentials are good. Default 4 h.
    pub ttl: Duration,
    /// A provider that gives credentials instead.
    pub fetch: FetchConfig,
}

impl Default for IceConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            turn_urls: Vec::new(),
            turn_secret: None,
            turn_secret_old: None,
            ttl: Duration::from_secs(4 * 3600),
            fetch: FetchConfig::default(),
        }
    }
}

/// A URL of STUN (RFC 7064) or TURN (RFC 7065).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceUrl(String);

impl IceUrl {
    /// Whether a relay is behind it.
    pub fn is_turn(&self) -> bool {
        self.0.starts_with("turn")
    }
}

impl FromStr for IceUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = ["stun:", "stuns:", "turn:", "turns:"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let is_url = rest.is_some_and(|rest| {
            let printable = rest.bytes().all(|byte| byte.is_ascii_graphic());
            printable && !rest.starts_with(['?', '/', ':']) && !rest.is_empty()
        });
        match is_url {
            true => Ok(Self(text.into())),
            false => Err(format!(
                "`{text}` is not a URL of STUN or TURN, such as stun:stun.example.org:3478 or turns:turn.example.org?transport=tcp"
            )),
        }
    }
}

impl fmt::Display for IceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Word for IceUrl {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}
