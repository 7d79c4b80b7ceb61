//! The two ways a message is written: JSON and MessagePack, the same maps in both. Nothing outside knows either.
//!
//! ```text
//! frame ─json/msgpack::collect─► Fields ─read_client─► ClientMessage ─session─► ServerMessage ─write─► frame
//! ```
//!
//! A frame is passed over once, which only finds where the value of each known field begins and ends. Each message
//! then reads its own fields, by the same code for both encodings; a signal's payload is checked and stays bytes. What
//! a client may send is bounded before anything recurses: every pass over bytes of others is a loop.

mod error;
mod field;
mod fields;
mod json;
mod map_writer;
mod mend_json;
mod merge_patch;
mod msgpack;
mod msgpack_reader;
mod payload;
mod raw;
mod read_client;
mod read_server;
mod scalar;
mod scan_json;
mod scan_msgpack;
mod state;
mod transcode;
mod whole;
mod write_client;
mod write_server;

pub use error::{
    DecodeError, EncodeError, Fault, InvalidPayload, InvalidState, Malformed, StateTooLarge,
};

pub use mend_json::mended;
pub use whole::whole;
pub(crate) use whole::{whole_number_lists, whole_numbers};

use crate::{ClientMessage, Encoding, ServerMessage};
use fields::Fields;

/// How the messages of one connection are written; chosen by its WebSocket subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// JSON in text frames.
    Json,
    /// MessagePack in binary frames.
    MessagePack,
}

impl Codec {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// The names of both, for the handshake.
    pub const SUBPROTOCOLS: [&'static str; 2] =
        [Self::Json.subprotocol(), Self::MessagePack.subprotocol()];

    /// The WebSocket subprotocol (RFC 6455 section 1.9) that stands for this codec.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "switchboard.v1.json",
            Self::MessagePack => "switchboard.v1.msgpack",
        }
    }

    /// The codec that a subprotocol stands for, if it is one of ours.
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.subprotocol() == name)
    }

    /// How payloads are written in its messages.
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Json => Encoding::Json,
            Self::MessagePack => Encoding::MessagePack,
        }
    }

    /// Reads what a client said, borrowing from the frame.
    pub fn decode<'a>(self, frame: &'a [u8]) -> Result<ClientMessage<'a>, DecodeError> {
        let mut fields = Fields::default();
        self.collect(frame, &mut fields)
            .and_then(|()| read_client::message(&fields))
            .map_err(|fault| DecodeError::new(read_client::answerable_id(&fields), fault))
    }

    /// Writes what a gateway says behind whatever `out` holds; on an error, `out` is as before.
    ///
    /// The only thing that can go wrong is a payload in the other encoding that no codec of ours let in.
    pub fn encode(self, message: &ServerMessage, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = out.len();
        write_server::message(self, message, out).inspect_err(|_| out.truncate(before))
    }

    /// Reads what a gateway said. A client ignores the error when it is [`Fault::UnknownType`].
    pub fn decode_server(self, frame: &[u8]) -> Result<ServerMessage, DecodeError> {
        let mut fields = Fields::default();
        self.collect(frame, &mut fields)
            .and_then(|()| read_server::message(self, frame, &fields))
            .map_err(|fault| DecodeError::new(None, fault))
    }

    /// Writes what a client says behind whatever `out` holds; on an error, `out` is as before.
    pub fn encode_client(
        self,
        message: &ClientMessage<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let before = out.len();
        write_client::message(self, message, out).inspect_err(|_| out.truncate(before))
    }

    fn collect<'a>(self, frame: &'a [u8], fields: &mut Fields<'a>) -> Result<(), Fault> {
        match self {
            Self::Json => json::collect(frame, fields),
            Self::MessagePack => msgpack::collect(frame, fields),
        }
    }
}

#[cfg(test)]
mod tests;
