//! The ways in which a connection does not come about, and those in which it ends.

use std::io;

use switchboard_protocol::{CloseCode, DecodeError, EncodeError};

/// What the gateway said in its close frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {reason}")]
pub struct Closed {
    /// RFC 6455 section 7.4; 1005 where the frame named none.
    pub code: u16,
    /// For people, or the JSON text that carries `retry_after_ms`.
    pub reason: String,
    /// When trying again may help, milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Closed {
    /// The number of a close frame without one (RFC 6455 section 7.4.1).
    const NO_STATUS: u16 = 1005;

    pub(super) fn read(body: &[u8]) -> Self {
        let (code, reason) = match body {
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
            _ => (Self::NO_STATUS, &[][..]),
        };
        let reason = String::from_utf8_lossy(reason).into_owned();
        Self {
            code,
            retry_after_ms: retry_after_ms(&reason),
            reason,
        }
    }

    /// The row of our table, if it is one of ours.
    pub fn row(&self) -> Option<CloseCode> {
        CloseCode::from_number(self.code)
    }
}

/// The one field in a close reason that programs read, as in `{"retry_after_ms":1500}`.
fn retry_after_ms(reason: &str) -> Option<u64> {
    let (_, rest) = reason.split_once("\"retry_after_ms\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    let end = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    value[..end].parse().ok()
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// It cannot be written in the connection's codec.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Over `limits.max_message_bytes` of `welcome`.
    #[error("a message of {bytes} bytes: at most {bytes_max} are taken")]
    TooLarge {
        /// The message.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disconnected {
    /// The gateway closed it.
    #[error("closed by the gateway: {0}")]
    Closed(Closed),
    /// It was lost without a word (1006).
    #[error("connection lost: {0}")]
    Lost(io::ErrorKind),
    /// What came is no WebSocket (RFC 6455).
    #[error("the gateway broke the WebSocket protocol: {0}")]
    Frame(&'static str),
    /// What came is no message of ours.
    #[error("the gateway sent a message that cannot be read: {0}")]
    Message(DecodeError),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The options cannot be used; trying again does not help.
    #[error("{0}")]
    Options(String),
    /// No TCP connection, or it was lost before the upgrade.
    #[error("cannot reach {authority}: {error}")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// Why.
        error: io::Error,
    },
    /// What answered did not upgrade to a WebSocket.
    #[error("the upgrade was refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// From `Retry-After`, milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// What answered does not speak our protocol.
    #[error("no such protocol there: {0}")]
    Handshake(String),
    /// The gateway closed the connection instead of saying `welcome`.
    #[error("closed by the gateway: {0}")]
    Closed(Closed),
    /// The connection ended otherwise before `welcome`.
    #[error("ended before `welcome`: {0}")]
    Ended(Disconnected),
    /// Nothing came of it in [`Options::open_timeout`](super::Options::open_timeout).
    #[error("no `welcome` in time")]
    TimedOut,
}

impl From<Disconnected> for ConnectError {
    fn from(ended: Disconnected) -> Self {
        match ended {
            Disconnected::Closed(closed) => Self::Closed(closed),
            ended => Self::Ended(ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_says_when_to_try_again() {
        let closed = Closed::read(b"\x11\x97{\"retry_after_ms\": 1500, \"x\": 1}");
        assert_eq!(closed.code, 4503);
        assert_eq!(closed.row(), Some(CloseCode::Unavailable));
        assert_eq!(closed.retry_after_ms, Some(1500));
    }

    #[test]
    fn a_close_frame_may_be_empty_or_in_plain_words() {
        assert_eq!(Closed::read(b"").code, 1005);
        assert_eq!(Closed::read(b"\x03\xe8bye").retry_after_ms, None);
        assert_eq!(Closed::read(b"\x03\xe8bye").to_string(), "1000 bye");
    }
}
