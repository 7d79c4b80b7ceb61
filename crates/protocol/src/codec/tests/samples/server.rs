//! What gateways say.

use std::sync::Arc;

use super::{ALICE, BOB, peer, state};
use crate::limits::Limits;
use crate::server_message::*;
use crate::{
    Connection, ErrorCode, Media, MediaToken, Member, MemberState, Payload, RoomId, ServerMessage,
};

pub(in super::super) fn server_messages(payload: Payload<&[u8]>) -> Vec<ServerMessage> {
    let mut messages = about_the_session();
    messages.extend(about_what_ends());
    messages.extend(about_rooms());
    messages.extend(signals(payload));
    messages.extend(about_requests());
    messages.push(with_media());
    messages
}

fn about_the_session() -> Vec<ServerMessage> {
    let welcome = Welcome {
        peer: peer(ALICE),
        user: "alice@example.org".parse().expect("a user id"),
        name: Some("Alice".into()),
        node: "gw-a-1".parse().expect("a node id"),
        resume: ResumeTicket {
            secret: "c2VjcmV0".into(),
            window_ms: 60_000,
        },
        resumed: false,
        rooms: None,
        heartbeat_ms: 25_000,
        limits: Limits {
            in_flight: 64,
            in_flight_bytes: 1 << 20,
            max_message_bytes: 1 << 18,
            signals_per_second: 50,
            burst: 100,
        },
        ice_servers: vec![
            IceServer {
                urls: vec!["stun:stun.example.org".into()],
                username: None,
                credential: None,
            },
            IceServer {
                urls: vec!["turn:turn.example.org?transport=udp".into()],
                username: Some("1700000000:alice".into()),
                credential: Some("c2VjcmV0".into()),
            },
        ],
    };
    let bare = Welcome {
        name: None,
        resumed: true,
        rooms: Some(vec![RoomSnapshot {
            room: room(),
            revision: 5,
            capacity: 2,
            members: vec![member(ALICE, None)],
            media: None,
        }]),
        ice_servers: vec![],
        ..welcome.clone()
    };
    vec![
        welcome.into(),
        bare.into(),
        Pong { re: Some(9) }.into(),
        Pong { re: None }.into(),
        Drain {
            reconnect_after_ms: 250,
            deadline_ms: 30_000,
        }
        .into(),
    ]
}

fn about_what_ends() -> Vec<ServerMessage> {
    vec![
        Expiring { in_ms: 60_000 }.into(),
        IceServers {
            ice_servers: vec![IceServer {
                urls: vec!["turn:turn.example.org".into()],
                username: Some("1700000000:5f2a".into()),
                credential: Some("c2VjcmV0".into()),
            }],
            ttl_s: 14_400,
        }
        .into(),
    ]
}

fn with_media() -> ServerMessage {
    let media = Media {
        kind: "livekit".into(),
        url: "wss://sfu.example".into(),
        room: "study-1".into(),
        token: MediaToken("e30.e30.c2ln".into()),
        expires_at: 1_700_000_600_000,
    };
    let joined = Joined {
        re: 1,
        room: room(),
        revision: 5,
        capacity: 2,
        members: vec![member(ALICE, None)],
        media: Some(Box::new(media)),
    };
    joined.into()
}

fn about_rooms() -> Vec<ServerMessage> {
    vec![
        Joined {
            re: 1,
            room: room(),
            revision: 5,
            capacity: 2,
            members: vec![member(ALICE, None), member(BOB, Some("Bob"))],
            media: None,
        }
        .into(),
        Left {
            re: 3,
            room: room(),
        }
        .into(),
        MemberJoined {
            room: room(),
            revision: 6,
            member: member(BOB, Some("Bob")),
        }
        .into(),
        MemberUpdated {
            room: room(),
            revision: 7,
            peer: peer(BOB),
            state: Some(state(r#"{"b":[1,2.5,null],"a":"ü\n"}"#)),
            connection: None,
        }
        .into(),
        MemberUpdated {
            room: room(),
            revision: 8,
            peer: peer(BOB),
            state: None,
            connection: Some(Connection::Away),
        }
        .into(),
        MemberLeft {
            room: room(),
            revision: 9,
            peer: peer(BOB),
            reason: LeaveReason::NodeLost,
        }
        .into(),
        Ready {
            room: room(),
            offerer: peer(ALICE),
            peers: [peer(ALICE), peer(BOB)],
        }
        .into(),
        RoomClosed {
            room: room(),
            reason: "the lesson is over".into(),
        }
        .into(),
    ]
}

fn signals(payload: Payload<&[u8]>) -> Vec<ServerMessage> {
    let signal = Signal {
        room: room(),
        from: peer(ALICE),
        id: 7,
        kind: "offer".into(),
        payload: payload.to_owned(),
        traceparent: None,
    };
    let traced = Signal {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        ..signal.clone()
    };
    vec![signal.into(), traced.into()]
}

fn about_requests() -> Vec<ServerMessage> {
    let nobody = Receiver::Nobody(Arc::from("no \"such\" peer"));
    vec![
        Delivered {
            id: 7,
            to: Receivers::from_iter([Receiver::Peer(peer(BOB))]),
        }
        .into(),
        Undelivered {
            id: 7,
            to: Receivers::from_iter([Receiver::Peer(peer(BOB)), nobody]),
            reason: Reason::NoSuchPeer,
        }
        .into(),
        Done { re: 8, to: None }.into(),
        Done {
            re: 7,
            to: Some(vec![]),
        }
        .into(),
        Done {
            re: 7,
            to: Some(vec![peer(ALICE), peer(BOB)]),
        }
        .into(),
        Error {
            re: Some(4),
            code: ErrorCode::RateLimited,
            message: "Slow down.".into(),
            retry_after_ms: Some(250),
        }
        .into(),
        Error {
            re: None,
            code: ErrorCode::BadMessage,
            message: "unknown type `\u{e9}`".into(),
            retry_after_ms: None,
        }
        .into(),
    ]
}

fn room() -> RoomId {
    "study-1".parse().expect("a room id")
}

fn member(id: &str, name: Option<&str>) -> Member {
    Member {
        peer: peer(id),
        user: "u".parse().expect("a user id"),
        name: name.map(Arc::from),
        avatar: name.map(|_| Arc::from("https://example.org/b.png")),
        state: if name.is_some() {
            state(r#"{"muted":true}"#)
        } else {
            MemberState::default()
        },
        order: 3,
        joined_at: 1_700_000_000_123,
        connection: Connection::Live,
    }
}
