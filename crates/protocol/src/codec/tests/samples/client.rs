//! What clients say.

use super::{ALICE, BOB, peer, state};
use crate::client_message::{
    Bye, Hello, Join, Leave, Ping, Received, Refresh, Resume, Signal, State, StatePatch,
};
use crate::{ClientMessage, Payload};

pub(in super::super) fn client_messages(payload: Payload<&[u8]>) -> Vec<ClientMessage<'_>> {
    let mut messages = about_the_session();
    messages.extend(about_rooms());
    messages.extend(signals(payload));
    messages
}

fn about_the_session() -> Vec<ClientMessage<'static>> {
    vec![
        ClientMessage::Hello(Hello::default()),
        ClientMessage::Hello(Hello {
            token: Some("a.b.c".into()),
            name: Some("Zoë \"Z\"\n".into()),
            avatar: Some("https://example.org/z.png".into()),
            receipts: true,
            resume: Some(Resume {
                peer: peer(BOB),
                secret: "c2VjcmV0".into(),
                seen: [(peer(ALICE), 12)].into(),
                handled: Some([(peer(ALICE), vec![7, 12])].into()),
            }),
            agent: Some("tests/1".into()),
        }),
        ClientMessage::Refresh(Refresh {
            id: 11,
            token: "d.e.f".into(),
        }),
        ClientMessage::Ping(Ping { id: Some(9) }),
        ClientMessage::Ping(Ping { id: None }),
        ClientMessage::Bye(Bye::default()),
        ClientMessage::Bye(Bye {
            hold_ms: Some(5000),
        }),
    ]
}

fn about_rooms() -> Vec<ClientMessage<'static>> {
    vec![
        ClientMessage::Join(Join {
            id: 1,
            room: "study-1".into(),
            state: Some(state(r#"{"muted":true}"#)),
            capacity: Some(4),
        }),
        ClientMessage::Join(Join {
            id: 2,
            room: "study-1".into(),
            state: None,
            capacity: None,
        }),
        ClientMessage::Leave(Leave {
            id: 3,
            room: "study-1".into(),
        }),
        ClientMessage::State(State {
            id: 8,
            room: "study-1".into(),
            state: StatePatch::from_json(r#"{"muted":null,"hand":{"up":1.5}}"#).expect("a patch"),
        }),
    ]
}

fn signals(payload: Payload<&[u8]>) -> Vec<ClientMessage<'_>> {
    let signal = Signal {
        id: 7,
        room: "study-1".into(),
        to: Some(BOB.into()),
        kind: "offer".into(),
        payload,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    };
    let broadcast = Signal {
        to: None,
        traceparent: None,
        ..signal.clone()
    };
    vec![
        ClientMessage::Signal(signal),
        ClientMessage::Signal(broadcast),
        ClientMessage::Received(Received {
            from: peer(BOB),
            id: (1 << 53) - 1,
        }),
    ]
}
