//! What a client says, as its session hears it.

use std::borrow::Cow;

use axum::extract::ws::Message;
use serde::Deserialize;
use switchboard_protocol::client_message::{Bye, Hello, Join, Leave, Signal};
use switchboard_protocol::{ClientMessage, Encoding, ErrorCode, Payload};
use switchboard_session::{Enter, Input};

use super::packet::{self, BadPacket, Event, Packet};
use super::{Entering, Hear, Outgoing, Request, SocketIo, Vocabulary, calls, rooms, video};
use crate::dialect::{Heard, Introduction};

impl SocketIo {
    pub(super) fn packet(&mut self, text: &str, heard: Hear<'_>) {
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

    pub(super) fn connect(&mut self, auth: Option<&str>, heard: Hear<'_>) {
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

    pub(super) fn event(&mut self, event: &Event<'_>, heard: Hear<'_>) {
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
    pub(super) fn refuse(
        &self,
        event: &Event<'_>,
        vocabulary: Vocabulary,
        code: ErrorCode,
        words: &str,
        heard: Hear<'_>,
    ) {
        let request = Request::plain(vocabulary, event.ack);
        self.tell_refused(&request, code, words, &mut |frame| heard(Heard::Say(frame)));
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

    /// Passes a signal on. Where the client did not ask what becomes of it, nobody waits for the answer.
    pub(super) fn signal(
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
            ack => self.requests.open(Request::plain(vocabulary, ack)),
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
