//! Each message of a client, written.

use super::map_writer::MapWriter;
use super::{Codec, EncodeError};
use crate::ClientMessage;
use crate::client_message::{Hello, Join, Signal};

pub(super) fn message(
    codec: Codec,
    message: &ClientMessage<'_>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut map = MapWriter::new(codec, type_of(message), out)?;
    match message {
        ClientMessage::Hello(message) => hello(&mut map, message)?,
        ClientMessage::Join(message) => join(&mut map, message)?,
        ClientMessage::Leave(leave) => {
            map.field("id", &leave.id)?;
            map.field("room", &leave.room)?;
        }
        ClientMessage::Signal(message) => signal(&mut map, message)?,
        ClientMessage::Received(received) => {
            map.field("from", &received.from)?;
            map.field("id", &received.id)?;
        }
        ClientMessage::State(state) => {
            map.field("id", &state.id)?;
            map.field("room", &state.room)?;
            map.field("state", &state.state)?;
        }
        ClientMessage::Refresh(refresh) => {
            map.field("id", &refresh.id)?;
            map.field("token", &refresh.token)?;
        }
        ClientMessage::Ping(ping) => map.optional("id", &ping.id)?,
        ClientMessage::Bye(bye) => map.optional("hold_ms", &bye.hold_ms)?,
    }
    map.finish();
    Ok(())
}

const fn type_of(message: &ClientMessage<'_>) -> &'static str {
    match message {
        ClientMessage::Hello(_) => "hello",
        ClientMessage::Join(_) => "join",
        ClientMessage::Leave(_) => "leave",
        ClientMessage::Signal(_) => "signal",
        ClientMessage::Received(_) => "received",
        ClientMessage::State(_) => "state",
        ClientMessage::Refresh(_) => "refresh",
        ClientMessage::Ping(_) => "ping",
        ClientMessage::Bye(_) => "bye",
    }
}

fn hello(map: &mut MapWriter<'_>, hello: &Hello<'_>) -> Result<(), EncodeError> {
    map.optional("token", &hello.token)?;
    map.optional("name", &hello.name)?;
    map.optional("avatar", &hello.avatar)?;
    map.field("receipts", &hello.receipts)?;
    map.optional("resume", &hello.resume)?;
    map.optional("agent", &hello.agent)
}

fn join(map: &mut MapWriter<'_>, join: &Join<'_>) -> Result<(), EncodeError> {
    map.field("id", &join.id)?;
    map.field("room", &join.room)?;
    map.optional("state", &join.state)?;
    map.optional("capacity", &join.capacity)
}

fn signal(map: &mut MapWriter<'_>, signal: &Signal<'_>) -> Result<(), EncodeError> {
    map.field("id", &signal.id)?;
    map.field("room", &signal.room)?;
    map.optional("to", &signal.to)?;
    map.field("kind", &signal.kind)?;
    map.payload("payload", signal.payload)?;
    map.optional("traceparent", &signal.traceparent)
}
