//! A call between clients of two gateways.

use switchboard_client::Options;
use switchboard_protocol::Connection;
use switchboard_protocol::server_message::LeaveReason;

use crate::support::{Cluster, Peer, hear, options, still_well};

const ROOM: &str = "study-1";
const CANDIDATE: &str =
    r#"{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid" : "0"}"#;

/// From the first join to the last goodbye, every step seen by the other side.
async fn call(settings: &[&str], homes: [usize; 2]) {
    let cluster = Cluster::start(2, settings);
    let [a, b] = homes.map(|home| &cluster.nodes[home]);
    let mut alice = Peer::open(&Options {
        name: Some("Alice".into()),
        ..options(a)
    })
    .await
    .expect("welcome");
    let mut bob = Peer::to(b).await;

    both_join(&mut alice, &mut bob).await;
    negotiate(&mut alice, &mut bob).await;
    bob.change_state(ROOM, r#"{"muted":true,"hand":null}"#)
        .await;
    let updated = hear!(alice, MemberUpdated);
    assert_eq!(
        (
            updated.peer,
            updated.state.as_ref().map(|state| state.as_json())
        ),
        (bob.id, Some(r#"{"muted":true}"#))
    );
    bob.leave(ROOM).await;
    let left = hear!(alice, MemberLeft);
    assert_eq!((left.peer, left.reason), (bob.id, LeaveReason::Left));
    bob.join(ROOM).await;
    hear!(alice, Ready);
    hear!(alice, MemberJoined);
    let bob = bob.lose();
    let updated = hear!(alice, MemberUpdated);
    assert_eq!(
        (updated.peer, updated.connection),
        (bob.peer, Some(Connection::Away))
    );
    let bob = bob.resume(a).await;
    assert_eq!(
        hear!(alice, MemberUpdated).connection,
        Some(Connection::Live)
    );
    bob.bye().await;
    assert_eq!(hear!(alice, MemberLeft).reason, LeaveReason::Left);
    assert_eq!(alice.unasked().await, [], "each event was told once");
    still_well(a).await;
    still_well(b).await;
}

/// Both see the same two members in the same order, and that they may begin.
async fn both_join(alice: &mut Peer, bob: &mut Peer) {
    let joined = alice.join(ROOM).await;
    assert_eq!((joined.members.len(), joined.capacity), (1, 64));
    let joined = bob.join(ROOM).await;
    let [first, second] = &joined.members[..] else {
        panic!("{joined:?}")
    };
    assert_eq!(
        (first.peer, first.name.as_deref(), second.peer),
        (alice.id, Some("Alice"), bob.id)
    );
    assert!(first.order < second.order);
    assert_eq!(hear!(alice, MemberJoined).member.peer, bob.id);
    for peer in [alice, bob] {
        let ready = hear!(peer, Ready);
        assert_eq!(
            (ready.offerer, ready.peers),
            (first.peer, [first.peer, second.peer])
        );
    }
}

/// Offer, answer and candidates.
async fn negotiate(alice: &mut Peer, bob: &mut Peer) {
    let steps = [
        ("offer", r#"{"type":"offer","sdp":"v=0\r\n"}"#),
        ("candidate", CANDIDATE),
    ];
    pass(alice, bob, &steps).await;
    let steps = [
        ("answer", r#"{"type":"answer","sdp":"v=0\r\n"}"#),
        ("candidate", CANDIDATE),
        ("chat:1", "null"),
    ];
    pass(bob, alice, &steps).await;
}

/// Each step comes as it was sent and is answered with `delivered`.
async fn pass(from: &mut Peer, to: &mut Peer, steps: &[(&str, &str)]) {
    for (kind, payload) in steps {
        let id = from.signal(ROOM, Some(to.id), kind, payload);
        let signal = hear!(to, Signal);
        assert_eq!(
            (
                signal.from,
                signal.id,
                &*signal.kind,
                &signal.payload.bytes[..]
            ),
            (from.id, id, *kind, payload.as_bytes())
        );
        to.connection.flush().await.expect("a receipt is written");
        assert_eq!(from.answers(1).await, [(id, to.id.to_string(), Ok(()))]);
    }
}

#[tokio::test]
async fn a_call_is_set_up_across_two_nodes() {
    call(&[], [0, 1]).await;
}

#[tokio::test]
async fn a_call_is_set_up_across_two_nodes_with_the_local_shortcut() {
    call(&["routing.local_shortcut=true"], [0, 1]).await;
}

#[tokio::test]
async fn a_call_is_set_up_within_a_node_with_the_local_shortcut() {
    call(&["routing.local_shortcut=true"], [1, 1]).await;
}
