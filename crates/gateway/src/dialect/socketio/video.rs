//! 002: video rooms, and who is there in a study.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::client_message::{State, StatePatch};
use switchboard_protocol::server_message::Signal;
use switchboard_protocol::{ClientMessage, ErrorCode, Member, MemberState, PeerId, RoomId};
use switchboard_session::Input;

use super::packet::Event;
use super::tell::{emit, tell_custom};
use super::{Entering, Hear, Heard, Outgoing, Request, Say, SocketIo, ToldRoom, Vocabulary, What};
use crate::dialect::neutral::{self, text_or_number};

/// A study is larger than a call.
const STUDY_CAPACITY: u32 = 1000;

/// False: it is no event of this vocabulary.
pub(super) fn hear(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) -> bool {
    let is_ours = |prefix| event.name.starts_with(prefix);
    if !is_ours("video:") && !is_ours("presence:") {
        return false;
    }
    let about = About::read(event);
    match event.name.as_str() {
        "video:join-room" => enter(io, event, Vocabulary::Video, about.video_room(), heard),
        "video:leave-room" => leave(io, event, Vocabulary::Video, about.video_room(), heard),
        "video:state" => change(io, event, &about, heard),
        "video:offer" => pass_on(io, event, &about, (neutral::OFFER, about.offer), heard),
        "video:answer" => pass_on(io, event, &about, (neutral::ANSWER, about.answer), heard),
        "video:ice-candidate" => {
            let candidate = (neutral::CANDIDATE, about.candidate);
            pass_on(io, event, &about, candidate, heard);
        }
        "presence:join-study" => enter(io, event, Vocabulary::Presence, about.study(), heard),
        "presence:leave-study" => leave(io, event, Vocabulary::Presence, about.study(), heard),
        _ => return false,
    }
    true
}

/// Whatever an event may say.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct About<'a> {
    #[serde(borrow)]
    room_id: Option<&'a RawValue>,
    #[serde(borrow)]
    study_id: Option<&'a RawValue>,
    #[serde(borrow)]
    to: Option<Cow<'a, str>>,
    #[serde(borrow)]
    offer: Option<&'a RawValue>,
    #[serde(borrow)]
    answer: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "even_null")]
    candidate: Option<&'a RawValue>,
    is_muted: Option<bool>,
    is_video_off: Option<bool>,
    is_sharing_screen: Option<bool>,
}

/// `null` is the end of candidates (RFC 8838), not nothing.
fn even_null<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> About<'a> {
    /// What is not an object of such fields says nothing.
    fn read(event: &Event<'a>) -> Self {
        let argument = event.arguments.first();
        let read = argument.and_then(|argument| serde_json::from_str(argument.get()).ok());
        read.unwrap_or_default()
    }

    fn video_room(&self) -> Option<String> {
        Some(format!("video:{}", text_or_number(self.room_id?)?))
    }

    fn study(&self) -> Option<String> {
        Some(format!("study:{}", text_or_number(self.study_id?)?))
    }
}

fn enter(
    io: &mut SocketIo,
    event: &Event<'_>,
    vocabulary: Vocabulary,
    room: Option<String>,
    heard: Hear<'_>,
) {
    let Some(room) = room else {
        return which_room(io, event, vocabulary, heard);
    };
    let with = match vocabulary {
        Vocabulary::Presence => Entering {
            capacity: Some(STUDY_CAPACITY),
            ..Entering::default()
        },
        _ => Entering {
            state: Some(Media::default().to_state()),
            ..Entering::default()
        },
    };
    let request = Request {
        vocabulary,
        ack: event.ack,
        what: What::Enter {
            room: room.parse().ok(),
            creates: false,
        },
    };
    io.enter(&room, request, with, heard);
}

fn leave(
    io: &mut SocketIo,
    event: &Event<'_>,
    vocabulary: Vocabulary,
    room: Option<String>,
    heard: Hear<'_>,
) {
    let Some(room) = room else {
        return which_room(io, event, vocabulary, heard);
    };
    let request = Request::plain(vocabulary, event.ack);
    io.leave(&room, request, heard);
}

fn which_room(io: &SocketIo, event: &Event<'_>, vocabulary: Vocabulary, heard: Hear<'_>) {
    let words = match vocabulary {
        Vocabulary::Presence => "say which study: an object with `studyId`",
        _ => "say which room: an object with `roomId`",
    };
    io.refuse(event, vocabulary, ErrorCode::BadMessage, words, heard);
}

fn change(io: &mut SocketIo, event: &Event<'_>, about: &About<'_>, heard: Hear<'_>) {
    let Some(room) = about.video_room() else {
        return which_room(io, event, Vocabulary::Video, heard);
    };
    let said = [
        ("isMuted", about.is_muted),
        ("isVideoOff", about.is_video_off),
        ("isSharingScreen", about.is_sharing_screen),
    ];
    let patch: serde_json::Map<_, _> = said
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect();
    let patch = serde_json::Value::Object(patch).to_string();
    let request = Request::plain(Vocabulary::Video, event.ack);
    let id = io.requests.open(request);
    heard(Heard::Input(Input::Message(ClientMessage::State(State {
        id,
        room: room.into(),
        state: StatePatch::from_json(&patch).expect("three flags are a small object"),
    }))));
}

