//! How clients reach one another: STUN and TURN.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use super::raw::shortened;
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

/// A URL of STUN (RFC 7064) or TURN (RFC 7065). Browsers refuse a whole list because of one that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceUrl {
    text: String,
    port: Option<u16>,
}

impl IceUrl {
    /// Whether a relay is behind it.
    pub fn is_turn(&self) -> bool {
        self.text.starts_with("turn")
    }

    /// The port, if it names one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl FromStr for IceUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what| match text.contains('@') {
            // Some once wrote a password there.
            true => format!("a URL there {what}"),
            false => format!("`{}` {what}", shortened(text)),
        };
        let port = port_of(text).map_err(wrong)?;
        Ok(Self {
            text: text.into(),
            port,
        })
    }
}

/// The port of a URL, or what is wrong with it.
fn port_of(url: &str) -> Result<Option<u16>, &'static str> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let is_turn = match scheme {
        "stun" | "stuns" => false,
        "turn" | "turns" => true,
        _ => {
            return Err(
                "is not a URL of STUN or TURN, such as stun:stun.example.org:3478 or turns:turn.example.org?transport=tcp",
            );
        }
    };
    let (server, query) = match rest.split_once('?') {
        None => (rest, None),
        Some((server, query)) => (server, Some(query)),
    };
    match query {
        None => {}
        Some("transport=udp" | "transport=tcp") if is_turn => {}
        Some(_) if is_turn => {
            return Err("may end with ?transport=udp or ?transport=tcp, and with no other query");
        }
        Some(_) => return Err("is of STUN, which has no ?transport="),
    }
    if server.contains('@') {
        return Err("names a user: a username and a password stand beside a URL, not in it");
    }
    let (host, port) = match server.strip_prefix('[') {
        Some(literal) => literal
            .split_once(']')
            .ok_or("has a [ without its ]: an IPv6 address stands between them")?,
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let is_host = match server.starts_with('[') {
        true => host.parse::<Ipv6Addr>().is_ok(),
        false => is_name(host),
    };
    if !is_host {
        return Err("names no host: a name, an IPv4 address or [an IPv6 address]");
    }
    read_port(port)
}

/// A name of DNS, or an IPv4 address.
fn is_name(host: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !host.is_empty() && host.bytes().all(is_allowed)
}

/// What comes after a host: nothing, or a colon and a port.
fn read_port(text: &str) -> Result<Option<u16>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.strip_prefix(':').filter(|text| {
        let mut bytes = text.bytes();
        bytes.all(|byte| byte.is_ascii_digit())
    });
    let port = digits.and_then(|digits| digits.parse().ok());
    match port.filter(|port| *port > 0) {
        Some(port) => Ok(Some(port)),
        None => Err("has no port from 1 to 65535 after its host"),
    }
}

impl fmt::Display for IceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Word for IceUrl {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn write(&self) -> String {
        self.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_rfc_7064_and_7065() {
        for (text, port) in [
            ("stun:stun.example.org", None),
            ("stuns:stun.example.org:5349", Some(5349)),
            ("stun:192.0.2.1:3478", Some(3478)),
            ("turn:[2001:db8::53]", None),
            ("turn:[2001:db8::1]:65535?transport=udp", Some(65535)),
            ("turns:turn_1.example.org:1?transport=tcp", Some(1)),
        ] {
            let url: IceUrl = text.parse().expect(text);
            assert_eq!((url.port(), url.to_string().as_str()), (port, text));
        }
    }

    #[test]
    fn what_browsers_refuse_is_none_and_it_is_said_why() {
        for (text, why) in [
            ("", "is not a URL of STUN or TURN"),
            ("turn", "is not a URL of STUN or TURN"),
            ("https://turn.example", "is not a URL of STUN or TURN"),
            ("turn:", "names no host"),
            ("turn://turn.example", "names no host"),
            ("turn:t.example/path", "names no host"),
            ("turn:t example", "names no host"),
            ("turn:ü.example", "names no host"),
            ("turn:[2001:db8::1", "has a [ without its ]"),
            ("turn:[]", "names no host"),
            ("turn:[t.example]", "names no host"),
            ("turn:2001:db8::1", "has no port"),
            ("turn:t.example:", "has no port"),
            ("turn:t.example:abc", "has no port"),
            ("turn:t.example:0", "has no port"),
            ("turn:t.example:+1", "has no port"),
            ("turn:t.example:99999", "has no port"),
            ("turn:[::1]3478", "has no port"),
            ("turn:t.example?transport=sctp", "may end with ?transport"),
            ("turn:t.example?transport=", "may end with ?transport"),
            ("turn:t.example?", "may end with ?transport"),
            ("turn:t.example?x=udp", "may end with ?transport"),
            ("stun:s.example?transport=udp", "which has no ?transport="),
        ] {
            let told = text.parse::<IceUrl>().expect_err(text);
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let told = "turn:ada:s3cret@t.example".parse::<IceUrl>();
        let told = told.expect_err("a user in a URL");
        assert!(
            told.contains("names a user") && !told.contains("s3cret"),
            "{told}"
        );
    }
}
