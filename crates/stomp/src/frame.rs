//! A frame as a value: what was decoded, or is to be encoded.

use std::borrow::Cow;

use crate::{Command, Headers};

/// One frame. `content-length` is no header of it: the decoder has used it up, and the encoder writes it from the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is for.
    pub command: Command,
    /// In their order, repeated ones too.
    pub headers: Headers,
    /// Any bytes, NUL among them.
    pub body: Cow<'a, [u8]>,
}

impl<'a> Frame<'a> {
    /// Without headers and body.
    pub fn new(command: Command) -> Self {
        Self {
            command,
            headers: Headers::default(),
            body: Cow::Borrowed(&[]),
        }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    /// With this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.body = body.into();
        self
    }

    /// The value of a header; of a repeated one, its first.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The same frame, independent of the piece that it came in.
    pub fn into_owned(self) -> Frame<'static> {
        Frame {
            command: self.command,
            headers: self.headers,
            body: Cow::Owned(self.body.into_owned()),
        }
    }
}
