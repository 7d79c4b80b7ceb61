//! Members of one room in every dialect and vocabulary, which hear the signals of another member.

use switchboard_protocol::server_message::{Joined, Signal};
use switchboard_protocol::{Codec, Encoding, Member, Payload, RoomId, ServerMessage};
use switchboard_session::Input;
use switchboard_stomp::Version;

use super::play::{is_json, is_packet, is_stomp, member, text};
use super::stomp;
use crate::mdn::Mdn;
use crate::native::Native;
use crate::socketio::SocketIo;
use crate::{Content, Dialect, ErrorTexts, Frame, Heard};

/// What signals are called, by anybody.
pub(super) const KINDS: [&str; 8] = [
    "offer",
    "answer",
    "candidate",
    "message",
    "wave",
    "connection_info",
    "request_connection",
    "hang-up",
];

/// Everybody who hears.
pub(super) struct Audience {
    speaker: Member,
    listeners: Vec<Listener>,
}

struct Listener {
    dialect: Box<dyn Dialect>,
    room: RoomId,
    /// Panics over a frame that is not well-formed.
    check: fn(&Frame),
    /// Whether a signal without a word of its own comes with its payload as it is.
    passes_on: bool,
}

impl Default for Audience {
    fn default() -> Self {
        let speaker = member("S", 1);
        let socket_io = |room, event| {
            let io = SocketIo::new(ErrorTexts::English);
            Listener::new(Box::new(io), room, event, |told| is_packet(text(told)))
        };
        let native = |codec| {
            Listener::new(
                Box::new(Native::new(codec)),
                "r",
                "",
                match codec {
                    Codec::Json => |told| is_message(Codec::Json, told),
                    Codec::MessagePack => |told| is_message(Codec::MessagePack, told),
                },
            )
        };
        let mdn = Listener {
            passes_on: false,
            ..Listener::new(
                Box::new(Mdn::new(usize::MAX)),
                "lobby",
                r#"{"type":"username","name":"L"}"#,
                |told| is_json(text(told)),
            )
        };
        let in_stomp = Listener::new(
            Box::new(stomp(Version::V1_2)),
            "r",
            "SUBSCRIBE\nid:0\ndestination:/topic/rooms/r/signal\n\n\0SEND\ndestination:/app/rooms/r/join\n\n\0",
            |told| is_stomp(Version::V1_2, text(told)),
        );
        let mut listeners = vec![
            mdn,
            socket_io("r", r#"2["join-room","r"]"#),
            socket_io("video:r", r#"2["video:join-room",{"roomId":"r"}]"#),
            socket_io("study:r", r#"2["presence:join-study",{"studyId":"r"}]"#),
            socket_io("lobby", r#"2["init","L"]"#),
            in_stomp,
            native(Codec::Json),
            native(Codec::MessagePack),
        ];
        for listener in &mut listeners {
            listener.come_in(&speaker);
        }
        Self { speaker, listeners }
    }
}

impl Audience {
    /// Another member says this. Each hears it once, in a frame of its dialect.
    pub(super) fn hear(&mut self, kind: &str, payload: Payload<&[u8]>) {
        let json = payload.transcode_to(Encoding::Json);
        let json = String::from_utf8(json.expect("a payload is in both").into_owned());
        let json = json.expect("JSON is UTF-8");
        for listener in &mut self.listeners {
            let signal = ServerMessage::from(Signal {
                room: listener.room.clone(),
                from: self.speaker.peer,
                id: 1,
                kind: kind.into(),
                payload: payload.to_owned(),
                traceparent: None,
            });
            let (mut told, check) = (Vec::new(), listener.check);
            let said = listener.dialect.say(&signal, &mut |frame| {
                check(&frame);
                told.push(frame);
            });
            said.expect("what somebody may say can be told");
            let name = listener.dialect.name();
            assert_eq!(told.len(), 1, "{name} is told of `{kind}` once: {told:?}");
            // One that says how it was wrapped may be unwrapped.
            let passes_on = listener.passes_on && kind == "wave" && !json.contains("ith\"");
            if let (true, Frame::Text(told)) = (passes_on, &told[0]) {
                assert!(
                    told.contains(json.trim_ascii()),
                    "{name}: {told:?} has {json}"
                );
            }
        }
    }
}

impl Listener {
    /// Somebody who enters `room` by saying `enter`.
    fn new(dialect: Box<dyn Dialect>, room: &str, enter: &str, check: fn(&Frame)) -> Self {
        let mut listener = Self {
            dialect,
            room: room.parse().expect("a room"),
            check,
            passes_on: true,
        };
        listener.welcome();
        if !enter.is_empty() {
            listener.say(enter);
        }
        listener
    }

    fn welcome(&mut self) {
        let welcome = super::play::welcome(&member("L", 2));
        self.dialect
            .say(&welcome, &mut |_| {})
            .expect("a welcome can be said");
    }

    fn say(&mut self, text: &str) {
        self.dialect.hear(Content::Text(text), &mut |heard| {
            assert!(
                !matches!(heard, Heard::End(_) | Heard::Input(Input::Broken(_))),
                "{heard:?}"
            );
        });
    }

    fn come_in(&mut self, speaker: &Member) {
        let joined = ServerMessage::from(Joined {
            re: 1,
            room: self.room.clone(),
            revision: 1,
            capacity: 9,
            members: vec![speaker.clone()],
            media: None,
        });
        self.dialect
            .say(&joined, &mut |_| {})
            .expect("a join can be told");
    }
}

fn is_message(codec: Codec, told: &Frame) {
    let bytes: &[u8] = match told {
        Frame::Text(text) => text.as_bytes(),
        Frame::Binary(bytes) => bytes,
        other => panic!("a frame with content was expected: {other:?}"),
    };
    let read = codec.decode_server(bytes);
    read.unwrap_or_else(|error| panic!("{error}: {told:?}"));
}
