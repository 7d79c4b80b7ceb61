//! Frames with every kind of envelope.

use serde::Serialize;
use serde_json::{Value, json};
use smallvec::smallvec;
use switchboard_protocol::Encoding;
use switchboard_protocol::server_message::{LeaveReason, Reason};

use super::samples::{all_flags, key, member, node, peer, profiles, room, unread_member, user};
use super::set::Set;
use super::text::{assert_says, hex, text, unhex};
use crate::backend::record::Flags;
use crate::backend::revocation::{Revocation, Revoked};
use crate::link::envelope::{
    Change, Envelope, Moved, MovedSignal, Receipt, Revisions, RevokedSessions, RosterChange,
    SignalEnvelope,
};
use crate::link::frame::{BadFrame, Header, envelopes, open, seal};
use crate::link::keyring::Keyring;

/// Each with a name.
fn samples() -> Vec<(&'static str, Vec<Envelope<'static>>)> {
    vec![
        ("only-confirms", vec![]),
        ("signals", signals()),
        ("receipts", receipts()),
        ("joined", joined()),
        ("moved-members", moved_members()),
        ("updated", updated()),
        ("left", left()),
        ("revisions", revisions()),
        (
            "moved",
            vec![Envelope::Moved(Moved {
                peer: peer('B'),
                epoch: 12,
            })],
        ),
        (
            "all-kinds",
            [signals(), receipts(), joined(), left(), revisions()].concat(),
        ),
        // Since v0.2.0. A sample's place is its frame's number, so what is new goes to the end.
        ("revoked", revoked()),
    ]
}

fn signals() -> Vec<Envelope<'static>> {
    let signal = SignalEnvelope {
        sender: peer('A'),
        sender_epoch: 2,
        id: 300,
        room: "회의실",
        revision: 70_000,
        kind: "offer",
        encoding: Encoding::Json,
        payload: b"{\"sdp\":\"v=0\\r\\n\"}",
        receivers: smallvec![(peer('B'), 1)],
        traceparent: None,
    };
    let other = SignalEnvelope {
        id: 301,
        kind: "candidate",
        encoding: Encoding::MessagePack,
        payload: b"\x81\xa3mid\xa10",
        receivers: smallvec![(peer('B'), 1), (peer('C'), 4_000_000_000_000)],
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ..signal.clone()
    };
    vec![Envelope::Signal(signal), Envelope::Signal(other)]
}

fn receipts() -> Vec<Envelope<'static>> {
    let reasons = [
        Reason::NoSuchPeer,
        Reason::Left,
        Reason::Expired,
        Reason::Overloaded,
        Reason::Unavailable,
        Reason::Unconfirmed,
    ];
    let receipt = Receipt {
        sender: peer('A'),
        sender_epoch: 2,
        receiver: peer('B'),
        delivered: smallvec![1, 2, 300, 5_000_000_000],
        refused: (10..).zip(reasons).collect(),
        moved: smallvec![
            MovedSignal {
                id: 20,
                epoch: 1,
                may_have: true
            },
            MovedSignal {
                id: 21,
                epoch: 2,
                may_have: false
            },
        ],
    };
    let plain = Receipt {
        delivered: smallvec![1],
        refused: smallvec![],
        moved: smallvec![],
        ..receipt.clone()
    };
    vec![Envelope::Receipt(receipt), Envelope::Receipt(plain)]
}

fn steps(changes: impl Iterator<Item = Change>) -> Vec<Envelope<'static>> {
    let step = |(revision, change)| RosterChange {
        room: room("lobby"),
        revision,
        change,
    };
    (5..).zip(changes).map(step).map(Envelope::Roster).collect()
}

fn joined() -> Vec<Envelope<'static>> {
    let flagged = all_flags().map(|flags| member(flags, profiles()[1].clone()));
    let profiled = profiles().map(|profile| member(Flags::default(), profile));
    let members = flagged.chain(profiled).chain([unread_member()]);
    steps(members.map(|member| Change::Joined {
        ready: member.flags.away,
        member,
    }))
}

fn moved_members() -> Vec<Envelope<'static>> {
    let members = all_flags().map(|flags| member(flags, profiles()[3].clone()));
    steps(
        members
            .chain([unread_member()])
            .map(|member| Change::Moved { member }),
    )
}

fn updated() -> Vec<Envelope<'static>> {
    let change = |profile| Change::Updated {
        peer: peer('A'),
        profile,
    };
    steps(profiles().into_iter().map(change))
}

