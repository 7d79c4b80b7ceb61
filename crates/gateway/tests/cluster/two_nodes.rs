//! A call between clients of two gateways.

use switchboard_client::Options;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{PeerId, ServerMessage};

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
    for peer in [&mut alice, &mut bob] {
        let ready = hear!(peer, Ready);
        assert_eq!(
            (ready.offerer, ready.peers),
            (first.peer, [first.peer, second.peer])
        );
    }

    let steps = [
        ("offer", r#"{"type":"offer","sdp":"v=0\r\n"}"#),
        ("candidate", CANDIDATE),
    ];
    pass(&mut alice, &mut bob, &steps).await;
    let steps = [
        ("answer", r#"{"type":"answer","sdp":"v=0\r\n"}"#),
        ("candidate", CANDIDATE),
        ("chat:1", "null"),
    ];
    pass(&mut bob, &mut alice, &steps).await;

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
    drop(bob);
    assert_eq!(hear!(alice, MemberLeft).reason, LeaveReason::Disconnected);
    hear!(alice, MemberJoined);
    assert_eq!(alice.unasked().await, [], "each event was told once");
    still_well(a).await;
    still_well(b).await;
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

#[tokio::test]
async fn bursts_in_both_directions_arrive_in_order_each_once() {
    const BURST: usize = 500;
    let cluster = Cluster::start(2, &["limits.burst=2000"]);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    let (to_bob, to_alice) = (bob.id, alice.id);
    tokio::join!(
        burst(&mut alice, to_bob, BURST),
        burst(&mut bob, to_alice, BURST)
    );
    for (peer, name) in [(&mut alice, "alice"), (&mut bob, "bob")] {
        let repeated = peer.unasked().await.into_iter().filter(|message| {
            !matches!(
                message,
                ServerMessage::MemberJoined(_) | ServerMessage::Ready(_)
            )
        });
        assert_eq!(repeated.count(), 0, "{name} hears nothing twice");
    }
}

/// Sends so many signals at once; as many come, in order, and each of its own is answered once.
async fn burst(peer: &mut Peer, to: PeerId, count: usize) {
    let sent: Vec<_> = (0..count)
        .map(|n| peer.signal(ROOM, Some(to), "candidate", n.to_string()))
        .collect();
    for n in 0..count {
        let signal = hear!(peer, Signal);
        assert_eq!(
            (signal.from, &signal.payload.bytes[..]),
            (to, n.to_string().as_bytes())
        );
    }
    let answers = peer.answers(count).await;
    let expected: Vec<_> = sent
        .into_iter()
        .map(|id| (id, to.to_string(), Ok(())))
        .collect();
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn a_broadcast_names_whom_it_goes_to_and_each_of_them_answers() {
    let cluster = Cluster::start(2, &[]);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let id = alice.signal(ROOM, None, "chat", "1");
    assert_eq!(
        (hear!(alice, Done).re, alice.unasked().await),
        (id, vec![]),
        "nobody else is there"
    );

    let mut others = Vec::new();
    for home in [0, 1, 1] {
        others.push(Peer::in_room(&cluster.nodes[home], ROOM).await);
        hear!(alice, MemberJoined);
    }
    let id = alice.signal(ROOM, None, "chat", r#""hello""#);
    let mut to = hear!(alice, Done).to.expect("a broadcast's receivers");
    let mut expected: Vec<_> = others.iter().map(|peer| peer.id).collect();
    to.sort();
    expected.sort();
    assert_eq!(to, expected);
    for peer in &mut others {
        let signal = hear!(peer, Signal);
        assert_eq!(
            (signal.from, signal.id, &signal.payload.bytes[..]),
            (alice.id, id, &br#""hello""#[..])
        );
        peer.connection.flush().await.expect("a receipt is written");
    }
    let mut answers = alice.answers(3).await;
    answers.sort_by_key(|(_, to, _)| to.clone());
    let expected: Vec<_> = expected
        .into_iter()
        .map(|peer| (id, peer.to_string(), Ok(())))
        .collect();
    assert_eq!(answers, expected);
    assert!(
        others[0]
            .unasked()
            .await
            .iter()
            .all(|message| !matches!(message, ServerMessage::Signal(_)))
    );
}
