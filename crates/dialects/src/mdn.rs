//! The chat of MDN's WebRTC sample: JSON in text frames, everybody in one room, each under a name of his own.
//!
//! ```text
//! connect ─► hello      welcome ─► {type: "id"}
//! username ─► enter     joined, done ─► rejectusername?      joined, member-joined, member-left ─► userlist
//! message ─► signal to all, and back to its sender once it is on its way
//! video-offer, video-answer, new-ice-candidate, hang-up ─► signal to `target`, or to all others
//! ```

use std::borrow::Cow;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::client_message::{Hello, Join, Signal};
use switchboard_protocol::codec::{EncodeError, InvalidPayload};
use switchboard_protocol::ids::check_kind;
use switchboard_protocol::limits::NAME_BYTES_MAX;
use switchboard_protocol::server_message::{
    Error, Joined, Reason, Signal as Signalled, Undelivered,
};
use switchboard_protocol::{
    ClientMessage, CloseCode, DecodeError, ErrorCode, Member, Payload, PeerId, ServerMessage,
};
use switchboard_session::{Claim, Closing, Enter, Input, RoomName, SignalToName};

use super::foreign::{Fields, Told, shown_text};
use super::kinds::Kind;
use super::lists::{Outdated, Pace};
use super::neutral;
use super::requests::Requests;
use super::told::{ToldRoom, ToldRooms};
use crate::{Content, Dialect, DialectName, Frame, Heard, Introduction, lobby};

/// What is said in the chat, to be said back to whoever said it.
const CHAT: &str = "message";

/// A connection of the chat.
pub struct Mdn {
    /// What the sample knows its connection by. It says so in each message, and nobody here asks for it.
    id: u32,
    peer: Option<PeerId>,
    /// The name it asked for last.
    wanted: String,
    requests: Requests<Request>,
    rooms: ToldRooms<Outdated>,
    lists: Pace,
    /// Of what waits to be said back.
    chat_bytes: usize,
    chat_bytes_max: usize,
}

enum Request {
    /// To come in under a name, or to be called otherwise.
    Enter,
    /// A signal to somebody by his name.
    ToName,
    /// As it will be said back.
    Chat(String),
}

