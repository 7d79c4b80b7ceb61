mod chat;
mod names;
mod signals;
mod unreadable;

use serde::Deserialize;
use serde_json::Value;
use switchboard_protocol::server_message::{
    Done, LeaveReason, MemberJoined, MemberLeft, Signal as Signalled,
};
use switchboard_protocol::{ClientMessage, RoomId};
use switchboard_session::SignalToName;

use super::*;
use crate::lists::much_later;
use crate::room_view::tests::{self as somebody, member};

fn lobby() -> RoomId {
    lobby::ROOM.parse().expect("a room")
}

/// What the session gets, as text, and what is said back at once.
fn hear(mdn: &mut Mdn, text: &str) -> Vec<String> {
    let mut heard = Vec::new();
    mdn.hear(Content::Text(text), &mut |what| {
        heard.push(match what {
            Heard::Input(Input::Message(ClientMessage::Signal(signal))) => format!(
                "{} {} {}",
                signal.kind,
                signal.to.as_deref().unwrap_or("all"),
                String::from_utf8_lossy(signal.payload.bytes)
            ),
            Heard::Input(Input::SignalToName(SignalToName { signal, name })) => format!(
                "{} {name} {}",
                signal.kind,
                String::from_utf8_lossy(signal.payload.bytes)
            ),
            Heard::Say(Frame::Text(text)) => text.to_string(),
            other => format!("{other:?}"),
        });
    });
    heard
}

fn say(mdn: &mut Mdn, message: impl Into<ServerMessage>) -> Vec<Value> {
    let mut said = Vec::new();
    mdn.say(&message.into(), &mut |frame| {
        let text = frame.text().expect("text");
        let mut json = serde_json::Deserializer::from_str(text);
        json.disable_recursion_limit();
        said.push(Value::deserialize(&mut json).expect("JSON"));
    })
    .expect("it can be said");
    said.extend(settle(mdn, much_later()));
    said
}

fn settle(mdn: &mut Mdn, now: Instant) -> Vec<Value> {
    let mut said = Vec::new();
    mdn.settle(now, &mut |frame| {
        let text = frame.text().expect("text");
        said.push(serde_json::from_str(text).expect("JSON"));
    });
    said
}

/// Ann, who is in the lobby with Bob, and Bob.
fn in_lobby() -> (Mdn, Member) {
    let (own, bob) = (member(Some("Ann"), 1), member(Some("Bob"), 2));
    let mut mdn = Mdn::new(1000);
    mdn.peer = Some(own.peer);
    hear(
        &mut mdn,
        r#"{"type":"username","name":"Ann","id":7,"date":1}"#,
    );
    let joined = Joined {
        re: 1,
        room: lobby(),
        revision: 2,
        capacity: 1000,
        members: vec![own, bob.clone()],
        media: None,
    };
    let told = say(&mut mdn, joined);
    assert_eq!(
        told,
        [json!({ "type": "userlist", "users": ["Ann", "Bob"] })]
    );
    (mdn, bob)
}

fn signal(from: &Member, kind: &str, payload: &str) -> Signalled {
    somebody::signal(from.peer, lobby::ROOM, kind, payload)
}