fn left() -> Vec<Envelope<'static>> {
    let change = |reason| Change::Left {
        peer: peer('A'),
        reason,
    };
    steps(LeaveReason::ALL.into_iter().map(change))
}

fn revisions() -> Vec<Envelope<'static>> {
    let rooms = vec![(room("lobby"), 5), (room("회의실"), 70_000)];
    let said = Revisions {
        rooms,
        answer: false,
    };
    let answer = Revisions {
        rooms: vec![],
        answer: true,
    };
    vec![Envelope::Revisions(said), Envelope::Revisions(answer)]
}

fn revoked() -> Vec<Envelope<'static>> {
    let user = Revoked::User {
        user: user("어머니 50% {a}"),
        before: 1_790_000_000,
    };
    let all = [
        user,
        Revoked::Token("jti-1".into()),
        Revoked::Peer(peer('B')),
    ];
    let envelope = |revoked| {
        Envelope::Revoked(RevokedSessions {
            entry: Revocation {
                revoked,
                until: 1_800_000_000,
            },
            sessions: vec![peer('B'), peer('C')],
        })
    };
    all.map(envelope).into()
}

pub(super) fn made() -> Vec<Value> {
    let samples = samples().into_iter().enumerate();
    let entry = |(at, (name, envelopes)): (usize, (&str, Vec<Envelope<'_>>))| {
        let header = Header {
            from: node("gw-a-1"),
            generation: 3,
            number: at as u64,
            seen_generation: 1,
            seen: 70_000,
        };
        let mut bytes = Vec::new();
        envelopes
            .iter()
            .for_each(|envelope| envelope.write(&mut bytes));
        let frame = seal(&key(), &node("gw-b-1"), &header, &bytes);
        json!({
            "name": name,
            "to": "gw-b-1",
            "frame": hex(&frame),
            "header": written(&header),
            "envelopes": envelopes.iter().map(readable).collect::<Vec<_>>(),
        })
    };
    samples.map(entry).collect()
}

/// In words, field by field.
fn readable(envelope: &Envelope<'_>) -> Value {
    match envelope {
        Envelope::Signal(signal) => {
            let mut said = written(signal);
            said["payload"] = json!(String::from_utf8_lossy(signal.payload));
            json!({ "signal": said })
        }
        Envelope::Receipt(receipt) => json!({ "receipt": written(receipt) }),
        Envelope::Roster(change) => json!({ "roster": written(change) }),
        Envelope::Revisions(revisions) => json!({ "revisions": written(revisions) }),
        Envelope::Moved(moved) => json!({ "moved": written(moved) }),
        Envelope::Revoked(revoked) => json!({ "revoked": written(revoked) }),
    }
}

fn written(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("it can be written as JSON")
}

fn keyring() -> Keyring {
    let keyring = Keyring::default();
    keyring.set(key());
    keyring
}

#[test]
fn frames_of_every_release_say_what_they_said() {
    for set in Set::all() {
        let entries = set.json("frames.json");
        for entry in entries.as_array().expect("a list") {
            let (frame, to) = (unhex(text(entry, "frame")), node(text(entry, "to")));
            let name = text(entry, "name");
            let (header, rest) = open(&keyring(), &to, &frame).expect("it is authentic");
            assert_says(&written(&header), &entry["header"], name);
            let read = envelopes(rest).map(|envelope| readable(&envelope.expect("it is readable")));
            assert_says(&Value::Array(read.collect()), &entry["envelopes"], name);
        }
    }
}

/// What nodes of the last release get from this build. Where this differs they may read something else: then see `format.rs`.
#[test]
fn frames_are_written_as_by_the_last_release() {
    let (entries, made) = (Set::latest().json("frames.json"), made());
    for entry in entries.as_array().expect("a list") {
        let now = made.iter().find(|now| now["name"] == entry["name"]);
        let now = now.expect("the sample is there still");
        assert_eq!(now["frame"], entry["frame"], "{}", entry["name"]);
    }
}

#[test]
fn a_frame_of_a_version_that_this_build_does_not_know_is_refused_as_that() {
    for entry in made() {
        let mut frame = unhex(text(&entry, "frame"));
        frame[0] = 9;
        let opened = open(&keyring(), &node("gw-b-1"), &frame);
        assert_eq!(opened, Err(BadFrame::Version(9)));
    }
}