type Hear<'h> = &'h mut dyn FnMut(Heard<'_>);
type Say<'s> = &'s mut dyn FnMut(Frame);

impl Mdn {
    /// What a client said in the chat waits until it is on its way, so many bytes of it.
    pub fn new(chat_bytes_max: usize) -> Self {
        Self {
            id: fastrand::u32(1..),
            peer: None,
            wanted: String::new(),
            requests: Requests::default(),
            rooms: ToldRooms::default(),
            lists: Pace::default(),
            chat_bytes: 0,
            chat_bytes_max,
        }
    }

    fn message(&mut self, said: Fields<'_>, heard: Hear<'_>) {
        match said.text("type").as_deref() {
            Some("username") => self.enter(&said, heard),
            Some(CHAT) => self.chat(&said, heard),
            Some(kind) => self.pass_on(kind, said.clone(), heard),
            None => broken("a message is an object with a `type`", heard),
        }
    }

    /// Comes in under a name, or takes another one.
    fn enter(&mut self, said: &Fields<'_>, heard: Hear<'_>) {
        let fits = |name: &Cow<'_, str>| !name.is_empty() && name.len() <= NAME_BYTES_MAX;
        let Some(name) = said.text("name").filter(fits) else {
            let words = format!("say your `name`: a text of 1 to {NAME_BYTES_MAX} bytes");
            return broken(&words, heard);
        };
        self.wanted = name.clone().into_owned();
        heard(Heard::Input(Input::Enter(Enter {
            join: Join {
                id: self.requests.open(Request::Enter),
                room: lobby::ROOM.into(),
                state: None,
                capacity: Some(lobby::CAPACITY),
            },
            name: Some(RoomName {
                text: (*name).into(),
                claim: Some(Claim::Numbered),
            }),
        })));
    }

    fn chat(&mut self, said: &Fields<'_>, heard: Hear<'_>) {
        let Some(text) = said.get("text").and_then(shown_text) else {
            return broken("say something: a `text`", heard);
        };
        let Some(own) = self.own() else {
            return broken("say your name first: a message of type `username`", heard);
        };
        let mut chat = Chat {
            text: without_tags(&text),
            date: said.get("date"),
        };
        let payload = chat.payload().or_else(|_| {
            chat.date = None;
            let words = "left out: `date` is nested too deep";
            self.refuse(ErrorCode::BadMessage, words, heard);
            chat.payload()
        });
        let payload = match payload {
            Ok(payload) => payload,
            Err(error) => return broken(&error.to_string(), heard),
        };
        // From what is passed on, so that everybody reads the same.
        let passed = serde_json::from_slice(&payload.bytes).expect("a payload is JSON");
        let back = Chat::heard(passed).map_or_else(String::new, |chat| chat.back(display(own)));
        self.chat_bytes += back.len();
        if self.chat_bytes > self.chat_bytes_max {
            let words = "you do not read what is said back to you";
            let closing = Closing::because(CloseCode::SlowConsumer, words);
            return heard(Heard::End(closing));
        }
        let id = self.requests.open(Request::Chat(back));
        signal(id, None, CHAT, payload.as_slice(), heard);
    }

    fn pass_on(&mut self, kind: &str, mut said: Fields<'_>, heard: Hear<'_>) {
        if self.rooms.get(lobby::ROOM).is_none() {
            return broken("say your name first: a message of type `username`", heard);
        }
        // Without a target, or with none: everybody else. What is no name is nobody's, and not for all to read. Who has that
        // name, the node knows before this client is told.
        let target = match said.optional_text("target") {
            Ok(target) => target.filter(|target| !target.is_empty()),
            Err(wrong) => return broken(&wrong.to_string(), heard),
        };
        let target = target.as_deref();
        let Some(known) = Kind::called(kind, |kind| kind.mdn) else {
            if check_kind(kind).is_err() {
                return broken("a `type` is 1 to 64 of A-Z a-z 0-9 . _ : -", heard);
            }
            return self.pass(target, kind, &said.to_json(), heard);
        };
        for own in ["type", "target", "name", "id", "date"] {
            said.take(own);
        }
        let payload = neutral::unwrap(known.name, known.mdn.key, said);
        self.pass(target, known.name, &payload, heard);
    }

    /// Passes on what JavaScript wrote.
    fn pass(&mut self, target: Option<&str>, kind: &str, json: &str, heard: Hear<'_>) {
        let payload = match Payload::from_javascript(json) {
            Ok(payload) => payload,
            Err(error) => return broken(&error.to_string(), heard),
        };
        let id = match target {
            None => self.requests.unheeded(),
            Some(_) => self.requests.open(Request::ToName),
        };
        signal(id, target, kind, payload.as_slice(), heard);
    }

    fn own(&self) -> Option<&Member> {
        self.rooms.get(lobby::ROOM)?.member(self.peer.as_ref()?)
    }

    fn refuse(&self, code: ErrorCode, words: &str, heard: Hear<'_>) {
        heard(Heard::Input(Input::Unfit {
            re: None,
            code,
            words: words.to_owned().into(),
        }));
    }

    fn tell_joined(&mut self, joined: &Joined, say: Say<'_>) {
        self.requests.close(joined.re);
        self.rooms.enter(ToldRoom::new(joined, Outdated::untold()));
        self.tell_name(say);
    }

    /// A client takes the name that it asked for last for its own. Where it is called otherwise, it is told so, once it
    /// asks for no other one.
    fn tell_name(&mut self, say: Say<'_>) {
        let mut requests = self.requests.under_way();
        if requests.any(|request| matches!(request, Request::Enter)) {
            return;
        }
        let Some(name) = self.own().map(display).filter(|name| *name != self.wanted) else {
            return;
        };
        let told = json!({ "type": "rejectusername", "id": self.id, "name": name });
        self.wanted = name.to_owned();
        say(Frame::Text(told.to_string().into()));
    }

    fn tell_users(&mut self, now: Instant, say: Say<'_>) {
        let Some(lobby) = self.rooms.named_mut(lobby::ROOM) else {
            return;
        };
        let users: Vec<_> = lobby.members().map(display).collect();
        let told = json!({ "type": "userlist", "users": users }).to_string();
        lobby.kind = Outdated::default();
        self.lists.told(told.len(), now);
        say(Frame::Text(told.into()));
    }

    /// Only that the named one is not there: of anything else that becomes of a signal the sample has no idea.
    fn tell_undelivered(&mut self, undelivered: &Undelivered, say: Say<'_>) {
        let is_absent = matches!(
            undelivered.reason,
            Reason::NoSuchPeer | Reason::Left | Reason::Expired
        );
        let request = self.requests.close(undelivered.id);
        if is_absent && matches!(request, Some(Request::ToName)) {
            let told = error(ErrorCode::Offline, "there is nobody of that name");
            say(Frame::Text(told.into()));
        }
    }

    /// A request is over: what is said back, if it was about that.
    fn close(&mut self, id: u64, say: Say<'_>) -> Option<String> {
        match self.requests.close(id)? {
            Request::Enter => {
                self.tell_name(say);
                None
            }
            Request::ToName => None,
            Request::Chat(back) => {
                self.chat_bytes -= back.len();
                Some(back)
            }
        }
    }

    fn tell_error(&mut self, refused: &Error, say: Say<'_>) {
        let told = error(refused.code, &refused.message);
        say(Frame::Text(told.into()));
        if let Some(id) = refused.re {
            self.close(id, say);
        }
    }

    fn tell_signal(&mut self, signal: &Signalled, say: Say<'_>) -> Result<(), EncodeError> {
        let Some(lobby) = self.rooms.get(signal.room.as_str()) else {
            return Ok(());
        };
        // Nobody speaks before it was said that he is there.
        if lobby.kind.is_new(&signal.from) {
            self.tell_users(crate::now(), say);
        }
        let Some(lobby) = self.rooms.get(signal.room.as_str()) else {
            return Ok(());
        };
        neutral::show(&signal.payload, |payload| {
            let name = lobby
                .member(&signal.from)
                .map_or(signal.from.as_str(), display);
            let told = match &*signal.kind {
                CHAT => Chat::heard(payload).map(|chat| chat.back(name)),
                kind => self.words(kind, name, payload),
            };
            let told = told.unwrap_or_else(|| custom(&signal.kind, name, payload));
            say(Frame::Text(told.into()));
        })
    }

    /// A signal in the sample's words, or in those of another client of this dialect.
    fn words(&self, kind: &str, name: &str, payload: &RawValue) -> Option<String> {
        if let Some(Kind { mdn, .. }) = Kind::named(kind) {
            let target = self.own().map_or("", display);
            return Some(json_of(&Told {
                own: &[("type", mdn.word), ("name", name), ("target", target)],
                fields: &neutral::wrap(mdn.key, payload),
            }));
        }
        let mut said = Fields::read(payload.get())?;
        if said.text("type").is_none_or(|word| word != kind) {
            return None;
        }
        said.take("id");
        Some(json_of(&Told {
            own: &[("name", name)],
            fields: &neutral::borrowed(said),
        }))
    }
}

/// What the sample has no word for.
fn custom(kind: &str, name: &str, payload: &RawValue) -> String {
    #[derive(Serialize)]
    struct Custom<'a> {
        r#type: &'a str,
        name: &'a str,
        kind: &'a str,
        payload: &'a RawValue,
    }
    json_of(&Custom {
        r#type: "signal",
        name,
        kind,
        payload,
    })
}

