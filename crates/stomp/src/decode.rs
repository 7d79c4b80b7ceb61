//! Reading frames out of pieces.

use std::borrow::Cow;
use std::mem;

use crate::{Command, Fault, Frame, Limits, Version};

mod body;
mod head;
mod line;

use head::Head;
use line::Line;

/// Reads what one peer sends.
///
/// ```
/// use switchboard_stomp::{Decoder, Item, Limits};
///
/// let mut decoder = Decoder::new(Limits::default());
/// let mut frames = 0;
/// for message in ["CONNECT\naccept-version:1.2\n\n\0SEND\ndestination:/a\n", "\nhello\0\n"] {
///     let mut input = message.as_bytes();
///     while let Some(item) = decoder.read(&mut input)? {
///         frames += usize::from(matches!(item, Item::Frame(_)));
///     }
/// }
/// assert_eq!(frames, 2);
/// # Ok::<(), switchboard_stomp::Fault>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    version: Version,
    /// The line that has begun to come.
    line: Vec<u8>,
    /// The frame that has begun to come.
    begun: Option<Begun>,
    fault: Option<Fault>,
}

/// What is known of an incomplete frame, as soon as its command is.
#[derive(Debug)]
struct Begun {
    head: Head,
    body: Vec<u8>,
}

/// What comes out of the pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole frame. Its body lies in the piece if it came in one, so it may cost no copy.
    Frame(Frame<'a>),
    /// The end of a line between frames: a sign of life, or only some air behind a frame.
    HeartBeat,
}

impl Decoder {
    /// For a connection that has not said CONNECT. A STOMP frame, which is escaped before anybody has named a version,
    /// is read as one of 1.2.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            version: Version::V1_2,
            line: Vec::new(),
            begun: None,
            fault: None,
        }
    }

    /// What the peer speaks from the next frame on; to be said when its CONNECT was read, before anything else is.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Takes what it can from the front of a piece, up to the end of one frame or heart-beat.
    ///
    /// `None`: the piece is used up. After an error there is nothing but that error any more.
    pub fn read<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Item<'a>>, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.advance(input).inspect_err(|fault| {
            self.line = Vec::new();
            self.fault = Some(fault.clone());
        })
    }

    /// What it keeps of an incomplete frame, bytes; below [`Limits::frame_bytes_max`].
    pub fn buffered(&self) -> usize {
        let begun = self.begun.as_ref();
        self.line.len() + begun.map_or(0, |begun| begun.head.bytes_kept() + begun.body.len())
    }

    fn advance<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Item<'a>>, Fault> {
        let mut begun = match self.begun.take() {
            Some(begun) => begun,
            None => match self.first_line(input)? {
                None => return Ok(None),
                Some(FirstLine::Empty) => return Ok(Some(Item::HeartBeat)),
                Some(FirstLine::Command(head)) => Begun {
                    head,
                    body: Vec::new(),
                },
            },
        };
        let body = match begun.head.read(&mut self.line, input, self.version)? {
            true => body::read(&begun.head, &mut begun.body, input, self.version)?,
            false => None,
        };
        match body {
            Some(body) => Ok(Some(Item::Frame(begun.head.into_frame(body)))),
            None => {
                self.begun = Some(begun);
                Ok(None)
            }
        }
    }

    fn first_line(&mut self, input: &mut &[u8]) -> Result<Option<FirstLine>, Fault> {
        match line::take(&mut self.line, input, Command::BYTES_MAX) {
            Line::Partial => Ok(None),
            Line::Whole { text, .. } if text.is_empty() => Ok(Some(FirstLine::Empty)),
            Line::Whole { text, bytes } => {
                let head = Head::new(command(&text)?, bytes, self.limits);
                Ok(Some(FirstLine::Command(head)))
            }
            Line::TooLong => Err(Fault::NoCommand),
            Line::Nul => Err(Fault::EndInHead),
        }
    }
}

enum FirstLine {
    Empty,
    Command(Head),
}

fn command(text: &[u8]) -> Result<Command, Fault> {
    let unknown = || Fault::UnknownCommand(String::from_utf8_lossy(text).into_owned());
    Command::from_bytes(text).ok_or_else(unknown)
}

/// What was kept and the piece that goes on from it, as one; copied only if something was kept.
fn join<'a>(kept: &mut Vec<u8>, piece: &'a [u8]) -> Cow<'a, [u8]> {
    if kept.is_empty() {
        return Cow::Borrowed(piece);
    }
    kept.extend_from_slice(piece);
    Cow::Owned(mem::take(kept))
}

#[cfg(test)]
mod tests;
