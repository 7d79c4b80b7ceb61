//! What clients may speak here, and what their dialects need.

use std::path::PathBuf;

pub use switchboard_dialects::{DialectName, ErrorTexts};

use super::setting::Word;

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
