//! Video rooms: participants with their devices, and signals between them.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::client_message::{State, StatePatch};
use switchboard_protocol::server_message::Signal;
use switchboard_protocol::{ClientMessage, ErrorCode, Member, MemberState, PeerId, RoomId};
use switchboard_session::Input;

use super::outbound::{emit, tell_custom};
use super::packet::Event;
use super::{
    Entering, Hear, Heard, Outgoing, Request, RoomView, Say, SocketIo, To, Vocabulary, What,
};
use crate::foreign::{self, Fields, LeftOut, RelayedObject};
use crate::kinds::{CANDIDATE, Kind};
use crate::lists::in_json;
use crate::neutral;

/// False: it is no event of this vocabulary.
pub(super) fn hear(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) -> bool {
    if !event.name.starts_with("video:") {
        return false;
    }
    let about = About(event.fields().unwrap_or_default());
    match event.name.as_str() {
        "video:join-room" => enter(io, event, &about, heard),
        "video:leave-room" => leave(io, event, &about, heard),
        "video:state" => change(io, event, &about, heard),
        name => match Kind::called(name, |kind| kind.video) {
            Some(kind) => pass_on(io, event, &about, kind, heard),
            None => return false,
        },
    }
    true
}

/// What an event says. What is no object says nothing.
struct About<'a>(Fields<'a>);

impl<'a> About<'a> {
    fn room(&self) -> Option<String> {
        Some(format!("video:{}", foreign::id(self.0.get("roomId")?)?))
    }

    /// A description, or a candidate; `null` is a candidate too: the end of them.
    fn signal(&self, kind: &Kind) -> Option<&'a RawValue> {
        let said = self.0.get(kind.video.key)?;
        match kind.name {
            CANDIDATE => Some(neutral::candidate(said)),
            _ => Some(said).filter(|said| !foreign::is_null(said)),
        }
    }
}

fn enter(io: &mut SocketIo, event: &Event<'_>, about: &About<'_>, heard: Hear<'_>) {
    let Some(room) = about.room() else {
        return which_room(io, event, heard);
    };
    // The list is long, and counts as such. A client that is about to leave enters the room again.
    if let Some(told) = io.rooms.get(&room)
        && told.kind == Vocabulary::Video
        && !io.is_leaving(&told.id)
    {
        let bytes = participants_bytes(told);
        let what = What::Again(told.id.clone());
        let id = io.requests.open(request(event, what));
        return heard(Heard::Input(Input::Ask { id, bytes }));
    }
    let with = Entering {
        state: Some(Media::default().to_state()),
        ..Entering::default()
    };
    let what = What::Enter {
        room: room.parse().ok(),
        creates: false,
    };
    io.enter(&room, request(event, what), with, heard);
}

fn leave(io: &mut SocketIo, event: &Event<'_>, about: &About<'_>, heard: Hear<'_>) {
    let Some(room) = about.room() else {
        return which_room(io, event, heard);
    };
    let what = What::Leave(room.parse().ok());
    io.leave(&room, request(event, what), heard);
}

fn request(event: &Event<'_>, what: What) -> Request {
    Request {
        vocabulary: Vocabulary::Video,
        ack: event.ack,
        what,
    }
}

fn which_room(io: &mut SocketIo, event: &Event<'_>, heard: Hear<'_>) {
    let words = "say which room: an object with `roomId`";
    refuse(io, event, ErrorCode::BadMessage, words, heard);
}

fn refuse(io: &mut SocketIo, event: &Event<'_>, code: ErrorCode, words: &str, heard: Hear<'_>) {
    io.refuse(event, Vocabulary::Video, code, words, heard);
}

fn change(io: &mut SocketIo, event: &Event<'_>, about: &About<'_>, heard: Hear<'_>) {
    let Some(room) = about.room() else {
        return which_room(io, event, heard);
    };
    let mut left_out = LeftOut::default();
    let patch: serde_json::Map<_, _> = ["isMuted", "isVideoOff", "isSharingScreen"]
        .into_iter()
        .filter_map(|flag| {
            let value = left_out.or_note(about.0.optional_flag(flag))?;
            Some((flag.to_owned(), value.into()))
        })
        .collect();
    match left_out.words() {
        // Nothing is left of it.
        Some(words) if patch.is_empty() => {
            return refuse(io, event, ErrorCode::BadMessage, &words, heard);
        }
        Some(words) => heard(Heard::Input(Input::Unfit {
            re: None,
            code: ErrorCode::BadMessage,
            words: words.into(),
        })),
        None => {}
    }
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
    kind: &'static Kind,
    heard: Hear<'_>,
) {
    let (Some(to), Some(payload)) = (about.0.text("to"), about.signal(kind)) else {
        let words = format!(
            "say what to whom: an object with `to` and `{}`",
            kind.video.key
        );
        return refuse(io, event, ErrorCode::BadMessage, &words, heard);
    };
    let Some(room) = room_with(io, &to) else {
        let words = "you are in no room; join one first";
        return refuse(io, event, ErrorCode::NotAMember, words, heard);
    };
    let signal = Outgoing {
        room: room.as_str(),
        to: To::Peer(to),
        kind: kind.name,
        payload: payload.get(),
    };
    io.signal(event, Vocabulary::Video, signal, heard);
}

/// The room that both are in, as far as this client was told; else its first video room, or whichever it is in. There the
/// node looks the peer up.
fn room_with(io: &SocketIo, to: &str) -> Option<RoomId> {
    let video = || {
        io.rooms
            .iter()
            .filter(|room| room.kind == Vocabulary::Video)
    };
    let peer: Option<PeerId> = to.parse().ok();
    let has = |room: &&RoomView<Vocabulary>| {
        let member = peer.and_then(|peer| room.member(&peer));
        member.is_some()
    };
    let shared = video().find(has).or_else(|| io.rooms.iter().find(has));
    shared
        .or_else(|| video().next().or_else(|| io.rooms.iter().next()))
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
pub(super) struct User<'a> {
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

/// How long a list is of who is there, roughly.
fn participants_bytes(room: &RoomView<Vocabulary>) -> usize {
    const LISTED_BYTES: usize = 200;
    room.members()
        .map(|member| {
            let id = member.user.as_str();
            let name = member.name.as_deref().unwrap_or(id);
            let avatar = member.avatar.as_deref().map_or(0, in_json);
            LISTED_BYTES + 2 * in_json(id) + in_json(name) + avatar
        })
        .sum()
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

pub(super) fn signalled(signal: &Signal, payload: &RawValue, say: Say<'_>) {
    let Some(kind) = Kind::named(&signal.kind) else {
        return tell_custom("video:signal", signal, payload, say);
    };
    let payload = match kind.name {
        CANDIDATE => neutral::candidate(payload),
        _ => payload,
    };
    let told = RelayedObject {
        own: &[("from", signal.from.as_str())],
        fields: &[(Cow::Borrowed(kind.video.key), Cow::Borrowed(payload))],
    };
    emit(kind.video.word, &told, say);
}
