//! Socket.IO: the three vocabularies of its tutorials over the same rooms.
//!
//! A socket's id is its peer id. (It is not the id of its Engine.IO session, which stays between that client and this
//! node: with it, anybody could read and write in its place.)
//!
//! ```text
//! packet   text ◄─► packet
//! rooms    000: create-room, join-room, offer {target}, …
//! video    002: video:join-room, video:offer {to}, …; presence:join-study, …
//! calls    001: init(name), request_connection(name), …
//! ```

mod calls;
mod packet;
mod rooms;
mod texts;
mod video;

use std::borrow::Cow;

use axum::extract::ws::Message;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::client_message::{Bye, Hello, Join, Leave, Signal};
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::server_message::{Error, Signal as Signalled, Undelivered};
use switchboard_protocol::{
    ClientMessage, CloseCode, Encoding, ErrorCode, MemberState, Payload, PeerId, RoomId,
    ServerMessage,
};
use switchboard_session::{Closing, Enter, Input, RoomName};

use self::packet::{BadPacket, Event, Packet};
use self::texts::Texts;
use super::requests::Requests;
use super::told::{ToldRoom, ToldRooms};
use super::{Dialect, Frame, Heard, Introduction};

/// A connection that speaks Socket.IO.
pub(crate) struct SocketIo {
    texts: Texts,
    /// Once it is welcomed.
    peer: Option<PeerId>,
    /// Whether it came with a token.
    has_token: bool,
    requests: Requests<Request>,
    rooms: ToldRooms<Vocabulary>,
    /// The one room of 000's clients, from the moment they want to enter it.
    current: Option<RoomId>,
}

/// In which words a room's events are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    Rooms,
    Video,
    Presence,
    Calls,
}

/// What a request was about.
#[derive(Debug)]
struct Request {
    vocabulary: Vocabulary,
    /// How the client wants to be told.
    ack: Option<u64>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// To enter this room, if it can be one; or, as 000's clients say, to create it.
    Enter { room: Option<RoomId>, creates: bool },
    /// What the client did not ask for in so many words: it hears nothing of it.
    Unasked,
    /// Anything whose answer says only whether it worked.
    Other,
}

/// What a signal asks of the session.
struct Outgoing<'a> {
    room: &'a str,
    to: Cow<'a, str>,
    kind: &'a str,
    payload: &'a str,
}

