//! Each message of a gateway, written: derived, but for the signal, whose payload is bytes already.

use super::map_writer::{MapWriter, append};
use super::{Codec, EncodeError};
use crate::ServerMessage;
use crate::server_message::Signal;

pub(super) fn message(
    codec: Codec,
    message: &ServerMessage,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match message {
        ServerMessage::Welcome(message) => append(codec, message, out),
        ServerMessage::Joined(message) => append(codec, message, out),
        ServerMessage::Left(message) => append(codec, message, out),
        ServerMessage::MemberJoined(message) => append(codec, message, out),
        ServerMessage::MemberUpdated(message) => append(codec, message, out),
        ServerMessage::MemberLeft(message) => append(codec, message, out),
        ServerMessage::Ready(message) => append(codec, message, out),
        ServerMessage::RoomClosed(message) => append(codec, message, out),
        ServerMessage::Signal(message) => signal(codec, message, out),
        ServerMessage::Delivered(message) => append(codec, message, out),
        ServerMessage::Undelivered(message) => append(codec, message, out),
        ServerMessage::Done(message) => append(codec, message, out),
        ServerMessage::Pong(message) => append(codec, message, out),
        ServerMessage::Drain(message) => append(codec, message, out),
        ServerMessage::Expiring(message) => append(codec, message, out),
        ServerMessage::IceServers(message) => append(codec, message, out),
        ServerMessage::Error(message) => append(codec, message, out),
    }
}

fn signal(codec: Codec, signal: &Signal, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut map = MapWriter::new(codec, "signal", out)?;
    map.field("room", &signal.room)?;
    map.field("from", &signal.from)?;
    map.field("id", &signal.id)?;
    map.field("kind", &*signal.kind)?;
    map.payload("payload", signal.payload.as_slice())?;
    map.optional("traceparent", &signal.traceparent)?;
    map.finish();
    Ok(())
}
