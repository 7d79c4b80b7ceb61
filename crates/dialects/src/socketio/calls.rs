//! Calls by name, all in one room.

use std::borrow::Cow;

use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::limits::NAME_BYTES_MAX;
use switchboard_protocol::server_message::Signal;
use switchboard_protocol::{ErrorCode, Member, PeerId};
use switchboard_session::{Claim, RoomName};

use super::outbound::{emit, tell_custom};
use super::packet::{self, Event};
use super::{Entering, Hear, Outgoing, Request, RoomView, Say, SocketIo, To, Vocabulary, What};
use crate::foreign::{self, Fields, RelayedObject};
use crate::kinds::{CANDIDATE, Kind};
use crate::{ErrorTexts, Frame, lobby, neutral};

const REQUEST: &str = "request_connection";
const CANCEL: &str = "cancel_connection";
const INFO: &str = "connection_info";
/// What this vocabulary has.
pub(super) const EVENTS: [&str; 4] = ["init", REQUEST, CANCEL, INFO];
/// The key under which descriptions stand.
const DESCRIPTION: &str = "sdp";

/// False: it is no event of this vocabulary.
pub(super) fn hear(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) -> bool {
    match event.name.as_str() {
        "init" => init(io, event, heard),
        REQUEST => ring(io, event, REQUEST, heard),
        CANCEL => ring(io, event, CANCEL, heard),
        INFO => inform(io, event, heard),
        _ => return false,
    }
    true
}

fn init(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) {
    let name = event.arguments.first().and_then(|name| foreign::text(name));
    let fits = |name: &Cow<'_, str>| !name.is_empty() && name.len() <= NAME_BYTES_MAX;
    let Some(name) = name.filter(fits) else {
        let words = format!("say your name: a text of 1 to {NAME_BYTES_MAX} bytes");
        return refuse(io, event, &words, heard);
    };
    let with = Entering {
        state: None,
        capacity: Some(lobby::CAPACITY),
        name: Some(RoomName {
            text: (*name).into(),
            claim: Some(Claim::Newest),
        }),
    };
    let request = Request {
        vocabulary: Vocabulary::Calls,
        ack: event.ack,
        what: What::Name,
    };
    io.enter(lobby::ROOM, request, with, heard);
}

/// Asks a member for a call, or takes that back.
fn ring(io: &mut SocketIo, event: &Event<'_>, kind: &'static str, heard: Hear<'_>) {
    let name = event.arguments.first().and_then(|name| foreign::text(name));
    let Some(name) = name else {
        return refuse(io, event, "say whom to call: a name", heard);
    };
    call(io, event, &name, (kind, "null"), heard);
}

fn inform(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) {
    let said = event.fields();
    let name = said.as_ref().and_then(|said| said.text("remoteName"));
    let (Some(mut said), Some(name)) = (said, name) else {
        return refuse(io, event, "say to whom: an object with `remoteName`", heard);
    };
    said.take("remoteName");
    match kind_of(&said) {
        Some(kind) => {
            let payload = neutral::unwrap(kind.name, kind.calls.key, said);
            call(io, event, &name, (kind.name, &payload), heard);
        }
        None => {
            call(io, event, &name, (INFO, &said.to_json()), heard);
        }
    }
}

/// What its `type`, or else its fields, say that it is.
fn kind_of(said: &Fields<'_>) -> Option<&'static Kind> {
    let description = |said: &Fields<'_>| {
        let named = said.text("type")?;
        Kind::named(&named).filter(|kind| kind.name != CANDIDATE)
    };
    if let Some(kind) = description(said) {
        return Some(kind);
    }
    if said.get(CANDIDATE).is_some() {
        return Kind::named(CANDIDATE);
    }
    description(&Fields::read(said.get(DESCRIPTION)?.get())?)
}

fn call(
    io: &mut SocketIo,
    event: &Event<'_>,
    name: &str,
    (kind, payload): (&str, &str),
    heard: Hear<'_>,
) {
    if io.rooms.get(lobby::ROOM).is_none() {
        return refuse(io, event, "say `init` with your name first", heard);
    }
    // Who has that name, the node knows before this client is told.
    let signal = Outgoing {
        room: lobby::ROOM,
        to: To::Name(name),
        kind,
        payload,
    };
    io.signal(event, Vocabulary::Calls, signal, heard);
}

fn refuse(io: &mut SocketIo, event: &Event<'_>, words: &str, heard: Hear<'_>) {
    io.refuse(
        event,
        Vocabulary::Calls,
        ErrorCode::BadMessage,
        words,
        heard,
    );
}

/// Somebody else has the name now.
pub(super) fn lost(texts: &ErrorTexts, say: Say<'_>) {
    let code = ErrorCode::NameTaken;
    let words = texts.refusal(code, "somebody else took your name");
    let told = packet::event("error", &json!({ "code": code, "message": words }));
    say(Frame::Text(told.into()));
}

pub(super) fn signalled(
    lobby: &RoomView<Vocabulary>,
    own: Option<&PeerId>,
    (signal, payload): (&Signal, &RawValue),
    say: Say<'_>,
) {
    let own = own.map_or("", |own| name_of(lobby, own));
    match (&*signal.kind, Kind::named(&signal.kind)) {
        (event @ (REQUEST | CANCEL), _) => emit(event, &name_of(lobby, &signal.from), say),
        (_, Some(kind)) => {
            let fields = neutral::wrap(kind.calls.key, payload);
            inform_of(kind.calls.word, own, &fields, say);
        }
        (INFO, None) => match Fields::read(payload.get()) {
            Some(fields) => inform_of("", own, &neutral::borrowed(fields), say),
            None => tell_custom("signal", signal, payload, say),
        },
        _ => tell_custom("signal", signal, payload, say),
    }
}

/// What a caller said. Its client does not say who it is; `remoteName` is the name of the receiver.
fn inform_of(kind: &str, own: &str, fields: &[(Cow<'_, str>, Cow<'_, RawValue>)], say: Say<'_>) {
    let has_kind = kind.is_empty() || fields.iter().any(|(key, _)| key == "type");
    let own = [("remoteName", own), ("type", kind)];
    let own = if has_kind { &own[..1] } else { &own[..] };
    emit(INFO, &RelayedObject { own, fields }, say);
}

fn name_of<'a>(lobby: &'a RoomView<Vocabulary>, peer: &'a PeerId) -> &'a str {
    let name = lobby
        .member(peer)
        .and_then(|member: &Member| member.name.as_deref());
    name.unwrap_or(peer.as_str())
}
