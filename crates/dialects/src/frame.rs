//! What travels over a connection, whatever carries it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use switchboard_session::Closing;

/// A frame, as its sender wrote it or as its reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A message in text.
    Text(Text),
    /// A message in bytes.
    Binary(Bytes),
    /// Asks whether the other side is alive; whatever carries the connection answers by itself.
    Ping,
    /// The answer.
    Pong,
    /// The last frame: why the gateway closes the connection. A client's reasons are not read.
    Close(Option<Closing>),
}

impl Frame {
    /// Bytes of its content.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Ping | Self::Pong | Self::Close(_) => 0,
        }
    }

    /// Whether it has no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text in it, if it is a message in text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The content of a message, borrowed from its frame.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// Of one in text.
    Text(&'a str),
    /// Of one in bytes.
    Binary(&'a [u8]),
}

/// A text that came over a connection, or goes over one. It is not copied and not looked at again for that: what a
/// library has read stays in that library's own type.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    Owned(String),
    Lent(Arc<dyn AsRef<str> + Send + Sync>),
}

impl Text {
    /// A text in a type that others have for it.
    pub fn lent(text: impl AsRef<str> + Send + Sync + 'static) -> Self {
        Self(Repr::Lent(Arc::new(text)))
    }

    /// The text by itself. One that was [lent](Self::lent) is copied: nobody sends what was read.
    pub fn into_string(self) -> String {
        match self.0 {
            Repr::Owned(text) => text,
            Repr::Lent(text) => (*text).as_ref().to_owned(),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Repr::Owned(text) => text,
            Repr::Lent(text) => (**text).as_ref(),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Repr::Owned(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}
