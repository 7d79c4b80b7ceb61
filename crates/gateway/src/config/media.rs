//! Rooms whose media goes through a server (SFU).

use std::fmt;
use std::str::FromStr;

use http::Uri;

use super::Secret;
use super::setting::Word;

/// Keys `media.*`.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// What kind of server it is. Default unset: members connect to one another.
    pub kind: Option<MediaKind>,
    /// Where clients reach it. Default unset.
    pub url: Option<MediaUrl>,
    /// The key by which it knows who signs its tokens. Default unset.
    pub api_key: Option<String>,
    /// What they are signed with. Default unset.
    pub api_secret: Option<Secret>,
    /// Rooms that it is for: ids, or the beginning of some before a `*`. Default all.
    pub rooms: Vec<String>,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            kind: None,
            url: None,
            api_key: None,
            api_secret: None,
            rooms: vec!["*".into()],
        }
    }
}

/// A kind of media server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// LiveKit.
    LiveKit,
}

impl MediaKind {
    /// As it is called in `joined.media`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LiveKit => "livekit",
        }
    }
}

impl Word for MediaKind {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "livekit" => Ok(Self::LiveKit),
            _ => Err("is not a kind of media server that is known here: livekit".into()),
        }
    }

    fn write(&self) -> String {
        self.as_str().into()
    }
}

/// A URL that clients open as a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaUrl(String);

impl FromStr for MediaUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: Option<Uri> = text.parse().ok();
        let is_web_socket = url.is_some_and(|url| {
            let host = url.host().is_some_and(|host| !host.is_empty());
            let authority = url.authority().map_or("", |authority| authority.as_str());
            host && !authority.contains('@') && matches!(url.scheme_str(), Some("ws" | "wss"))
        });
        match is_web_socket {
            true => Ok(Self(text.into())),
            // Without the URL: one that has a password in it is among those.
            false => Err(
                "is not a URL that clients can open, such as wss://livekit.example.org, without a name or a password"
                    .into(),
            ),
        }
    }
}

impl fmt::Display for MediaUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Word for MediaUrl {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}
