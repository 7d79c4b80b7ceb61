//! What a client says, as its session hears it.

use switchboard_protocol::client_message::{Bye, Hello, Join, Leave, Signal};
use switchboard_protocol::{ClientMessage, DecodeError, ErrorCode, Payload, RoomId, UserId};
use switchboard_session::{Enter, Input};

use super::packet::{self, BadPacket, Event, Packet};
use super::{
    Entering, Hear, Outgoing, Request, SocketIo, To, Vocabulary, What, calls, presence, rooms,
    video,
};
use crate::foreign::{Fields, LeftOut};
use crate::{Frame, Heard, Introduction};

impl SocketIo {
    pub(super) fn packet(&mut self, text: &str, heard: Hear<'_>) {
        self.attachments = Packet::attachments_of(text);
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
                if self.peer.is_none() {
                    let refused = packet::no_namespace(&namespace);
                    return heard(Heard::Say(Frame::Text(refused.into())));
                }
                let id = self.requests.open(Request {
                    what: What::Namespace(namespace),
                    ..Request::plain(Vocabulary::Rooms, None)
                });
                heard(Heard::Input(Input::Ask { id, bytes: 0 }));
            }
            Err(bad) => self.broken(bad, heard),
        }
    }

    /// A binary message is an attachment of the packet before it, which was answered, or belongs to nothing.
    pub(super) fn attachment(&mut self, heard: Hear<'_>) {
        match self.attachments.checked_sub(1) {
            Some(left) => {
                self.attachments = left;
                heard(Heard::Input(Input::Alive));
            }
            None => self.broken(BadPacket::Binary, heard),
        }
    }

    /// Where its client asked for an acknowledgement, and that could be read, this is it.
    fn broken(&mut self, bad: BadPacket, heard: Hear<'_>) {
        let ack = match bad {
            BadPacket::NoEvent { ack } if self.peer.is_some() => ack,
            _ => None,
        };
        let re = ack.map(|ack| {
            let request = Request::plain(Vocabulary::Rooms, Some(ack));
            self.requests.open(request)
        });
        let error = DecodeError::of_dialect(ErrorCode::BadMessage, bad.to_string());
        heard(Heard::Input(Input::Broken(DecodeError { re, ..error })));
    }

    /// What is wrong in one field costs that field.
    fn connect(&mut self, auth: Option<&str>, heard: Hear<'_>) {
        if self.peer.is_some() {
            return;
        }
        let said = auth.map(Fields::read);
        // What is no object is no proof of anything: then nothing was said.
        let is_unread = matches!(said, Some(None)) && auth != Some("null");
        let said = said.flatten().unwrap_or_default();
        let mut left_out = LeftOut::default();
        let hello = Hello {
            token: left_out.or_note(said.optional_text("token")),
            name: left_out.or_note(said.optional_name("name")),
            avatar: left_out.or_note(said.optional_avatar("avatar")),
            ..Hello::default()
        };
        let user = left_out.or_note(said.optional_id("userId"));
        // With a token beside it, it is refused as another's; without, its client is nobody in particular.
        if user
            .as_deref()
            .is_some_and(|user| !user.is_empty() && UserId::check(user).is_err())
        {
            left_out.note("userId", "1 to 256 bytes without control characters");
        }
        self.has_token = hello.token.as_ref().is_some_and(|token| !token.is_empty());
        self.left_out = match is_unread {
            true => Some("left out: `auth` is not an object".into()),
            false => left_out.words(),
        };
        heard(Heard::Hello(Introduction { hello, user }));
    }

    pub(super) fn event(&mut self, event: &Event<'_>, heard: Hear<'_>) {
        if event.is_binary {
            let vocabulary = Vocabulary::of(&event.name);
            let words = packet::ATTACHMENTS;
            return self.refuse(event, vocabulary, ErrorCode::BadMessage, words, heard);
        }
        let is_known = rooms::hear(self, event, heard)
            || video::hear(self, event, heard)
            || presence::hear(self, event, heard)
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
    pub(super) fn refuse(
        &mut self,
        event: &Event<'_>,
        vocabulary: Vocabulary,
        code: ErrorCode,
        words: &str,
        heard: Hear<'_>,
    ) {
        let re = self.requests.open(Request::plain(vocabulary, event.ack));
        heard(Heard::Input(Input::Unfit {
            re: Some(re),
            code,
            words: words.to_owned().into(),
        }));
    }

    pub(super) fn enter(&mut self, room: &str, request: Request, with: Entering, heard: Hear<'_>) {
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

    pub(super) fn leave(&mut self, room: &str, request: Request, heard: Hear<'_>) {
        let id = self.requests.open(request);
        let leave = ClientMessage::Leave(Leave {
            id,
            room: room.into(),
        });
        heard(Heard::Input(Input::Message(leave)));
    }

    /// Whether it has asked to leave a room, and that has not been answered.
    pub(super) fn is_leaving(&self, room: &RoomId) -> bool {
        self.requests
            .under_way()
            .any(|request| match &request.what {
                What::Leave(left) => left.as_ref() == Some(room),
                What::Unasked => true,
                _ => false,
            })
    }

    /// Passes a signal on. Where the client did not ask what becomes of it, nobody waits for the answer.
    pub(super) fn signal(
        &mut self,
        event: &Event<'_>,
        vocabulary: Vocabulary,
        signal: Outgoing<'_>,
        heard: Hear<'_>,
    ) {
        let payload = match Payload::from_javascript(signal.payload) {
            Ok(payload) => payload,
            Err(error) => {
                let words = error.to_string();
                return self.refuse(event, vocabulary, ErrorCode::BadMessage, &words, heard);
            }
        };
        let (to, name) = match signal.to {
            To::Peer(peer) => (Some(peer), None),
            To::Name(name) => (None, Some(name)),
        };
        let id = match (event.ack, name) {
            (None, None) => self.requests.unheeded(),
            (ack, None) => self.requests.open(Request::plain(vocabulary, ack)),
            (ack, Some(_)) => self.requests.open(Request {
                vocabulary,
                ack,
                what: What::ToName,
            }),
        };
        let signal = Signal {
            id,
            room: signal.room.into(),
            to,
            kind: signal.kind.into(),
            payload: payload.as_slice(),
            traceparent: None,
        };
        heard(Heard::Input(Input::signal(signal, name)));
    }
}
