//! For `fuzz/`: what a client's frames do to its dialect, beside a session that lets everything pass and sends every signal
//! back as if another member had said it.

use axum::extract::ws::Message;
use switchboard_protocol::server_message::{
    Delivered, Done, Joined, Left, ResumeTicket, Signal, Welcome,
};
use switchboard_protocol::{
    ClientMessage, Connection, Member, MemberState, NodeId, PeerId, RoomId, ServerMessage,
};
use switchboard_session::{Enter, Input};
use switchboard_stomp::{Decoder, Limits, Version};

use crate::config::{Config, ErrorTexts, LimitsConfig};
use crate::dialect::mdn::Mdn;
use crate::dialect::socketio::SocketIo;
use crate::dialect::stomp::Stomp;
use crate::dialect::{Dialect, Frame, Heard};

/// Lines of `stream` are frames of MDN's chat. What it is told is JSON.
pub fn mdn_messages(stream: &[u8]) {
    Play::new(Mdn::new(usize::MAX)).through(lines(stream), |told| {
        serde_json::from_str::<serde::de::IgnoredAny>(told).expect("what is told is JSON");
    });
}

/// Lines of `stream` are packets of Socket.IO. What it is told begins as a packet and goes on as JSON.
pub fn socketio_packets(stream: &[u8]) {
    Play::new(SocketIo::new(ErrorTexts::English)).through(lines(stream), |told| {
        let json = told.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_bare = told.starts_with('1') || told.starts_with("4/");
        assert!(
            is_bare || serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok(),
            "{told}"
        );
    });
}

/// The first byte of `stream` chooses the version, each 0xff behind it ends a WebSocket message: UTF-8 has none. What is told
/// is frames of that version.
pub fn stomp_messages(stream: &[u8]) {
    let Some((first, stream)) = stream.split_first() else {
        return;
    };
    let versions = [Version::V1_0, Version::V1_1, Version::V1_2];
    let version = versions[usize::from(*first) % versions.len()];
    let connect = format!("CONNECT\naccept-version:{version}\n\n\0");
    let mut stomp = Stomp::new(&LimitsConfig::default());
    stomp.hear(Frame::Text(&connect), &mut |_| {});
    let messages = stream.split(|byte| *byte == 0xff);
    Play::new(stomp).through(messages, |told| {
        let mut decoder = Decoder::new(Limits::default());
        decoder.set_version(version);
        let mut told = told.as_bytes();
        let item = decoder.read(&mut told).expect("what is told is frames");
        assert!(item.is_some() && told.is_empty(), "one frame at a time");
    });
}

fn lines(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    stream.split(|byte| *byte == b'\n')
}

struct Play<D> {
    dialect: D,
    own: Member,
    other: Member,
}

impl<D: Dialect> Play<D> {
    fn new(dialect: D) -> Self {
        Self {
            dialect,
            own: member("A", 1),
            other: member("B", 2),
        }
    }

    fn through<'s>(&mut self, frames: impl Iterator<Item = &'s [u8]>, check: impl Fn(&str)) {
        self.tell(self.welcome(), &check);
        for frame in frames {
            let frame = std::str::from_utf8(frame).map_or(Frame::Binary(frame), Frame::Text);
            let (mut answers, mut said) = (Vec::new(), Vec::new());
            let (own, other) = (&self.own, &self.other);
            self.dialect.hear(frame, &mut |heard| match heard {
                Heard::Input(input) => answers.extend(answer(input, own, other)),
                Heard::Say(frame) => said.push(frame),
                Heard::Hello(_) | Heard::End(_) | Heard::Close => {}
            });
            for frame in &said {
                check(text(frame));
            }
            for message in answers {
                self.tell(message, &check);
            }
        }
    }

    fn tell(&mut self, message: ServerMessage, check: &impl Fn(&str)) {
        let told = self.dialect.say(&message, &mut |frame| check(text(&frame)));
        told.expect("what a dialect let pass, it can say");
    }

    fn welcome(&self) -> ServerMessage {
        ServerMessage::from(Welcome {
            peer: self.own.peer,
            user: self.own.user.clone(),
            name: None,
            node: NodeId::start("fuzz"),
            resume: ResumeTicket {
                secret: String::new(),
                window_ms: 0,
            },
            resumed: false,
            rooms: None,
            heartbeat_ms: 0,
            limits: crate::gateway::rules(&Config::default()).limits,
            ice_servers: Vec::new(),
        })
    }
}

fn answer(input: Input<'_>, own: &Member, other: &Member) -> Vec<ServerMessage> {
    let room = |text: &str| text.parse::<RoomId>().ok();
    match input {
        Input::Enter(Enter { join, name }) => {
            let own = Member {
                name: name.map(|name| name.text),
                ..own.clone()
            };
            let joined = room(&join.room).map(|room| Joined {
                re: join.id,
                room,
                revision: 2,
                capacity: 2,
                members: vec![own, other.clone()],
            });
            joined.into_iter().map(ServerMessage::from).collect()
        }
        Input::Message(ClientMessage::Leave(leave)) => {
            let left = room(&leave.room).map(|room| Left { re: leave.id, room });
            left.into_iter().map(ServerMessage::from).collect()
        }
        Input::Message(ClientMessage::State(state)) => vec![
            Done {
                re: state.id,
                to: None,
            }
            .into(),
        ],
        Input::Message(ClientMessage::Signal(signal)) => {
            let back = room(&signal.room).map(|room| Signal {
                room,
                from: other.peer,
                id: signal.id,
                kind: (*signal.kind).into(),
                payload: signal.payload.to_owned(),
            });
            let delivered = Delivered {
                id: signal.id,
                to: Default::default(),
            };
            let done = Done {
                re: signal.id,
                to: Some(Vec::new()),
            };
            let answers = [delivered.into(), done.into()];
            answers
                .into_iter()
                .chain(back.map(ServerMessage::from))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn member(name: &str, order: u64) -> Member {
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

fn text(frame: &Message) -> &str {
    match frame {
        Message::Text(text) => text,
        other => panic!("a text frame was expected: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_of_each_kind_play_through() {
        mdn_messages(
            b"{\"type\":\"username\",\"name\":\"A\"}\n{\"type\":\"hang-up\",\"target\":\"B\"}\n\xff\n\n{\"type\":\"message\",\"text\":\"<b\"}",
        );
        socketio_packets(
            b"2[\"init\",\"A\"]\n21[\"connection_info\",{\"remoteName\":\"B\",\"sdp\":1}]\n20[\"create-room\",\"r\"]\n2[\"offer\",{\"target\":\"x\"}]\n0/x,\n1\n9",
        );
        stomp_messages(
            b"\x02SUBSCRIBE\nid:\\n\ndestination:/topic/rooms/r/signal\nreceipt:1\n\n\0SEND\ndestination:/app/rooms/r/join\n\n\xff\0SEND\ndestination:/app/rooms/r/signal\nreceipt:2\n\n{\"type\":\"OFFER\",\"sdp\":{}}\0\n\xffBEGIN\n\n\0",
        );
    }
}
