mod connecting;
mod ending;
mod joining;
mod lists;
mod signals;
mod subscriptions;

use std::time::Duration;

use serde_json::Value;
use switchboard_protocol::limits::Limits as SessionLimits;
use switchboard_protocol::server_message::{
    Done, Error, Joined, LeaveReason, Left, MemberJoined, MemberLeft, Ready, ResumeTicket,
    RoomClosed, Signal, Welcome,
};
use switchboard_protocol::{ClientMessage, ErrorCode, Member, RoomId};

use super::*;
use crate::lists::much_later;
use crate::room_view::tests::{member, signal};

const ROOM: &str = "r";

fn room() -> RoomId {
    ROOM.parse().expect("a room")
}

fn welcome(peer: PeerId) -> Welcome {
    Welcome {
        peer,
        user: "ada".parse().expect("a user"),
        name: None,
        node: "n-1".parse().expect("a node"),
        resume: ResumeTicket {
            secret: String::new(),
            window_ms: 0,
        },
        resumed: false,
        rooms: None,
        heartbeat_ms: 15_000,
        limits: SessionLimits {
            in_flight: 1,
            in_flight_bytes: 1,
            max_message_bytes: 1,
            signals_per_second: 1,
            burst: 1,
        },
        ice_servers: Vec::new(),
    }
}

fn stomp() -> Stomp {
    Stomp::new(Bounds {
        frame_bytes_max: 1 << 18,
        back_bytes_max: 1 << 20,
    })
}

/// A frame as a test writes it, with `^` for NUL.
fn frame(text: &str) -> String {
    text.replace('^', "\0")
}

