//! A client, its dialect, and a session that lets everything pass and sends every signal back as if another member had said
//! it. Everybody else in the room hears it too.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use switchboard_protocol::codec::mended;
use switchboard_protocol::server_message::{ResumeTicket, Welcome};
use switchboard_protocol::{
    ClientMessage, Connection, Member, MemberState, NodeId, PeerId, ServerMessage,
};
use switchboard_session::{Input, SignalToName};
use switchboard_stomp::{Decoder, Limits, Version};

use super::answers::answer;
use super::audience::Audience;
use crate::{Content, Dialect, Frame, Heard};

/// A client and what it is told; `check` panics over what is not well-formed.
pub(super) struct Play<D, C> {
    pub(super) dialect: D,
    check: C,
    own: Member,
    pub(super) other: Member,
    audience: Audience,
}

/// What came of a frame.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What the client was told, by its dialect or by the session.
    pub(super) told: Vec<String>,
    /// What the session was asked.
    pub(super) asked: usize,
    /// Signals among that: kind and payload.
    pub(super) signals: Vec<(String, String)>,
    /// It is over, in these words.
    pub(super) ended: Option<String>,
}

impl<D: Dialect, C: Fn(&str)> Play<D, C> {
    /// A client that has come in.
    pub(super) fn new(dialect: D, check: C) -> Self {
        let mut play = Self {
            dialect,
            check,
            own: member("A", 1),
            other: member("B", 2),
            audience: Audience::default(),
        };
        let welcome = welcome(&play.own);
        play.tell(&welcome, &mut Outcome::default());
        play
    }

    pub(super) fn hear(&mut self, content: Content<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let (mut answers, mut said) = (Vec::new(), Vec::new());
        let (own, other, audience) = (&self.own, &self.other, &mut self.audience);
        self.dialect.hear(content, &mut |heard| match heard {
            Heard::Input(Input::Alive) => {}
            Heard::Input(input) => {
                outcome.asked += usize::from(!matches!(input, Input::Unfit { .. }));
                if let Input::Message(ClientMessage::Signal(signal))
                | Input::SignalToName(SignalToName { signal, .. }) = &input
                {
                    let payload = String::from_utf8_lossy(signal.payload.bytes).into_owned();
                    outcome.signals.push((signal.kind.to_string(), payload));
                    audience.hear(&signal.kind, signal.payload);
                }
                answers.extend(answer(input, own, other));
            }
            Heard::Say(frame) => said.push(frame),
            Heard::End(closing) => outcome.ended = Some(closing.reason.to_string()),
            Heard::Hello(_) | Heard::Close => {}
        });
        for frame in &said {
            (self.check)(text(frame));
            outcome.told.push(text(frame).to_owned());
        }
        for message in answers {
            self.tell(&message, &mut outcome);
        }
        outcome
    }

    fn tell(&mut self, message: &ServerMessage, outcome: &mut Outcome) {
        let check = &self.check;
        let told = self.dialect.say(message, &mut |frame| {
            check(text(&frame));
            outcome.told.push(text(&frame).to_owned());
        });
        told.expect("what a dialect let pass, it can say");
        self.dialect.settle(crate::now(), &mut |frame| {
            check(text(&frame));
            outcome.told.push(text(&frame).to_owned());
        });
    }
}

/// What is told is JSON that every client can read.
pub(super) fn is_json(told: &str) {
    serde_json::from_str::<IgnoredAny>(told).unwrap_or_else(|error| panic!("{error}: {told}"));
    assert!(
        matches!(mended(told), Cow::Borrowed(_)),
        "half a character, or a number that is none: {told}"
    );
}

/// What is told is a packet of Socket.IO.
pub(super) fn is_packet(told: &str) {
    let json = told.trim_start_matches(|c: char| c.is_ascii_digit());
    if !told.starts_with('1') && !told.starts_with("4/") {
        is_json(json);
    }
}

/// What is told is one frame of STOMP; a MESSAGE has JSON in it.
pub(super) fn is_stomp(version: Version, told: &str) {
    let mut decoder = Decoder::new(Limits::default());
    decoder.set_version(version);
    let mut bytes = told.as_bytes();
    let item = decoder.read(&mut bytes).expect("what is told is frames");
    assert!(item.is_some() && bytes.is_empty(), "one frame at a time");
    if let Some(body) = told.strip_prefix("MESSAGE\n") {
        let (_, body) = body.split_once("\n\n").expect("a frame has a body");
        is_json(body.trim_end_matches('\0'));
    }
}

pub(super) fn welcome(own: &Member) -> ServerMessage {
    ServerMessage::from(Welcome {
        peer: own.peer,
        user: own.user.clone(),
        name: None,
        node: NodeId::start("fuzz"),
        resume: ResumeTicket {
            secret: String::new(),
            window_ms: 0,
        },
        resumed: false,
        rooms: None,
        heartbeat_ms: 0,
        limits: switchboard_protocol::limits::Limits {
            in_flight: 1024,
            in_flight_bytes: 1 << 20,
            max_message_bytes: 1 << 18,
            signals_per_second: 100,
            burst: 400,
        },
        ice_servers: Vec::new(),
    })
}

pub(super) fn member(name: &str, order: u64) -> Member {
    Member {
        peer: PeerId::random(),
        user: name.parse().expect("a letter is a user"),
        name: Some(name.into()),
        avatar: None,
        state: MemberState::default(),
        order,
        joined_at: 0,
        connection: Connection::Live,
    }
}

pub(super) fn text(frame: &Frame) -> &str {
    match frame {
        Frame::Text(text) => text,
        other => panic!("a text frame was expected: {other:?}"),
    }
}
