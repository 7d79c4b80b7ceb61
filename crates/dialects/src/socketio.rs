//! Socket.IO: the three vocabularies of its tutorials over the same rooms.
//!
//! A socket's id is its peer id. (It is not the id of its Engine.IO session, which stays between that client and this
//! node: with it, anybody could read and write in its place.)
//!
//! ```text
//! packet   text ◄─► packet; what a field says is read by `dialect::foreign`
//! inbound  what a client says, as its session hears it
//! outbound what the session says, as its client is told
//! members  who comes, changes and goes, in the words of each room
//! rooms    rooms: create-room, join-room, offer {target}, …
//! video    video: video:join-room, video:offer {to}, …
//! presence presence: presence:join-study, …
//! calls    calls by name: init(name), request_connection(name), …
//! ```

mod calls;
mod inbound;
mod members;
mod outbound;
mod packet;
mod presence;
mod rooms;
pub(crate) mod texts;
mod video;

use std::borrow::Cow;

use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{CloseCode, MemberState, PeerId, RoomId, ServerMessage};
use switchboard_session::{Closing, RoomName, Rule};

use super::requests::Requests;
use super::room_view::{RoomView, RoomViews};
use crate::{Content, Dialect, DialectName, ErrorTexts, Frame, Heard};

/// A connection that speaks Socket.IO.
pub struct SocketIo {
    texts: ErrorTexts,
    /// Once it is welcomed.
    peer: Option<PeerId>,
    /// Whether it came with a token.
    has_token: bool,
    requests: Requests<Request>,
    rooms: RoomViews<Vocabulary>,
    /// The one room of a client of the rooms vocabulary, from the moment it wants to enter it.
    current: Option<RoomId>,
    /// What was left out of `auth`, until the client can be told.
    left_out: Option<String>,
    /// Binary messages that belong to the last packet and are yet to come.
    attachments: u64,
}

/// In which words a room's events are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    Rooms,
    Video,
    Presence,
    Calls,
}

impl Vocabulary {
    /// The one that an event is of.
    fn of(event: &str) -> Self {
        match event.split_once(':') {
            Some(("video", _)) => Self::Video,
            Some(("presence", _)) => Self::Presence,
            _ if calls::EVENTS.contains(&event) => Self::Calls,
            _ => Self::Rooms,
        }
    }
}

/// What a request was about.
#[derive(Debug)]
struct Request {
    vocabulary: Vocabulary,
    /// How the client wants to be told.
    ack: Option<u64>,
    what: What,
}

impl Request {
    /// One whose answer says only whether it worked.
    fn plain(vocabulary: Vocabulary, ack: Option<u64>) -> Self {
        Self {
            vocabulary,
            ack,
            what: What::Other,
        }
    }
}

#[derive(Debug)]
enum What {
    /// To enter this room, if it can be one; or, in the rooms vocabulary, to create it.
    Enter { room: Option<RoomId>, creates: bool },
    /// To enter a room that it is in: it is told once more who is there.
    Again(RoomId),
    /// To leave this room, if it can be one.
    Leave(Option<RoomId>),
    /// What the client did not ask for in so many words: it hears nothing of it.
    Unasked,
    /// To be called so: in a room that it comes into for that, or where it is.
    Name,
    /// To talk in a namespace that is not there.
    Namespace(String),
    /// To reach a member by its name: if there is none, the client is told in any case.
    ToName,
    /// Anything whose answer says only whether it worked.
    Other,
}

/// What a signal asks of the session.
struct Outgoing<'a> {
    room: &'a str,
    to: To<'a>,
    kind: &'a str,
    payload: &'a str,
}

enum To<'a> {
    Peer(Cow<'a, str>),
    Name(&'a str),
}

type Hear<'h> = &'h mut dyn FnMut(Heard<'_>);
type Say<'s> = &'s mut dyn FnMut(Frame);

impl SocketIo {
    /// One that waits for a client to connect to the namespace.
    pub fn new(texts: ErrorTexts) -> Self {
        Self {
            texts,
            peer: None,
            has_token: false,
            requests: Requests::default(),
            rooms: RoomViews::default(),
            current: None,
            left_out: None,
            attachments: 0,
        }
    }
}

/// What a vocabulary says of itself as its clients enter a room.
#[derive(Default)]
struct Entering {
    state: Option<MemberState>,
    capacity: Option<u32>,
    name: Option<RoomName>,
}

impl Dialect for SocketIo {
    fn name(&self) -> &'static str {
        DialectName::SocketIo.as_str()
    }

    fn hear(&mut self, content: Content<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        match content {
            Content::Text(text) => self.packet(text, heard),
            Content::Binary(_) => self.attachment(heard),
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
                let connected = packet::connected(welcome.peer.as_str());
                say(Frame::Text(connected.into()));
                if let Some(words) = self.left_out.take() {
                    self.tell_left_out(&words, say);
                }
            }
            ServerMessage::Joined(joined) => self.tell_joined(joined, say),
            ServerMessage::Left(left) => {
                self.rooms.leave(&left.room);
                if let Some(request) = self.requests.close(left.re) {
                    self.tell_done(&request, say);
                }
            }
            ServerMessage::MemberJoined(joined) => self.tell_came(joined, say),
            ServerMessage::MemberUpdated(update) => self.tell_updated(update, say),
            ServerMessage::MemberLeft(left) => self.tell_gone(left, say),
            ServerMessage::RoomClosed(closed) => self.tell_closed(closed, say),
            ServerMessage::Signal(signal) => self.tell_signal(signal, say)?,
            ServerMessage::Delivered(delivered) => {
                if let Some(request) = self.requests.close(delivered.id) {
                    self.tell_done(&request, say);
                }
            }
            ServerMessage::Undelivered(undelivered) => self.tell_undelivered(undelivered, say),
            ServerMessage::Done(done) => {
                if let Some(request) = self.requests.close(done.re) {
                    self.tell_granted(&request, say);
                }
            }
            ServerMessage::Error(error) => self.tell_error(error, say),
            ServerMessage::Ready(_)
            | ServerMessage::Pong(_)
            | ServerMessage::Drain(_)
            | ServerMessage::Expiring(_)
            | ServerMessage::IceServers(_) => {}
        }
        Ok(())
    }

    /// A client that is disconnected comes back by itself only where the transport was closed without a word.
    fn goodbye(&mut self, closing: &Closing, say: &mut dyn FnMut(Frame)) {
        use CloseCode::{Forbidden, Limit, Protocol, TooLarge, Unauthorized};
        let words = match (closing.code, self.peer) {
            (Unauthorized, None) => {
                let words = self.texts.not_let_in(self.has_token);
                packet::connect_error(None, words)
            }
            // As for the token's first time: closed without a word, the client would try it again and again by itself.
            (Limit, None) if closing.rule == Some(Rule::RepeatedToken) => {
                let words = self.texts.not_let_in(self.has_token);
                packet::too_early(words, closing)
            }
            // The page may not connect, no matter which user opens it.
            (Forbidden, None) => packet::connect_error(None, &closing.reason),
            (Unauthorized | Forbidden | Protocol | TooLarge, _) => packet::DISCONNECT.into(),
            _ => return,
        };
        say(Frame::Text(words.into()));
    }
}

#[cfg(test)]
mod tests;
