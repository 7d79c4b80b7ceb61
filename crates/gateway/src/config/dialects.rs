//! What clients may speak here, and what their dialects need.

use std::path::PathBuf;

use super::setting::Word;

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectName {
    /// `/v1/connect`
    Native,
    /// `/socket.io/`
    SocketIo,
    /// `/ws`
    Stomp,
    /// WebSockets at `/`
    Mdn,
}

impl DialectName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Native, Self::SocketIo, Self::Stomp, Self::Mdn];

    /// As the configuration and labels have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::SocketIo => "socketio",
            Self::Stomp => "stomp",
            Self::Mdn => "mdn",
        }
    }
}

impl Word for DialectName {
    fn read(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|name| name.as_str() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is no dialect: {names}")
        })
    }

    fn write(&self) -> String {
        self.as_str().into()
    }
}

/// The language of the words that clients of the tutorials are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorTexts {
    /// English.
    #[default]
    English,
    /// Korean, as the tutorials have it.
    Korean,
}

impl Word for ErrorTexts {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "en" => Ok(Self::English),
            "ko" => Ok(Self::Korean),
            other => Err(format!("`{other}` is neither `en` nor `ko`")),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
        .into()
    }
}

/// Keys `socketio.*`.
#[derive(Debug, Clone, Default)]
pub struct SocketIoConfig {
    /// What `/socket.io/socket.io.js` gives: a file of the npm package `socket.io-client`. Default unset: nothing.
    pub client_file: Option<PathBuf>,
}

impl Word for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        String::read(text).map(Self::from)
    }

    fn write(&self) -> String {
        self.display().to_string()
    }
}
