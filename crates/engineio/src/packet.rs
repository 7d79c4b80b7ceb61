//! Packets: one character for the type, then its content.

use std::borrow::Cow;

/// The packets that this side sends, besides its open packet and messages.
pub(crate) const CLOSE: &str = "1";
pub(crate) const PING: &str = "2";
pub(crate) const NOOP: &str = "6";

/// A packet, read out of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: says how the session works. Only servers do.
    Open,
    /// `1`
    Close,
    /// `2`
    Ping(&'a str),
    /// `3`
    Pong(&'a str),
    /// `4`; or, in a payload, `b` and base64.
    Message(Message<'a>),
    /// `5`: from here on, this WebSocket.
    Upgrade,
    /// `6`: ends a poll, and nothing else.
    Noop,
}

/// What one side says to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text
    Text(Cow<'a, str>),
    /// Bytes
    Binary(Cow<'a, [u8]>),
}

/// What came is no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a packet of Engine.IO 4")]
pub struct BadPacket;

impl<'a> Packet<'a> {
    /// Reads the text of a frame.
    ///
    /// # Errors
    /// When its first character is no type.
    pub fn decode(text: &'a str) -> Result<Self, BadPacket> {
        let mut characters = text.chars();
        let packet = match characters.next().ok_or(BadPacket)? {
            '0' => Self::Open,
            '1' => Self::Close,
            '2' => Self::Ping(characters.as_str()),
            '3' => Self::Pong(characters.as_str()),
            '4' => Self::Message(Message::Text(characters.as_str().into())),
            '5' => Self::Upgrade,
            '6' => Self::Noop,
            _ => return Err(BadPacket),
        };
        Ok(packet)
    }
}

impl Message<'_> {
    /// The same, on its own.
    pub fn into_owned(self) -> Message<'static> {
        match self {
            Self::Text(text) => Message::Text(text.into_owned().into()),
            Self::Binary(bytes) => Message::Binary(bytes.into_owned().into()),
        }
    }

    /// Bytes of its content.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_is_the_type() {
        for (text, packet) in [
            ("0{}", Ok(Packet::Open)),
            ("1", Ok(Packet::Close)),
            ("2probe", Ok(Packet::Ping("probe"))),
            ("3", Ok(Packet::Pong(""))),
            ("4", Ok(Packet::Message(Message::Text("".into())))),
            (
                "42[\"é\"]",
                Ok(Packet::Message(Message::Text("2[\"é\"]".into()))),
            ),
            ("5", Ok(Packet::Upgrade)),
            ("6", Ok(Packet::Noop)),
            ("", Err(BadPacket)),
            ("7", Err(BadPacket)),
            ("abc", Err(BadPacket)),
            ("bAQID", Err(BadPacket)),
            ("é", Err(BadPacket)),
        ] {
            assert_eq!(Packet::decode(text), packet, "{text}");
        }
    }
}
