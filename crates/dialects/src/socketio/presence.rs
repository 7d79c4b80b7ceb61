//! Who is there in a study.

use serde_json::json;
use switchboard_protocol::{ErrorCode, Member};

use super::outbound::emit;
use super::packet::Event;
use super::video::User;
use super::{Entering, Hear, Request, RoomView, Say, SocketIo, Vocabulary, What};
use crate::foreign;

/// A study is larger than a call.
const STUDY_CAPACITY: u32 = 1000;

/// False: it is no event of this vocabulary.
pub(super) fn hear(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) -> bool {
    match event.name.as_str() {
        "presence:join-study" => enter(io, event, heard),
        "presence:leave-study" => leave(io, event, heard),
        _ => return false,
    }
    true
}

/// The room of the study that an event names.
fn room_of(event: &Event<'_>) -> Option<String> {
    let study = event.fields()?.get("studyId")?;
    Some(format!("study:{}", foreign::id(study)?))
}

fn enter(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) {
    let Some(room) = room_of(event) else {
        return which_study(io, event, heard);
    };
    let with = Entering {
        capacity: Some(STUDY_CAPACITY),
        ..Entering::default()
    };
    let what = What::Enter {
        room: room.parse().ok(),
        creates: false,
    };
    io.enter(&room, request(event, what), with, heard);
}

fn leave(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) {
    let Some(room) = room_of(event) else {
        return which_study(io, event, heard);
    };
    let what = What::Leave(room.parse().ok());
    io.leave(&room, request(event, what), heard);
}

fn request(event: &Event<'_>, what: What) -> Request {
    Request {
        vocabulary: Vocabulary::Presence,
        ack: event.ack,
        what,
    }
}

fn which_study(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) {
    let words = "say which study: an object with `studyId`";
    io.refuse(
        event,
        Vocabulary::Presence,
        ErrorCode::BadMessage,
        words,
        heard,
    );
}

/// A user comes with the first of its sessions.
pub(super) fn online(room: &RoomView<Vocabulary>, member: &Member, say: Say<'_>) {
    if !has_user(room, member) {
        let told = json!({ "userId": member.user, "user": User::from(member) });
        emit("presence:user-online", &told, say);
    }
}

/// And is gone with the last.
pub(super) fn offline(room: &RoomView<Vocabulary>, member: &Member, say: Say<'_>) {
    if !has_user(room, member) {
        emit(
            "presence:user-offline",
            &json!({ "userId": member.user }),
            say,
        );
    }
}

fn has_user(room: &RoomView<Vocabulary>, member: &Member) -> bool {
    room.members().any(|other| other.user == member.user)
}
