//! What a provider of TURN answers. Cloudflare's `iceServers` and Twilio's `ice_servers` are read alike.

use std::time::Duration;

use serde::Deserialize;
use switchboard_protocol::server_message::IceServer;

use crate::config::IceUrl;

/// Each client gets all of it with its `welcome`, and browsers are slow to look at many.
const SERVERS_MAX: usize = 16;
const URLS_MAX: usize = 16;
/// Of a username and of a credential.
const TEXT_BYTES_MAX: usize = 1024;
/// Shorter, clients would be told others all the time.
const TTL_MIN: Duration = Duration::from_secs(10);
/// Longer, clients would keep them for ever.
const TTL_MAX: Duration = Duration::from_secs(24 * 3600);

/// Servers, and how long their credentials are good, if that is said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) servers: Vec<IceServer>,
    pub(super) ttl: Option<Duration>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "iceServers", alias = "ice_servers")]
    servers: OneOrMany<Server>,
    #[serde(default)]
    ttl: Option<Number>,
}

#[derive(Deserialize)]
struct Server {
    #[serde(default)]
    urls: Option<OneOrMany<String>>,
    /// As `urls` was called once.
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Text(String),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

impl Number {
    fn seconds(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Whole(seconds) => *seconds,
            Self::Text(text) => text.parse().ok()?,
        };
        Some(Duration::from_secs(seconds))
    }
}

impl Answer {
    /// `None`: it is none, or names no server that a browser can use, or its credentials end too soon.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let said: Said = serde_json::from_slice(body).ok()?;
        let ttl = said.ttl.as_ref().map(Number::seconds);
        let ttl = match ttl {
            None => None,
            Some(ttl) => Some(usable_ttl(ttl?)?),
        };
        let servers = said.servers.into_vec().into_iter();
        let servers: Vec<_> = servers
            .filter_map(Server::usable)
            .take(SERVERS_MAX)
            .collect();
        (!servers.is_empty()).then_some(Self { servers, ttl })
    }
}

/// How long credentials of this life count here.
pub(super) fn usable_ttl(ttl: Duration) -> Option<Duration> {
    (ttl >= TTL_MIN).then(|| ttl.min(TTL_MAX))
}

/// The `ttl` that a question in JSON asks for.
pub(super) fn ttl_asked_for(body: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Asked {
        ttl: Number,
    }
    let asked: Asked = serde_json::from_str(body).ok()?;
    usable_ttl(asked.ttl.seconds()?)
}

impl Server {
    fn usable(self) -> Option<IceServer> {
        let urls = self.urls.map(OneOrMany::into_vec);
        let urls = urls.or_else(|| self.url.map(|url| vec![url]))?;
        let is_short = |text: &String| text.len() <= TEXT_BYTES_MAX;
        let has_credential = [&self.username, &self.credential]
            .into_iter()
            .all(|text| text.as_ref().is_some_and(is_short));
        let urls = urls.into_iter().filter(|text| {
            let url: Result<IceUrl, _> = text.parse();
            // A turn: URL without credentials makes a browser refuse the whole list.
            url.is_ok_and(|url| is_open_to_browsers(text) && (has_credential || !url.is_turn()))
        });
        let urls: Vec<_> = urls.take(URLS_MAX).collect();
        let [username, credential] = match has_credential {
            true => [self.username, self.credential],
            false => [None, None],
        };
        (!urls.is_empty()).then_some(IceServer {
            urls,
            username,
            credential,
        })
    }
}

/// Browsers connect nowhere on port 53, but wait for it until they give up (Fetch standard, «bad port»).
fn is_open_to_browsers(url: &str) -> bool {
    let before_query = url.split('?').next().unwrap_or_default();
    url.len() <= TEXT_BYTES_MAX && !before_query.ends_with(":53")
}

#[cfg(test)]
mod tests;
