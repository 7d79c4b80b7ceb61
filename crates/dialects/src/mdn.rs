//! The chat of MDN's WebRTC sample: JSON in text frames, every client in one room, each under a name of its own.
//!
//! ```text
//! connect ─► hello      welcome ─► {type: "id"}
//! username ─► enter     joined, done ─► rejectusername?      joined, member-joined, member-left ─► userlist
//! message ─► signal to all, and back to its sender once it is on its way
//! video-offer, video-answer, new-ice-candidate, hang-up ─► signal to `target`, or to all others
//! ```
//!
//! `names`, `chat` and `signals` have a subject each, both ways; the list of users is here.

mod chat;
mod names;
mod signals;

use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use switchboard_protocol::client_message::Hello;
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::server_message::{Error, Joined};
use switchboard_protocol::{DecodeError, ErrorCode, Member, PeerId, ServerMessage};
use switchboard_session::Input;

use crate::foreign::Fields;
use crate::lists::{Outdated, Pace};
use crate::requests::Requests;
use crate::room_view::{RoomView, RoomViews};
use crate::{Content, Dialect, DialectName, Frame, Heard, Introduction, lobby};
use chat::CHAT;

/// A connection of the chat.
pub struct Mdn {
    /// What the sample knows its connection by. It says so in each message, and nobody here asks for it.
    id: u32,
    peer: Option<PeerId>,
    /// The name it asked for last.
    wanted: String,
    requests: Requests<Request>,
    rooms: RoomViews<Outdated>,
    lists: Pace,
    /// Bytes of chat that wait to be said back.
    chat_bytes: usize,
    chat_bytes_max: usize,
}

enum Request {
    /// To come in under a name, or to be called otherwise.
    Enter,
    /// A signal to a member by its name.
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
            rooms: RoomViews::default(),
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

    fn own(&self) -> Option<&Member> {
        self.rooms.get(lobby::ROOM)?.member(self.peer.as_ref()?)
    }

    fn tell_joined(&mut self, joined: &Joined, say: Say<'_>) {
        self.requests.close(joined.re);
        self.rooms.enter(RoomView::new(joined, Outdated::untold()));
        self.tell_name(say);
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
}

fn json_of(told: &impl Serialize) -> String {
    serde_json::to_string(told).expect("texts and raw JSON can be written")
}

/// What others call the member: one of another dialect may have no name.
fn display(member: &Member) -> &str {
    member.name.as_deref().unwrap_or(member.peer.as_str())
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
            | ServerMessage::Drain(_)
            | ServerMessage::Expiring(_)
            | ServerMessage::IceServers(_) => {}
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
