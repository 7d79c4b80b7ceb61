//! Many signals at once, and signals to many at once.

use switchboard_protocol::{PeerId, ServerMessage};

use crate::support::{Cluster, Peer, hear};

const ROOM: &str = "study-1";

#[tokio::test]
async fn bursts_in_both_directions_arrive_in_order_each_once() {
    // As many as one receiver may have unanswered.
    const BURST: usize = 250;
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
    // Where all came at once, its last receipts are still to be written, and it reads no further.
    let written = peer.connection.flush().await;
    written.expect("the connection is there");
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
