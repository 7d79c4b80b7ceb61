//! The native protocol: the messages of `switchboard_protocol`, JSON in text frames or MessagePack in binary ones.

use axum::extract::ws::{Message, Utf8Bytes};
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{ClientMessage, Codec, DecodeError, ServerMessage};

/// A connection that speaks the native protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Native {
    codec: Codec,
}

/// What a frame is to a session.
#[derive(Debug)]
pub(crate) enum Frame<'a> {
    /// A message, or what is wrong with it.
    Message(Result<ClientMessage<'a>, DecodeError>),
    /// A sign of life.
    Alive,
    /// The client closes the connection.
    Close,
}

impl Native {
    /// With the codec that the subprotocol chose; JSON where none was offered.
    pub(crate) fn new(codec: Codec) -> Self {
        Self { codec }
    }

    /// Reads a frame.
    pub(crate) fn decode<'a>(&self, frame: &'a Message) -> Frame<'a> {
        match (self.codec, frame) {
            (Codec::Json, Message::Text(text)) => {
                Frame::Message(self.codec.decode(text.as_bytes()))
            }
            (Codec::MessagePack, Message::Binary(bytes)) => {
                Frame::Message(self.codec.decode(bytes))
            }
            (codec, Message::Text(_) | Message::Binary(_)) => {
                Frame::Message(Err(DecodeError::frame_type(codec.encoding())))
            }
            (_, Message::Ping(_) | Message::Pong(_)) => Frame::Alive,
            (_, Message::Close(_)) => Frame::Close,
        }
    }

    /// Writes a message as a frame.
    pub(crate) fn encode(&self, message: &ServerMessage) -> Result<Message, EncodeError> {
        let mut bytes = Vec::with_capacity(256);
        self.codec.encode(message, &mut bytes)?;
        Ok(match self.codec {
            Codec::Json => Message::Text(
                Utf8Bytes::try_from(bytes).map_err(|_| EncodeError::Value("not UTF-8".into()))?,
            ),
            Codec::MessagePack => Message::Binary(bytes.into()),
        })
    }
}