fn pass_on(
    io: &mut SocketIo,
    event: &Event<'_>,
    about: &About<'_>,
    (kind, payload): (&'static str, Option<&RawValue>),
    heard: Hear<'_>,
) {
    let (Some(to), Some(payload)) = (&about.to, payload) else {
        let words = format!("say what to whom: an object with `to` and `{kind}`");
        return io.refuse(
            event,
            Vocabulary::Video,
            ErrorCode::BadMessage,
            &words,
            heard,
        );
    };
    let Some(room) = room_with(io, to) else {
        let words = "you are in no room; join one first";
        return io.refuse(
            event,
            Vocabulary::Video,
            ErrorCode::NotAMember,
            words,
            heard,
        );
    };
    let signal = Outgoing {
        room: room.as_str(),
        to: Cow::Borrowed(to),
        kind,
        payload: payload.get(),
    };
    io.signal(event, Vocabulary::Video, signal, heard);
}

/// The room that both are in; else any video room, where the answer will be that there is no such peer.
fn room_with(io: &SocketIo, to: &str) -> Option<RoomId> {
    let video = || {
        io.rooms
            .iter()
            .filter(|room| room.kind == Vocabulary::Video)
    };
    let peer: Option<PeerId> = to.parse().ok();
    let has = |room: &&ToldRoom<Vocabulary>| {
        let member = peer.and_then(|peer| room.member(&peer));
        member.is_some()
    };
    let shared = video().find(has).or_else(|| io.rooms.iter().find(has));
    shared
        .or_else(|| video().next())
        .map(|room| room.id.clone())
}

/// What a participant says of its devices.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Media {
    is_muted: bool,
    is_video_off: bool,
    is_sharing_screen: bool,
}

impl Media {
    fn to_state(&self) -> MemberState {
        let json = serde_json::to_string(self).expect("flags can be written");
        MemberState::from_json(&json).expect("three flags are a small object")
    }

    /// A member of another dialect may say other things of itself.
    fn of(member: &Member) -> Self {
        serde_json::from_str(member.state.as_json()).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct User<'a> {
    id: &'a str,
    name: &'a str,
    avatar: Option<&'a str>,
}

impl<'a> From<&'a Member> for User<'a> {
    fn from(member: &'a Member) -> Self {
        let id = member.user.as_str();
        Self {
            id,
            name: member.name.as_deref().unwrap_or(id),
            avatar: member.avatar.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Participant<'a> {
    socket_id: &'a PeerId,
    user_id: &'a str,
    user: User<'a>,
    #[serde(flatten)]
    media: Media,
    joined_at: String,
}

impl<'a> From<&'a Member> for Participant<'a> {
    fn from(member: &'a Member) -> Self {
        let joined_at = UNIX_EPOCH + Duration::from_millis(member.joined_at);
        Self {
            socket_id: &member.peer,
            user_id: member.user.as_str(),
            user: member.into(),
            media: Media::of(member),
            joined_at: humantime::format_rfc3339_millis(joined_at).to_string(),
        }
    }
}

/// It is in: who was there before.
pub(super) fn joined(io: &SocketIo, room: &RoomId, say: Say<'_>) {
    let Some(room) = io.rooms.get(room.as_str()) else {
        return;
    };
    let others = room.members().filter(|member| Some(member.peer) != io.peer);
    let participants: Vec<_> = others.map(Participant::from).collect();
    emit(
        "video:room-state",
        &json!({ "participants": participants }),
        say,
    );
}

pub(super) fn came(member: &Member, say: Say<'_>) {
    let told = json!({ "socketId": member.peer, "user": User::from(member) });
    emit("video:user-joined", &told, say);
}

pub(super) fn gone(member: &Member, say: Say<'_>) {
    emit("video:user-left", &json!({ "socketId": member.peer }), say);
}

pub(super) fn changed(member: &Member, say: Say<'_>) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Changed<'a> {
        socket_id: &'a PeerId,
        #[serde(flatten)]
        media: Media,
    }
    let told = Changed {
        socket_id: &member.peer,
        media: Media::of(member),
    };
    emit("video:user-state", &told, say);
}

/// A user comes with the first of his sessions.
pub(super) fn online(room: &ToldRoom<Vocabulary>, member: &Member, say: Say<'_>) {
    if !has_user(room, member) {
        let told = json!({ "userId": member.user, "user": User::from(member) });
        emit("presence:user-online", &told, say);
    }
}

/// And is gone with the last.
pub(super) fn offline(room: &ToldRoom<Vocabulary>, member: &Member, say: Say<'_>) {
    if !has_user(room, member) {
        emit(
            "presence:user-offline",
            &json!({ "userId": member.user }),
            say,
        );
    }
}

fn has_user(room: &ToldRoom<Vocabulary>, member: &Member) -> bool {
    room.members().any(|other| other.user == member.user)
}

pub(super) fn signalled(signal: &Signal, payload: &RawValue, say: Say<'_>) {
    #[derive(Serialize)]
    struct Told<'a> {
        from: &'a PeerId,
        #[serde(skip_serializing_if = "Option::is_none")]
        offer: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        answer: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        candidate: Option<&'a RawValue>,
    }
    let nothing = Told {
        from: &signal.from,
        offer: None,
        answer: None,
        candidate: None,
    };
    let (event, told) = match &*signal.kind {
        neutral::OFFER => (
            "video:offer",
            Told {
                offer: Some(payload),
                ..nothing
            },
        ),
        neutral::ANSWER => (
            "video:answer",
            Told {
                answer: Some(payload),
                ..nothing
            },
        ),
        neutral::CANDIDATE => (
            "video:ice-candidate",
            Told {
                candidate: Some(payload),
                ..nothing
            },
        ),
        _ => return tell_custom("video:signal", signal, payload, say),
    };
    emit(event, &told, say);
}
