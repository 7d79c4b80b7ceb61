//! What a provider of TURN answers. Cloudflare's `iceServers` and Twilio's `ice_servers` are read alike.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use switchboard_protocol::codec::whole;
use switchboard_protocol::server_message::IceServer;

use crate::config::IceUrl;

/// Each client gets all of it with its `welcome`, and browsers are slow to look at many.
const SERVERS_MAX: usize = 16;
const URLS_MAX: usize = 16;
/// Of a URL.
const URL_BYTES_MAX: usize = 1024;
/// Of a username and of a credential: the most that STUN carries (RFC 8489 section 14.3). Browsers refuse more.
const TEXT_BYTES_MAX: usize = 508;
/// Browsers connect nowhere on this one, but wait for it until they give up (Fetch standard, «bad port»).
const BLOCKED_PORT: u16 = 53;
/// Shorter, clients would be told others all the time.
pub(super) const TTL_MIN: Duration = Duration::from_secs(60);
/// Longer, clients would keep them for ever.
const TTL_MAX: Duration = Duration::from_secs(24 * 3600);

/// Servers, and how long their credentials are good, if that is said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) servers: Vec<IceServer>,
    pub(super) ttl: Option<Duration>,
}

/// Its parts are read one by one, so that an odd one costs nothing else.
#[derive(Deserialize)]
struct Said {
    #[serde(rename = "iceServers", alias = "ice_servers")]
    servers: Value,
    #[serde(default)]
    ttl: Option<Value>,
}

#[derive(Deserialize)]
struct Server {
    #[serde(default)]
    urls: Option<Value>,
    /// As `urls` was called once.
    #[serde(default)]
    url: Option<Value>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    credential: Option<String>,
}

impl Answer {
    /// `None`: it is none, or names no server that a browser can use, or its credentials end too soon.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let said: Said = serde_json::from_slice(body).ok()?;
        let ttl = match &said.ttl {
            None => None,
            Some(ttl) => Some(usable_ttl(seconds(ttl)?)?),
        };
        let servers = one_or_many(said.servers).into_iter();
        let servers: Vec<_> = servers
            .filter_map(|server| serde_json::from_value(server).ok())
            .filter_map(Server::usable)
            .take(SERVERS_MAX)
            .collect();
        (!servers.is_empty()).then_some(Self { servers, ttl })
    }
}

fn one_or_many(value: Value) -> Vec<Value> {
    match value {
        Value::Array(many) => many,
        one => vec![one],
    }
}

/// A whole number, also as `3600.0` or as text.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::String(text) => {
            let as_float = || whole(text.parse().ok()?);
            text.parse().ok().or_else(as_float)
        }
        other => other.as_u64().or_else(|| whole(other.as_f64()?)),
    };
    seconds.map(Duration::from_secs)
}

/// How long credentials of this life count here.
pub(super) fn usable_ttl(ttl: Duration) -> Option<Duration> {
    (ttl >= TTL_MIN).then(|| ttl.min(TTL_MAX))
}

/// The `ttl` that a question in JSON asks for.
pub(super) fn ttl_asked_for(body: &str) -> Option<Duration> {
    let asked: Value = serde_json::from_str(body).ok()?;
    usable_ttl(seconds(asked.get("ttl")?)?)
}

impl Server {
    fn usable(self) -> Option<IceServer> {
        let is_usable = |text: &String| !text.is_empty() && text.len() <= TEXT_BYTES_MAX;
        let has_credential = [&self.username, &self.credential]
            .into_iter()
            .all(|text| text.as_ref().is_some_and(is_usable));
        let urls = one_or_many(self.urls.or(self.url)?).into_iter();
        let urls: Vec<_> = urls
            .filter_map(|url| usable_url(&url, has_credential))
            .take(URLS_MAX)
            .collect();
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

/// A turn: URL without credentials makes a browser refuse the whole list.
fn usable_url(url: &Value, has_credential: bool) -> Option<String> {
    let text = url.as_str().filter(|text| text.len() <= URL_BYTES_MAX)?;
    let url: IceUrl = text.parse().ok()?;
    let is_usable = url.port() != Some(BLOCKED_PORT) && (has_credential || !url.is_turn());
    is_usable.then(|| text.into())
}

#[cfg(test)]
mod tests;