type Hear<'h> = &'h mut dyn FnMut(Heard<'_>);
type Say<'s> = &'s mut dyn FnMut(Message);

impl SocketIo {
    pub(crate) fn new(texts: Texts) -> Self {
        Self {
            texts,
            peer: None,
            has_token: false,
            requests: Requests::default(),
            rooms: ToldRooms::default(),
            current: None,
        }
    }

    fn packet(&mut self, text: &str, heard: Hear<'_>) {
        match Packet::read(text) {
            Ok(Packet::Connect(auth)) => self.connect(auth, heard),
            Ok(Packet::Disconnect) => {
                heard(Heard::Input(Input::Message(ClientMessage::Bye(
                    Bye::default(),
                ))));
            }
            Ok(Packet::Event(_)) if self.peer.is_none() => {}
            Ok(Packet::Event(event)) => self.event(&event, heard),
            Ok(Packet::Ack) => heard(Heard::Input(Input::Alive)),
            Err(BadPacket::Namespace(namespace)) => {
                let refused = packet::connect_error(Some(&namespace), "Invalid namespace");
                heard(Heard::Say(Message::Text(refused.into())));
            }
            Err(bad) => heard(Heard::Input(Input::Broken(bad.into()))),
        }
    }

    fn connect(&mut self, auth: Option<&str>, heard: Hear<'_>) {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Auth<'a> {
            #[serde(borrow)]
            token: Option<Cow<'a, str>>,
            user_id: Option<UserName>,
            #[serde(borrow)]
            name: Option<Cow<'a, str>>,
            #[serde(borrow)]
            avatar: Option<Cow<'a, str>>,
        }
        if self.peer.is_some() {
            return;
        }
        // What is no such object is no proof of anything: then nothing was said.
        let auth: Auth<'_> = auth
            .and_then(|auth| serde_json::from_str(auth).ok())
            .unwrap_or_default();
        self.has_token = auth.token.as_ref().is_some_and(|token| !token.is_empty());
        heard(Heard::Hello(Introduction {
            hello: Hello {
                token: auth.token,
                name: auth.name,
                avatar: auth.avatar,
                ..Hello::default()
            },
            user: auth.user_id.map(|user| user.0.into()),
        }));
    }

    fn event(&mut self, event: &Event<'_>, heard: Hear<'_>) {
        let is_known = rooms::hear(self, event, heard)
            || video::hear(self, event, heard)
            || calls::hear(self, event, heard);
        if !is_known {
            let name: String = event.name.chars().take(64).collect();
            let words = format!("there is no event `{name}` here");
            self.refuse(
                event,
                Vocabulary::Rooms,
                ErrorCode::BadMessage,
                &words,
                heard,
            );
        }
    }

    /// Answers an event that leads to nothing.
    fn refuse(
        &self,
        event: &Event<'_>,
        vocabulary: Vocabulary,
        code: ErrorCode,
        words: &str,
        heard: Hear<'_>,
    ) {
        let request = Request {
            vocabulary,
            ack: event.ack,
            what: What::Other,
        };
        self.tell_refused(&request, code, words, &mut |frame| heard(Heard::Say(frame)));
    }

    fn tell_refused(&self, request: &Request, code: ErrorCode, words: &str, say: Say<'_>) {
        let words = self.texts.refusal(code, words);
        let text = match (request.ack, request.vocabulary) {
            (Some(ack), Vocabulary::Calls) => packet::ack(ack, &words),
            (Some(ack), _) => packet::ack(ack, &json!({ "success": false, "error": words })),
            (None, _) => packet::event("error", &json!({ "code": code, "message": words })),
        };
        say(Message::Text(text.into()));
    }

    fn tell_done(&self, request: &Request, say: Say<'_>) {
        let Some(ack) = request.ack else { return };
        say(Message::Text(
            match request.vocabulary {
                Vocabulary::Calls => packet::ack(ack, &()),
                _ => packet::ack(ack, &json!({ "success": true })),
            }
            .into(),
        ));
    }

    fn enter(&mut self, room: &str, request: Request, with: Entering, heard: Hear<'_>) {
        let id = self.requests.open(request);
        heard(Heard::Input(Input::Enter(Enter {
            join: Join {
                id,
                room: room.into(),
                state: with.state,
                capacity: with.capacity,
            },
            name: with.name,
        })));
    }

    fn leave(&mut self, room: &str, request: Request, heard: Hear<'_>) {
        let id = self.requests.open(request);
        let leave = ClientMessage::Leave(Leave {
            id,
            room: room.into(),
        });
        heard(Heard::Input(Input::Message(leave)));
    }

    /// Passes a signal on. Where the client did not ask what becomes of it, nobody waits for the answer.
    fn signal(
        &mut self,
        event: &Event<'_>,
        vocabulary: Vocabulary,
        signal: Outgoing<'_>,
        heard: Hear<'_>,
    ) {
        let payload = match Payload::new(Encoding::Json, signal.payload.as_bytes()) {
            Ok(payload) => payload,
            Err(error) => {
                let words = error.to_string();
                return self.refuse(event, vocabulary, ErrorCode::BadMessage, &words, heard);
            }
        };
        let id = match event.ack {
            None => self.requests.unheeded(),
            ack => self.requests.open(Request {
                vocabulary,
                ack,
                what: What::Other,
            }),
        };
        let signal = ClientMessage::Signal(Signal {
            id,
            room: signal.room.into(),
            to: Some(signal.to),
            kind: signal.kind.into(),
            payload,
            traceparent: None,
        });
        heard(Heard::Input(Input::Message(signal)));
    }

    fn tell_joined(&mut self, joined: &switchboard_protocol::server_message::Joined, say: Say<'_>) {
        let Some(request) = self.requests.close(joined.re) else {
            return;
        };
        self.rooms.enter(ToldRoom::new(joined, request.vocabulary));
        self.tell_in(&request, &joined.room, say);
    }

    fn tell_in(&self, request: &Request, room: &RoomId, say: Say<'_>) {
        match request.vocabulary {
            Vocabulary::Rooms => rooms::joined(request, room, say),
            Vocabulary::Video => {
                video::joined(self, room, say);
                self.tell_done(request, say);
            }
            Vocabulary::Presence | Vocabulary::Calls => self.tell_done(request, say),
        }
    }

    fn tell_error(&mut self, error: &Error, say: Say<'_>) {
        let request = error.re.and_then(|id| self.requests.close(id));
        let request = request.unwrap_or(Request {
            vocabulary: Vocabulary::Rooms,
            ack: None,
            what: What::Other,
        });
        if matches!(request.what, What::Unasked) {
            return;
        }
        if let What::Enter {
            room: Some(room), ..
        } = &request.what
        {
            // Pages that render twice enter twice; for a Socket.IO server that is no mistake.
            let told = self.rooms.get(room.as_str());
            if error.code == ErrorCode::AlreadyJoined
                && told.is_some_and(|told| told.kind == request.vocabulary)
            {
                return self.tell_in(&request, room, say);
            }
            // It may be about to enter another one.
            if error.code != ErrorCode::AlreadyJoined && self.current.as_ref() == Some(room) {
                self.current = None;
            }
        }
        self.tell_refused(&request, error.code, &error.message, say);
    }

    fn tell_undelivered(&mut self, undelivered: &Undelivered, say: Say<'_>) {
        if let Some(request) = self.requests.close(undelivered.id) {
            let (code, words) = texts::undelivered(undelivered.reason);
            self.tell_refused(&request, code, words, say);
        }
    }

    fn tell_signal(&self, signal: &Signalled, say: Say<'_>) -> Result<(), EncodeError> {
        let payload = signal.payload.transcode_to(Encoding::Json);
        let payload = payload.map_err(|error| EncodeError::Value(error.to_string()))?;
        let payload: &RawValue = serde_json::from_slice(&payload)
            .map_err(|error| EncodeError::Value(error.to_string()))?;
        let Some(room) = self.rooms.get(signal.room.as_str()) else {
            return Ok(());
        };
        match room.kind {
            Vocabulary::Rooms | Vocabulary::Presence => self.tell_room_signal(signal, payload, say),
            Vocabulary::Video => video::signalled(signal, payload, say),
            Vocabulary::Calls => {
                calls::signalled(room, self.peer.as_ref(), (signal, payload), say);
            }
        }
        Ok(())
    }

    fn tell_room_signal(&self, signal: &Signalled, payload: &RawValue, say: Say<'_>) {
        match self.peer {
            Some(peer) => rooms::signalled(&peer, signal, payload, say),
            None => tell_custom("signal", signal, payload, say),
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

/// A signal that a vocabulary has no word for.
fn tell_custom(event: &str, signal: &Signalled, payload: &RawValue, say: Say<'_>) {
    #[derive(Serialize)]
    struct Custom<'a> {
        from: &'a PeerId,
        kind: &'a str,
        payload: &'a RawValue,
    }
    emit(
        event,
        &Custom {
            from: &signal.from,
            kind: &signal.kind,
            payload,
        },
        say,
    );
}

fn emit(name: &str, argument: &impl Serialize, say: Say<'_>) {
    say(Message::Text(packet::event(name, argument).into()));
}

/// A user's id as clients write it: text or a number.
#[derive(Deserialize)]
#[serde(from = "UserIdForms")]
struct UserName(String);

#[derive(Deserialize)]
#[serde(untagged)]
enum UserIdForms {
    Text(String),
    Number(i64),
}

impl From<UserIdForms> for UserName {
    fn from(user: UserIdForms) -> Self {
        Self(match user {
            UserIdForms::Text(text) => text,
            UserIdForms::Number(number) => number.to_string(),
        })
    }
}

impl From<BadPacket> for switchboard_protocol::DecodeError {
    fn from(bad: BadPacket) -> Self {
        Self::of_dialect(bad.code(), bad.to_string())
    }
}

impl Dialect for SocketIo {
    fn name(&self) -> &'static str {
        "socketio"
    }

    fn hear(&mut self, frame: Frame<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        match frame {
            Frame::Text(text) => self.packet(text, heard),
            Frame::Binary(_) => heard(Heard::Input(Input::Broken(BadPacket::Binary.into()))),
        }
    }

    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Message),
    ) -> Result<(), EncodeError> {
        match message {
            ServerMessage::Welcome(welcome) => {
                self.peer = Some(welcome.peer);
                let connected = packet::connected(welcome.peer.as_str());
                say(Message::Text(connected.into()));
            }
            ServerMessage::Joined(joined) => self.tell_joined(joined, say),
            ServerMessage::Left(left) => {
                self.rooms.leave(&left.room);
                if let Some(request) = self.requests.close(left.re) {
                    self.tell_done(&request, say);
                }
            }
            ServerMessage::MemberJoined(joined) => {
                if let Some(room) = self.rooms.get_mut(&joined.room) {
                    match room.kind {
                        Vocabulary::Rooms => rooms::came(&joined.member, say),
                        Vocabulary::Video => video::came(&joined.member, say),
                        Vocabulary::Presence => video::online(room, &joined.member, say),
                        Vocabulary::Calls => {}
                    }
                    room.came(joined);
                }
            }
            ServerMessage::MemberUpdated(update) => {
                if let Some(room) = self.rooms.get_mut(&update.room) {
                    let kind = room.kind;
                    let member = room.updated(update);
                    if let (Vocabulary::Video, Some(member), Some(_)) =
                        (kind, member, &update.state)
                    {
                        video::changed(member, say);
                    }
                }
            }
            ServerMessage::MemberLeft(left) => {
                if let Some(room) = self.rooms.get_mut(&left.room)
                    && let Some(member) = room.gone(left)
                {
                    match room.kind {
                        Vocabulary::Rooms => rooms::gone(&member, say),
                        Vocabulary::Video => video::gone(&member, say),
                        Vocabulary::Presence => video::offline(room, &member, say),
                        Vocabulary::Calls => {}
                    }
                }
            }
            ServerMessage::RoomClosed(closed) => {
                let room = self.rooms.leave(&closed.room);
                match room.map(|room| room.kind) {
                    Some(Vocabulary::Calls) => calls::lost(&self.texts, say),
                    Some(_) => rooms::closed(closed, say),
                    None => {}
                }
                if self.current.as_ref() == Some(&closed.room) {
                    self.current = None;
                }
            }
            ServerMessage::Signal(signal) => self.tell_signal(signal, say)?,
            ServerMessage::Delivered(delivered) => {
                if let Some(request) = self.requests.close(delivered.id) {
                    self.tell_done(&request, say);
                }
            }
            ServerMessage::Undelivered(undelivered) => self.tell_undelivered(undelivered, say),
            ServerMessage::Done(done) => {
                if let Some(request) = self.requests.close(done.re) {
                    self.tell_done(&request, say);
                }
            }
            ServerMessage::Error(error) => self.tell_error(error, say),
            ServerMessage::Ready(_) | ServerMessage::Pong(_) | ServerMessage::Drain(_) => {}
        }
        Ok(())
    }

    /// A client that is disconnected comes back by itself only where the transport was closed without a word.
    fn goodbye(&mut self, closing: &Closing, say: &mut dyn FnMut(Message)) {
        use CloseCode::{Forbidden, Protocol, TooLarge, Unauthorized};
        let words = match (closing.code, self.peer) {
            (Unauthorized, None) => {
                let words = self.texts.not_let_in(self.has_token);
                packet::connect_error(None, words)
            }
            // It is the page that may not, whoever its user is.
            (Forbidden, None) => packet::connect_error(None, &closing.reason),
            (Unauthorized | Forbidden | Protocol | TooLarge, _) => packet::DISCONNECT.into(),
            _ => return,
        };
        say(Message::Text(words.into()));
    }
}

#[cfg(test)]
mod tests;
