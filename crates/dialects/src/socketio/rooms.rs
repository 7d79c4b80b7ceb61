//! Rooms: one at a time, signals to a `target`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::server_message::{RoomClosed, Signal};
use switchboard_protocol::{ErrorCode, Member, PeerId, RoomId};

use super::outbound::{emit, tell_custom};
use super::packet::{self, Event};
use super::{Entering, Hear, Outgoing, Request, Say, SocketIo, To, Vocabulary, What};
use crate::foreign::{self, RelayedObject};
use crate::kinds::Kind;
use crate::{Frame, neutral};

/// False: it is no event of this vocabulary.
pub(super) fn hear(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) -> bool {
    match event.name.as_str() {
        "create-room" => enter(io, event, true, heard),
        "join-room" => enter(io, event, false, heard),
        "leave-room" => leave(io, event, heard),
        name => {
            let Some(kind) = Kind::called(name, |kind| kind.rooms) else {
                return false;
            };
            pass_on(io, event, kind, heard);
        }
    }
    true
}

/// The room that an event names: `roomId`, or an object with it.
fn room_of<'a>(event: &Event<'a>) -> Option<Cow<'a, str>> {
    let named = || foreign::id(event.fields()?.get("roomId")?);
    foreign::id(event.arguments.first()?).or_else(named)
}

fn enter(io: &mut SocketIo, event: &Event<'_>, creates: bool, heard: Hear<'_>) {
    let Some(room) = room_of(event) else {
        let words = "say which room: a `roomId`";
        return refuse(io, event, ErrorCode::BadMessage, words, heard);
    };
    if let Some(current) = io.current.take().filter(|current| current.as_str() != room) {
        let unasked = Request {
            vocabulary: Vocabulary::Rooms,
            ack: None,
            what: What::Unasked,
        };
        io.leave(current.as_str(), unasked, heard);
    }
    io.current = room.parse().ok();
    let request = Request {
        vocabulary: Vocabulary::Rooms,
        ack: event.ack,
        what: What::Enter {
            room: io.current.clone(),
            creates,
        },
    };
    io.enter(&room, request, Entering::default(), heard);
}

fn leave(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) {
    let Some(room) = io.current.take() else {
        let words = "you are in no room";
        return refuse(io, event, ErrorCode::NotAMember, words, heard);
    };
    let request = Request {
        vocabulary: Vocabulary::Rooms,
        ack: event.ack,
        what: What::Leave(Some(room.clone())),
    };
    io.leave(room.as_str(), request, heard);
}

fn pass_on(io: &mut SocketIo, event: &Event<'_>, kind: &'static Kind, heard: Hear<'_>) {
    let said = event.fields();
    let target = said.as_ref().and_then(|said| said.text("target"));
    let (Some(mut said), Some(target)) = (said, target) else {
        let words = "say to whom: an object with `target`";
        return refuse(io, event, ErrorCode::BadMessage, words, heard);
    };
    let Some(room) = io.current.clone() else {
        let words = "you are in no room; join one first";
        return refuse(io, event, ErrorCode::NotAMember, words, heard);
    };
    said.take("target");
    let payload = neutral::unwrap(kind.name, kind.rooms.key, said);
    let signal = Outgoing {
        room: room.as_str(),
        to: To::Peer(target),
        kind: kind.name,
        payload: &payload,
    };
    io.signal(event, Vocabulary::Rooms, signal, heard);
}

fn refuse(io: &mut SocketIo, event: &Event<'_>, code: ErrorCode, words: &str, heard: Hear<'_>) {
    io.refuse(event, Vocabulary::Rooms, code, words, heard);
}

/// It is in.
pub(super) fn joined(request: &Request, room: &RoomId, say: Say<'_>) {
    if let Some(ack) = request.ack {
        let done = packet::ack(ack, &json!({ "success": true, "roomId": room }));
        say(Frame::Text(done.into()));
    }
    if matches!(request.what, What::Enter { creates: true, .. }) {
        emit("room-created", &json!({ "roomId": room }), say);
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User<'a> {
    user_id: &'a PeerId,
    username: &'a str,
}

impl<'a> From<&'a Member> for User<'a> {
    fn from(member: &'a Member) -> Self {
        Self {
            user_id: &member.peer,
            username: member.name.as_deref().unwrap_or(member.user.as_str()),
        }
    }
}

pub(super) fn came(member: &Member, say: Say<'_>) {
    emit("user-joined", &User::from(member), say);
}

pub(super) fn gone(member: &Member, say: Say<'_>) {
    emit("user-left", &User::from(member), say);
}

pub(super) fn closed(closed: &RoomClosed, say: Say<'_>) {
    let told = json!({ "roomId": closed.room, "reason": closed.reason });
    emit("room-closed", &told, say);
}

/// A signal, in the words in which it was said if its sender speaks like this client.
pub(super) fn signalled(own: &PeerId, signal: &Signal, payload: &RawValue, say: Say<'_>) {
    let Some(kind) = Kind::named(&signal.kind) else {
        return tell_custom("signal", signal, payload, say);
    };
    let told = RelayedObject {
        own: &[("target", own.as_str()), ("from", signal.from.as_str())],
        fields: &neutral::wrap(kind.rooms.key, payload),
    };
    emit(kind.rooms.word, &told, say);
}
