//! What can be wrong with what a client sends, in words for the ERROR frame that it gets.
//!
//! Headers are named by their place, 1 being the one below the command: their text may hold a token and is not repeated.

use crate::{Command, Version};

/// Why bytes are no frame. Nobody knows where the next frame would begin, so the connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The first line of a frame is another word.
    #[error("unknown command {0:?}; commands are written in capitals, as CONNECT or SEND")]
    UnknownCommand(String),
    /// The first line of a frame is longer than any command.
    #[error(
        "a frame has to begin with a line that holds only a command, as CONNECT or SEND; is a NUL or a newline missing before it?"
    )]
    NoCommand,
    /// A NUL before the empty line.
    #[error(
        "a NUL before the body; an empty line has to follow the headers, also where there is no body"
    )]
    EndInHead,
    /// A line that is no header.
    #[error("header {0} has no colon; headers are written name:value, and an empty line ends them")]
    NoColon(usize),
    /// Nothing in front of the colon.
    #[error("header {0} has no name; headers are written name:value")]
    NoName(usize),
    /// Some other encoding.
    #[error("header {0} is not UTF-8; headers have to be")]
    NotUtf8(usize),
    /// A carriage return inside a header. Before 1.2 it was a character like others; what reads line ends as CRLF takes
    /// it for one.
    #[error(
        "header {0} holds a carriage return; in STOMP 1.2 it is written \\r, before that it cannot be sent"
    )]
    CarriageReturn(usize),
    /// A backslash and something that the version has no meaning for (fatal by STOMP 1.2, «Value Encoding»).
    #[error(
        "header {header} holds an undefined escape, {}; STOMP {version} has {}",
        escape_words(*.letter),
        escapes_of(*.version)
    )]
    UndefinedEscape {
        /// Which header.
        header: usize,
        /// What follows the backslash.
        letter: Option<char>,
        /// What the connection speaks.
        version: Version,
    },
    /// Over [`Limits::header_bytes_max`](crate::Limits::header_bytes_max).
    #[error("header {header} is too long; at most {bytes_max} bytes are taken")]
    HeaderTooLong {
        /// Which header.
        header: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// Over [`Limits::headers_max`](crate::Limits::headers_max).
    #[error("too many headers; at most {0} are taken in a frame")]
    TooManyHeaders(usize),
    /// `content-length` is something else.
    #[error("content-length has to be a whole number, the bytes of the body")]
    ContentLength,
    /// `content-length` is wrong.
    #[error(
        "no NUL after the {0} bytes that content-length announces; it counts the bytes of the body, not its characters, and not the NUL"
    )]
    NoNul(usize),
    /// Only SEND, MESSAGE and ERROR may have one.
    #[error(
        "a {0} frame has no body; the empty line after its headers has to be followed by a NUL"
    )]
    BodyNotAllowed(Command),
    /// Over [`Limits::frame_bytes_max`](crate::Limits::frame_bytes_max).
    #[error("the frame is too large; at most {0} bytes are taken, from its command to its NUL")]
    FrameTooLarge(usize),
}

fn escape_words(letter: Option<char>) -> String {
    match letter {
        Some(letter) => format!("a backslash before {letter:?}"),
        None => "a backslash at its end".to_owned(),
    }
}

/// CONNECT and version 1.0 have no escapes, so nothing in them is an undefined one.
fn escapes_of(version: Version) -> &'static str {
    match version {
        Version::V1_0 | Version::V1_1 => r"\n, \c and \\",
        Version::V1_2 => r"\n, \c, \r and \\",
    }
}
