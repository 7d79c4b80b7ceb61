//! Who is in the samples.

use switchboard_protocol::{MemberState, NodeId, PeerId, RoomId, UserId};

use crate::backend::record::{Flags, MemberRecord, Profile, Unread};
use crate::link::keyring::ClusterKey;

pub(super) fn key() -> ClusterKey {
    ClusterKey::derive("the key of the golden files")
}

/// The session with this letter.
pub(super) fn peer(letter: char) -> PeerId {
    let id = String::from(letter).repeat(20);
    id.parse().expect("a peer id")
}

pub(super) fn node(name: &str) -> NodeId {
    name.parse().expect("a node id")
}

pub(super) fn room(name: &str) -> RoomId {
    name.parse().expect("a room id")
}

pub(super) fn user(name: &str) -> UserId {
    name.parse().expect("a user id")
}

/// Nothing, a name, and all there is.
pub(super) fn profiles() -> [Profile; 4] {
    let state = |json| MemberState::from_json(json).expect("a state");
    [
        Profile::default(),
        Profile {
            name: Some("Ada".into()),
            ..Profile::default()
        },
        Profile {
            avatar: Some("https://example.com/a.png?b=c d".into()),
            ..Profile::default()
        },
        Profile {
            name: Some("이순신 \"two\nlines\"".into()),
            avatar: Some("https://example.com/b.png".into()),
            state: state(r#"{"muted":true,"hand":null,"tiles":[1,2.5,"x"]}"#),
        },
    ]
}

/// Every combination.
pub(super) fn all_flags() -> impl Iterator<Item = Flags> {
    (0..16).map(|bits| Flags {
        hidden: bits & 1 != 0,
        away: bits & 2 != 0,
        resumable: bits & 4 != 0,
        named: bits & 8 != 0,
    })
}

pub(super) fn member(flags: Flags, profile: Profile) -> MemberRecord {
    MemberRecord {
        peer: peer('A'),
        epoch: 7,
        node: node("gw-a-1"),
        order: 3,
        flags,
        user: user("어머니 50% {a}"),
        joined_at: 1_790_000_000_123,
        profile,
        unread: None,
    }
}

/// One that a later release wrote.
pub(super) fn unread_member() -> MemberRecord {
    MemberRecord {
        unread: Some(Box::new(Unread {
            version: 9,
            flags: "xy".into(),
            rest: b"7:{later}".to_vec(),
        })),
        ..member(Flags::default(), Profile::default())
    }
}
