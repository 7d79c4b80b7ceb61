//! Command and headers.

use std::borrow::Cow;

use super::line::{self, Line};
use crate::encode::LENGTH;
use crate::escape::{Escapes, Undefined};
use crate::{Command, Fault, Frame, Headers, Limits, Version};

/// A frame down to where its body begins.
#[derive(Debug)]
pub(super) struct Head {
    command: Command,
    headers: Headers,
    content_length: Option<usize>,
    limits: Limits,
    /// Headers so far, those included that are not kept.
    count: usize,
    /// Bytes so far, as they were sent.
    bytes: usize,
    whole: bool,
}

impl Head {
    /// That begins with a command, in a line of so many bytes.
    pub(super) fn new(command: Command, bytes: usize, limits: Limits) -> Self {
        Self {
            command,
            headers: Headers::default(),
            content_length: None,
            limits,
            count: 0,
            bytes,
            whole: false,
        }
    }

    /// Reads up to the empty line; whether that has come.
    pub(super) fn read(
        &mut self,
        kept: &mut Vec<u8>,
        input: &mut &[u8],
        version: Version,
    ) -> Result<bool, Fault> {
        while !self.whole {
            let room = self.limits.frame_bytes_max.saturating_sub(self.bytes);
            let bytes_max = self.limits.header_bytes_max.min(room);
            match line::take(kept, input, bytes_max) {
                Line::Partial => return Ok(false),
                Line::TooLong => return Err(self.too_long(room)),
                Line::Nul => return Err(Fault::EndInHead),
                Line::Whole { text, bytes } => {
                    self.bytes += bytes;
                    self.line(&text, version)?;
                }
            }
        }
        Ok(true)
    }

    /// What a frame of this head may still have as its body, in front of its NUL.
    pub(super) fn room(&self) -> Result<usize, Fault> {
        let frame_bytes_max = self.limits.frame_bytes_max;
        let room = frame_bytes_max.checked_sub(self.bytes + 1);
        room.ok_or(Fault::FrameTooLarge(frame_bytes_max))
    }

    pub(super) fn too_large(&self) -> Fault {
        Fault::FrameTooLarge(self.limits.frame_bytes_max)
    }

    pub(super) fn command(&self) -> Command {
        self.command
    }

    pub(super) fn content_length(&self) -> Option<usize> {
        self.content_length
    }

    pub(super) fn bytes_kept(&self) -> usize {
        self.headers.bytes()
    }

    pub(super) fn into_frame(self, body: Cow<'_, [u8]>) -> Frame<'_> {
        Frame {
            command: self.command,
            headers: self.headers,
            body,
        }
    }

    fn too_long(&self, room: usize) -> Fault {
        let bytes_max = self.limits.header_bytes_max;
        if room < bytes_max {
            return self.too_large();
        }
        Fault::HeaderTooLong {
            header: self.count + 1,
            bytes_max,
        }
    }

    fn line(&mut self, line: &[u8], version: Version) -> Result<(), Fault> {
        if line.is_empty() {
            self.whole = true;
            return Ok(());
        }
        self.count += 1;
        if self.count > self.limits.headers_max {
            return Err(Fault::TooManyHeaders(self.limits.headers_max));
        }
        self.header(line, version)
    }

    fn header(&mut self, line: &[u8], version: Version) -> Result<(), Fault> {
        let text = str::from_utf8(line).map_err(|_| Fault::NotUtf8(self.count))?;
        if text.contains('\r') {
            return Err(Fault::CarriageReturn(self.count));
        }
        // A value may hold colons: in CONNECT nothing is escaped, and not every client escapes where it should.
        let (name, value) = text.split_once(':').ok_or(Fault::NoColon(self.count))?;
        let (name, value) = match version {
            Version::V1_0 => (name.trim_matches(' '), value.trim_matches(' ')),
            Version::V1_1 | Version::V1_2 => (name, value),
        };
        if name.is_empty() {
            return Err(Fault::NoName(self.count));
        }
        let (name, value) = (self.undo(name, version)?, self.undo(value, version)?);
        self.keep(&name, &value)
    }

    fn undo<'t>(&self, text: &'t str, version: Version) -> Result<Cow<'t, str>, Fault> {
        let undone = Escapes::of(self.command, version).undo(text);
        undone.map_err(|Undefined(letter)| Fault::UndefinedEscape {
            header: self.count,
            letter,
            version,
        })
    }

    fn keep(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if name != LENGTH {
            self.headers.push(name, value);
        } else if self.content_length.is_none() {
            self.content_length = Some(length(value).ok_or(Fault::ContentLength)?);
        }
        Ok(())
    }
}

/// Digits only: what Rust reads as a number may also begin with a `+`.
fn length(value: &str) -> Option<usize> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().ok()).flatten()
}
