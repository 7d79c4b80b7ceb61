//! Each message of a gateway, for clients in Rust and for tests.

use serde::de::DeserializeOwned;

use super::field::Field;
use super::fields::Fields;
use super::read_client::unknown_type;
use super::{Codec, Fault};
use crate::ServerMessage;
use crate::server_message::{
    Delivered, Done, Drain, Error, Expiring, IceServers, Joined, Left, MemberJoined, MemberLeft,
    MemberUpdated, Pong, Ready, RoomClosed, Signal, Undelivered, Welcome,
};

/// The derived types do not look at their tag: `type` decides here which of them reads the frame.
pub(super) fn message(
    codec: Codec,
    frame: &[u8],
    fields: &Fields<'_>,
) -> Result<ServerMessage, Fault> {
    Ok(match fields.text(Field::Type)?.as_ref() {
        "welcome" => body::<Welcome>(codec, frame, "welcome")?.into(),
        "joined" => body::<Joined>(codec, frame, "joined")?.into(),
        "left" => body::<Left>(codec, frame, "left")?.into(),
        "member-joined" => body::<MemberJoined>(codec, frame, "member-joined")?.into(),
        "member-updated" => body::<MemberUpdated>(codec, frame, "member-updated")?.into(),
        "member-left" => body::<MemberLeft>(codec, frame, "member-left")?.into(),
        "ready" => body::<Ready>(codec, frame, "ready")?.into(),
        "room-closed" => body::<RoomClosed>(codec, frame, "room-closed")?.into(),
        "signal" => signal(fields)?.into(),
        "delivered" => body::<Delivered>(codec, frame, "delivered")?.into(),
        "undelivered" => body::<Undelivered>(codec, frame, "undelivered")?.into(),
        "done" => body::<Done>(codec, frame, "done")?.into(),
        "pong" => body::<Pong>(codec, frame, "pong")?.into(),
        "drain" => body::<Drain>(codec, frame, "drain")?.into(),
        "expiring" => body::<Expiring>(codec, frame, "expiring")?.into(),
        "ice-servers" => body::<IceServers>(codec, frame, "ice-servers")?.into(),
        "error" => body::<Error>(codec, frame, "error")?.into(),
        unknown => return Err(unknown_type(unknown)),
    })
}

fn body<T: DeserializeOwned>(
    codec: Codec,
    frame: &[u8],
    message: &'static str,
) -> Result<T, Fault> {
    let read = match codec {
        Codec::Json => serde_json::from_slice(frame).map_err(|error| error.to_string()),
        Codec::MessagePack => rmp_serde::from_slice(frame).map_err(|error| error.to_string()),
    };
    read.map_err(|why| Fault::Body { message, why })
}

fn signal(fields: &Fields<'_>) -> Result<Signal, Fault> {
    Ok(Signal {
        room: fields
            .text(Field::Room)?
            .parse()
            .map_err(|rule| Field::Room.invalid_id(rule))?,
        from: fields
            .text(Field::From)?
            .parse()
            .map_err(|rule| Field::From.invalid_id(rule))?,
        id: fields.id(Field::Id)?,
        kind: fields.text(Field::Kind)?.into(),
        payload: fields.payload(Field::Payload)?.to_owned(),
        traceparent: fields.optional_text(Field::Traceparent)?.map(Into::into),
    })
}
