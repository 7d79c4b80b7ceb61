//! How to open a connection.

use std::net::IpAddr;
use std::time::Duration;

use switchboard_protocol::Codec;
use switchboard_protocol::client_message::Resume;

/// Where to connect and what to say in `hello`.
#[derive(Clone)]
pub struct Options {
    /// `ws://host:port`, with `/v1/connect` understood where no path is given.
    pub url: String,
    /// How messages are written. Default: JSON.
    pub codec: Codec,
    /// JWT; a node in open mode needs none.
    pub token: Option<String>,
    /// Whether the token goes in the handshake (`Authorization: Bearer`) instead of in `hello`. Default: `hello`.
    pub bearer: bool,
    /// Display name.
    pub name: Option<String>,
    /// Usually a URL.
    pub avatar: Option<String>,
    /// The client's software, for the node's logs.
    pub agent: Option<String>,
    /// Whether this client says `received`; then `delivered` means that it did. Default: yes.
    pub receipts: bool,
    /// The session to go on with: the peer and secret of its last `welcome`, and what was handled
    /// ([`Acknowledger::seen`](crate::Acknowledger::seen)). Whether it does, the next `welcome` says. Default: none.
    pub resume: Option<Resume<'static>>,
    /// The local address to connect from, where the machine has several.
    pub source: Option<IpAddr>,
    /// From the first packet to `welcome`, at most. Default: 10 s.
    pub open_timeout: Duration,
}

impl Options {
    /// The defaults, for `ws://host:port`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            codec: Codec::Json,
            token: None,
            bearer: false,
            name: None,
            avatar: None,
            agent: None,
            receipts: true,
            resume: None,
            source: None,
            open_timeout: Duration::from_secs(10),
        }
    }
}

/// Without the token and the resume secret: they stay out of logs.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("url", &self.url)
            .field("codec", &self.codec)
            .field("name", &self.name)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