/// Something said in the chat. What has no date has `null`.
#[derive(Serialize)]
struct Chat<'a> {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a RawValue>,
}

impl<'a> Chat<'a> {
    fn payload(&self) -> Result<Payload<Vec<u8>>, InvalidPayload> {
        let json = json_of(self);
        let payload = Payload::from_javascript(&json)?;
        Ok(Payload {
            encoding: payload.encoding,
            bytes: payload.bytes.into_owned(),
        })
    }

    /// What is in a chat that came from another dialect stays as it is, less the tags. `None`: it says nothing.
    fn heard(payload: &'a RawValue) -> Option<Self> {
        let fields = Fields::read(payload.get());
        let said = fields
            .as_ref()
            .map_or(Some(payload), |said| said.get("text"));
        Some(Self {
            text: without_tags(&shown_text(said?)?),
            date: fields.and_then(|said| said.get("date")),
        })
    }

    /// As everybody gets it.
    fn back(&self, name: &str) -> String {
        #[derive(Serialize)]
        struct Back<'a> {
            r#type: &'a str,
            name: &'a str,
            text: &'a str,
            date: Option<&'a RawValue>,
        }
        json_of(&Back {
            r#type: CHAT,
            name,
            text: &self.text,
            date: self.date,
        })
    }
}