/// What the session gets, in a word or two, and what is said back at once, as it is.
fn hear_with(hear: impl FnOnce(Hear<'_>)) -> Vec<String> {
    let mut heard = Vec::new();
    hear(&mut |what| {
        heard.push(match what {
            Heard::Input(Input::Alive) => return,
            Heard::Input(Input::Enter(enter)) => format!(
                "enter {} as {} of {}",
                enter.join.room,
                enter.name.map_or("nobody".into(), |name| name.text),
                enter.join.capacity.unwrap_or_default()
            ),
            Heard::Input(Input::Message(ClientMessage::Signal(signal))) => format!(
                "{} in {} to {} {}",
                signal.kind,
                signal.room,
                signal.to.as_deref().unwrap_or("all"),
                String::from_utf8_lossy(signal.payload.bytes)
            ),
            Heard::Input(Input::Message(ClientMessage::Leave(leave))) => {
                format!("leave {}", leave.room)
            }
            Heard::Input(Input::Message(ClientMessage::Bye(_))) => "bye".into(),
            Heard::Input(Input::Broken(error)) => format!("broken: {error}"),
            Heard::Input(Input::Ask { id, .. }) => format!("ask {id}"),
            Heard::Input(Input::Unfit { words, .. }) => format!("unfit {words}"),
            Heard::Hello(introduction) => format!(
                "hello {} {}",
                introduction.user.as_deref().unwrap_or("-"),
                introduction.hello.token.as_deref().unwrap_or("-")
            ),
            Heard::Say(Frame::Text(text)) => text.replace('\0', "^"),
            Heard::End(closing) => format!("end {:?}: {}", closing.code, closing.reason),
            other => format!("{other:?}"),
        });
    });
    heard
}

/// The session lets it have what it asks for.
fn hear(stomp: &mut Stomp, text: &str) -> Vec<String> {
    let heard = hear_with(|heard| stomp.hear(Content::Text(&frame(text)), heard));
    let heard = heard
        .into_iter()
        .map(|what| match what.strip_prefix("ask ") {
            Some(id) => {
                let re = id.parse().expect("an id");
                only_say(stomp, Done { re, to: None })
            }
            None if what.starts_with("unfit ") => {
                let refused = Error {
                    re: None,
                    code: ErrorCode::BadMessage,
                    message: what.trim_start_matches("unfit ").to_owned(),
                    retry_after_ms: None,
                };
                only_say(stomp, refused)
            }
            None => vec![what],
        });
    heard.collect::<Vec<_>>().concat()
}

fn say(stomp: &mut Stomp, message: impl Into<ServerMessage>) -> Vec<String> {
    let mut said = only_say(stomp, message);
    stomp.settle(much_later(), &mut |frame| {
        said.push(frame.text().expect("text").replace('\0', "^"));
    });
    said
}

fn only_say(stomp: &mut Stomp, message: impl Into<ServerMessage>) -> Vec<String> {
    let mut said = Vec::new();
    let message = message.into();
    let written = stomp.say(&message, &mut |frame| {
        said.push(frame.text().expect("text").replace('\0', "^"));
    });
    written.expect("it can be said");
    said
}

/// The bodies of messages to a destination.
fn bodies(said: &[String], destination: &str) -> Vec<Value> {
    let of_it = |frame: &&String| {
        let mut lines = frame.lines();
        frame.starts_with("MESSAGE\n")
            && lines.any(|line| line == format!("destination:{destination}"))
    };
    let body = |frame: &String| {
        let (_, body) = frame.split_once("\n\n").expect("a body");
        serde_json::from_str(body.trim_end_matches('^')).expect("JSON")
    };
    said.iter().filter(of_it).map(body).collect()
}

fn goodbye(stomp: &mut Stomp, code: CloseCode, words: &str) -> String {
    let mut said = String::new();
    stomp.goodbye(&Closing::because(code, words), &mut |frame| {
        said.push_str(&frame.text().expect("text").replace('\0', "^"));
    });
    said
}

/// What a client is told that got something wrong.
fn error_after(stomp: &mut Stomp, text: &str) -> String {
    let heard = hear(stomp, text);
    let ended = heard
        .last()
        .and_then(|last| last.strip_prefix("end Protocol: "));
    let words = ended.unwrap_or_else(|| panic!("{text} ends nothing: {heard:?}"));
    goodbye(stomp, CloseCode::Protocol, words)
}

fn connected_with(headers: &str) -> (Stomp, PeerId) {
    let (mut stomp, peer) = (stomp(), PeerId::random());
    let heard = hear(&mut stomp, &format!("CONNECT\n{headers}\n\n^\n"));
    assert_eq!(heard, ["hello - -"]);
    say(&mut stomp, welcome(peer));
    (stomp, peer)
}

fn connected() -> (Stomp, PeerId) {
    connected_with("accept-version:1.2")
}

/// The id of the first request of somebody who is in the room: each subscription was one.
const FIRST: u64 = 5;

/// Subscribed to all there is, and in the room alone.
fn in_room() -> (Stomp, Member) {
    let (mut stomp, peer) = connected();
    for (id, destination) in [
        ("0", "/topic/rooms/r/members"),
        ("1", "/topic/rooms/r/signal"),
        ("2", "/user/queue/system"),
        ("3", "/user/queue/me"),
    ] {
        let text = format!("SUBSCRIBE\nid:{id}\ndestination:{destination}\n\n^");
        assert_eq!(hear(&mut stomp, &text), [""; 0]);
    }
    let own = Member {
        peer,
        ..member(Some("Ada"), 1)
    };
    say(&mut stomp, joined(&[&own]));
    (stomp, own)
}

fn joined(members: &[&Member]) -> Joined {
    Joined {
        re: 1,
        room: room(),
        revision: 1,
        capacity: 2,
        members: members.iter().map(|member| (*member).clone()).collect(),
        media: None,
    }
}

fn came(member: &Member) -> MemberJoined {
    MemberJoined {
        room: room(),
        revision: 2,
        member: member.clone(),
    }
}

fn left(member: &Member) -> MemberLeft {
    MemberLeft {
        room: room(),
        revision: 3,
        peer: member.peer,
        reason: LeaveReason::Disconnected,
    }
}

fn refused(re: u64, code: ErrorCode) -> Error {
    Error {
        re: Some(re),
        code,
        message: "words".into(),
        retry_after_ms: None,
    }
}
