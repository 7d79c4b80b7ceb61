//! Each message of a client, read from the fields that were found.

use std::borrow::Cow;

use super::Fault;
use super::field::Field;
use super::fields::{Fields, required};
use crate::client_message::{
    Bye, Hello, Join, Leave, Ping, Received, Refresh, Signal, State, StatePatch,
};
use crate::ids::check_kind;
use crate::limits::{AVATAR_BYTES_MAX, NAME_BYTES_MAX, RECEIVER_BYTES_MAX, TRACEPARENT_BYTES_MAX};
use crate::{ClientMessage, MemberState, RoomId};

pub(super) fn message<'a>(fields: &Fields<'a>) -> Result<ClientMessage<'a>, Fault> {
    Ok(match fields.text(Field::Type)?.as_ref() {
        "signal" => ClientMessage::Signal(signal(fields)?),
        "received" => ClientMessage::Received(received(fields)?),
        "hello" => ClientMessage::Hello(hello(fields)?),
        "join" => ClientMessage::Join(join(fields)?),
        "leave" => ClientMessage::Leave(leave(fields)?),
        "state" => ClientMessage::State(state(fields)?),
        "refresh" => ClientMessage::Refresh(Refresh {
            id: fields.id(Field::Id)?,
            token: fields.text(Field::Token)?,
        }),
        "ping" => ClientMessage::Ping(Ping {
            id: fields.optional_id(Field::Id)?,
        }),
        "bye" => ClientMessage::Bye(Bye {
            hold_ms: fields.optional_id(Field::HoldMs)?,
        }),
        unknown => return Err(unknown_type(unknown)),
    })
}

/// The id that an error answer repeats. In `received` it is another's and would be taken for one's own.
pub(super) fn answerable_id(fields: &Fields<'_>) -> Option<u64> {
    match fields.text(Field::Type).as_deref() {
        Ok("received") => None,
        _ => fields.id(Field::Id).ok(),
    }
}

pub(super) fn unknown_type(name: &str) -> Fault {
    Fault::UnknownType(name.chars().take(64).collect())
}

fn hello<'a>(fields: &Fields<'a>) -> Result<Hello<'a>, Fault> {
    Ok(Hello {
        token: fields.optional_text(Field::Token)?,
        name: fields.short_text(Field::Name, NAME_BYTES_MAX)?,
        avatar: fields.short_text(Field::Avatar, AVATAR_BYTES_MAX)?,
        receipts: fields.flag(Field::Receipts)?,
        resume: fields.optional_map(Field::Resume)?,
        agent: fields.optional_text(Field::Agent)?,
    })
}

fn join<'a>(fields: &Fields<'a>) -> Result<Join<'a>, Fault> {
    Ok(Join {
        id: fields.id(Field::Id)?,
        room: room(fields)?,
        state: fields.optional_state(Field::State, MemberState::from_payload)?,
        capacity: fields.optional_count(Field::Capacity)?,
    })
}

fn leave<'a>(fields: &Fields<'a>) -> Result<Leave<'a>, Fault> {
    Ok(Leave {
        id: fields.id(Field::Id)?,
        room: room(fields)?,
    })
}

fn signal<'a>(fields: &Fields<'a>) -> Result<Signal<'a>, Fault> {
    let kind = fields.text(Field::Kind)?;
    check_kind(&kind).map_err(|rule| Field::Kind.invalid_id(rule))?;
    Ok(Signal {
        id: fields.id(Field::Id)?,
        room: room(fields)?,
        to: fields.short_text(Field::To, RECEIVER_BYTES_MAX)?,
        kind,
        payload: fields.payload(Field::Payload)?,
        traceparent: fields.short_text(Field::Traceparent, TRACEPARENT_BYTES_MAX)?,
    })
}

fn received(fields: &Fields<'_>) -> Result<Received, Fault> {
    let from = fields
        .text(Field::From)?
        .parse()
        .map_err(|rule| Field::From.invalid_id(rule))?;
    Ok(Received {
        from,
        id: fields.id(Field::Id)?,
    })
}

fn state<'a>(fields: &Fields<'a>) -> Result<State<'a>, Fault> {
    let patch = fields.optional_state(Field::State, StatePatch::from_payload)?;
    Ok(State {
        id: fields.id(Field::Id)?,
        room: room(fields)?,
        state: required(Field::State, patch)?,
    })
}

fn room<'a>(fields: &Fields<'a>) -> Result<Cow<'a, str>, Fault> {
    let room = fields.text(Field::Room)?;
    RoomId::check(&room).map_err(|rule| Field::Room.invalid_id(rule))?;
    Ok(room)
}
