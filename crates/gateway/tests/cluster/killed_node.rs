//! A gateway dies without a word.

use std::time::{Duration, Instant};

use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{Connection, ServerMessage};

use crate::support::{Cluster, Peer, SHORT_WINDOW, hear, still_well};

const ROOM: &str = "study-1";
/// Promised are 8 s; the rest is for a machine that does a lot beside.
const AWAY_WITHIN: Duration = Duration::from_secs(12);

fn reaped(cluster: &Cluster) -> f64 {
    cluster
        .nodes
        .iter()
        .skip(1)
        .map(|node| node.metric("switchboard_nodes_reaped_total"))
        .sum()
}

#[tokio::test]
async fn the_members_of_a_killed_node_are_away_and_then_leave_seen_by_all_once_and_by_the_hand_of_one()
 {
    let mut cluster = Cluster::start(3, &SHORT_WINDOW);
    let mut lost = Vec::new();
    for _ in 0..3 {
        lost.push(Peer::in_room(&cluster.nodes[0], ROOM).await);
    }
    let mut left = [
        Peer::in_room(&cluster.nodes[1], ROOM).await,
        Peer::in_room(&cluster.nodes[2], ROOM).await,
    ];
    hear!(left[0], MemberJoined);

    let killed_at = Instant::now();
    cluster.nodes[0].kill();
    let mut expected: Vec<_> = lost.iter().map(|peer| peer.id).collect();
    expected.sort();
    for peer in &mut left {
        let mut away = Vec::new();
        for _ in &lost {
            let member = hear!(peer, MemberUpdated);
            assert_eq!(member.connection, Some(Connection::Away));
            away.push(member.peer);
        }
        away.sort();
        assert_eq!(away, expected);
    }
    let elapsed = killed_at.elapsed();
    println!("the members of a killed node were away after {elapsed:.1?}");
    assert!(elapsed < AWAY_WITHIN, "{elapsed:?}");
    for peer in &mut left {
        let mut gone = Vec::new();
        for _ in &lost {
            let member = hear!(peer, MemberLeft);
            assert_eq!(member.reason, LeaveReason::Expired);
            gone.push(member.peer);
        }
        gone.sort();
        assert_eq!(gone, expected);
    }

    for node in &cluster.nodes[1..] {
        node.wait_until("done with the dead node", |_| reaped(&cluster) >= 1.0);
    }
    let [b, c] = &mut left;
    b.exchange(c, ROOM).await;
    for peer in [b, c] {
        let unasked = peer.unasked().await;
        assert!(
            !unasked.iter().any(|message| matches!(
                message,
                ServerMessage::MemberLeft(_) | ServerMessage::MemberUpdated(_)
            )),
            "{unasked:?}"
        );
    }
    assert!(
        (reaped(&cluster) - 1.0).abs() < f64::EPSILON,
        "exactly one cleans up"
    );
    for node in &cluster.nodes[1..] {
        still_well(node).await;
    }
}

#[tokio::test]
async fn signals_under_way_to_a_killed_node_are_each_answered_once() {
    // Twice as many are not more than one receiver may take of `in_flight`.
    const SIGNALS: usize = 120;
    let settings = [&["cluster.lease_ms=2000"], &SHORT_WINDOW[..]].concat();
    let mut cluster = Cluster::start(2, &settings);
    let bob = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut alice = Peer::in_room(&cluster.nodes[1], ROOM).await;
    // Bob says `received` for nothing, because nobody drives his connection: all of these are under way.
    let before: Vec<_> = (0..SIGNALS)
        .map(|_| alice.signal(ROOM, Some(bob.id), "candidate", "1"))
        .collect();
    cluster.nodes[0].kill();
    let after: Vec<_> = (0..SIGNALS)
        .map(|_| alice.signal(ROOM, Some(bob.id), "candidate", "2"))
        .collect();

    let answers = alice.answers(2 * SIGNALS).await;
    let mut ids: Vec<_> = answers.iter().map(|(id, ..)| *id).collect();
    ids.sort();
    assert_eq!(
        ids,
        before.into_iter().chain(after).collect::<Vec<_>>(),
        "one answer for each"
    );
    for (id, to, outcome) in answers {
        assert_eq!(to, bob.id.to_string());
        assert!(
            matches!(outcome, Err(Reason::Unconfirmed | Reason::Expired)),
            "{id}: {outcome:?}"
        );
    }
    assert_eq!(hear!(alice, MemberLeft).reason, LeaveReason::Expired);
    let id = alice.signal(ROOM, Some(bob.id), "candidate", "3");
    assert_eq!(
        alice.answers(1).await,
        [(id, bob.id.to_string(), Err(Reason::NoSuchPeer))]
    );
    let unasked = alice.unasked().await;
    assert!(unasked.iter().all(|message| !matches!(
        message,
        ServerMessage::Delivered(_) | ServerMessage::Undelivered(_)
    )));
}