fn json_of(told: &impl Serialize) -> String {
    serde_json::to_string(told).expect("texts and raw JSON can be written")
}

/// The sample's way of keeping markup out of other people's pages.
fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match after.find('>') {
            Some(end) if end > 0 => rest = &after[end + 1..],
            _ => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// What others call him: members of other dialects may have no name.
fn display(member: &Member) -> &str {
    member.name.as_deref().unwrap_or(member.peer.as_str())
}

fn signal(id: u64, name: Option<&str>, kind: &str, payload: Payload<&[u8]>, heard: Hear<'_>) {
    let signal = Signal {
        id,
        room: lobby::ROOM.into(),
        to: None,
        kind: kind.into(),
        payload,
        traceparent: None,
    };
    heard(Heard::Input(match name {
        None => Input::Message(ClientMessage::Signal(signal)),
        Some(name) => Input::SignalToName(SignalToName {
            signal,
            name: name.into(),
        }),
    }));
}

fn broken(words: &str, heard: Hear<'_>) {
    let error = DecodeError::of_dialect(ErrorCode::BadMessage, words.into());
    heard(Heard::Input(Input::Broken(error)));
}

/// The sample logs a message that it does not know.
fn error(code: ErrorCode, words: &str) -> String {
    json!({ "type": "error", "code": code, "text": words }).to_string()
}

impl Dialect for Mdn {
    fn name(&self) -> &'static str {
        DialectName::Mdn.as_str()
    }

    fn introduction(&mut self) -> Option<Introduction<'static>> {
        Some(Hello::default().into())
    }

    fn hear(&mut self, content: Content<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        let said = match content {
            Content::Text(text) => Fields::read(text),
            Content::Binary(_) => None,
        };
        match said {
            Some(said) => self.message(said, heard),
            None => broken("a message is a JSON object in a text frame", heard),
        }
    }

    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Frame),
    ) -> Result<(), EncodeError> {
        match message {
            ServerMessage::Welcome(welcome) => {
                self.peer = Some(welcome.peer);
                let told = json!({ "type": "id", "id": self.id });
                say(Frame::Text(told.to_string().into()));
            }
            ServerMessage::Joined(joined) => self.tell_joined(joined, say),
            ServerMessage::MemberJoined(joined) => {
                if let Some(room) = self.rooms.get_mut(&joined.room) {
                    room.came(joined);
                    room.kind.came(joined.member.peer);
                }
            }
            ServerMessage::MemberLeft(left) => {
                if let Some(room) = self.rooms.get_mut(&left.room) {
                    room.gone(left);
                    room.kind.went(left.peer);
                }
            }
            ServerMessage::Left(left) => drop(self.rooms.leave(&left.room)),
            ServerMessage::RoomClosed(closed) => {
                self.rooms.leave(&closed.room);
                let told = error(ErrorCode::RoomClosed, &closed.reason);
                say(Frame::Text(told.into()));
            }
            ServerMessage::Done(done) => {
                if let Some(back) = self.close(done.re, say) {
                    say(Frame::Text(back.into()));
                }
            }
            ServerMessage::Signal(signal) => self.tell_signal(signal, say)?,
            ServerMessage::Error(error) => self.tell_error(error, say),
            ServerMessage::Delivered(delivered) => {
                self.requests.close(delivered.id);
            }
            ServerMessage::Undelivered(undelivered) => self.tell_undelivered(undelivered, say),
            ServerMessage::MemberUpdated(_)
            | ServerMessage::Ready(_)
            | ServerMessage::Pong(_)
            | ServerMessage::Drain(_) => {}
        }
        Ok(())
    }

    /// The list of users: one for all who came and went meanwhile.
    fn settle(&mut self, now: Instant, say: &mut dyn FnMut(Frame)) -> Option<Instant> {
        let lobby = self.rooms.get(lobby::ROOM)?;
        if !lobby.kind.is_outdated() {
            return None;
        }
        let next_at = self.lists.next_at(now);
        if next_at.is_none() {
            self.tell_users(now, say);
        }
        next_at
    }
}

#[cfg(test)]
mod tests;
