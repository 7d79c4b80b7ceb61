mod auth;
mod refusals;
mod rooms;
mod signals;

use switchboard_protocol::server_message::{Done, Error, Joined};
use switchboard_protocol::{ClientMessage, ErrorCode, Member};
use switchboard_session::{Input, SignalToName};

use super::*;
use crate::Introduction;
use crate::room_view::tests::{member, signal};

/// Somebody in no room.
fn welcomed() -> SocketIo {
    SocketIo {
        peer: Some(PeerId::random()),
        ..SocketIo::new(ErrorTexts::English)
    }
}

/// What the session is asked, and what is said back at once.
fn hear(io: &mut SocketIo, text: &str) -> Vec<String> {
    let mut heard = Vec::new();
    let mut unfit = Vec::new();
    io.hear(Content::Text(text), &mut |what| {
        heard.push(match what {
            Heard::Input(Input::Enter(enter)) => {
                format!("{} enter {}", enter.join.id, enter.join.room)
            }
            Heard::Input(Input::Message(ClientMessage::Leave(leave))) => {
                format!("{} leave {}", leave.id, leave.room)
            }
            Heard::Input(Input::Message(ClientMessage::Signal(signal))) => {
                format!("{} signal in {}", signal.id, signal.room)
            }
            Heard::Input(Input::Message(ClientMessage::State(state))) => {
                format!("{} state {}", state.id, state.state.as_json())
            }
            Heard::Input(Input::Broken(error)) => format!("broken {:?}: {error}", error.re),
            Heard::Input(Input::Alive) => "alive".into(),
            Heard::Hello(Introduction { hello, user }) => format!(
                "hello {:?} {:?} {:?} {:?}",
                hello.token, hello.name, hello.avatar, user
            ),
            Heard::Say(Frame::Text(text)) => text.to_string(),
            Heard::Input(Input::Unfit { re, code, words }) => {
                let message = words.into_owned();
                unfit.push(Error {
                    re,
                    code,
                    message,
                    retry_after_ms: None,
                });
                UNFIT.into()
            }
            other => format!("{other:?}"),
        });
    });
    // The session says so, where that is within its rate.
    let mut unfit = unfit.into_iter();
    let told = heard.into_iter().map(|what| match what.as_str() {
        UNFIT => say(io, unfit.next().expect("one for each")),
        _ => vec![what],
    });
    told.collect::<Vec<_>>().concat()
}

const UNFIT: &str = "unfit";

fn say(io: &mut SocketIo, message: impl Into<ServerMessage>) -> Vec<String> {
    let mut said = Vec::new();
    io.say(&message.into(), &mut |frame| {
        said.push(frame.text().expect("text").to_string());
    })
    .expect("it can be said");
    said
}

fn joined(re: u64, room: &str) -> Joined {
    Joined {
        re,
        room: room.parse().expect("a room"),
        revision: 1,
        capacity: 8,
        members: Vec::new(),
        media: None,
    }
}

fn error(re: u64, code: ErrorCode) -> Error {
    Error {
        re: Some(re),
        code,
        message: "no".into(),
        retry_after_ms: None,
    }
}

/// In `room`, with somebody called Bob.
fn with_bob(enter: &str, room: &str) -> (SocketIo, Member) {
    let (mut io, bob) = (welcomed(), member(Some("Bob"), 2));
    hear(&mut io, enter);
    let me = Member {
        peer: io.peer.expect("welcomed"),
        ..member(Some("Ada"), 1)
    };
    let joined = Joined {
        members: vec![me, bob.clone()],
        ..joined(1, room)
    };
    say(&mut io, joined);
    (io, bob)
}
