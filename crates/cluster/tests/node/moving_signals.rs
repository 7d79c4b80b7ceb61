//! Signals to and from sessions that lose their connection or move: in order, each once, each answered.

use std::collections::BTreeMap;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::{Connection, PeerId};
use tokio::time::{Duration, sleep};

use crate::bad_bus::{BadBus, Badness};
use crate::faults::FaultyBus;
use crate::rig::{Kind, Session, introduce, node_on, plain_nodes};

pub(crate) fn seen(sender: PeerId, id: u64) -> BTreeMap<PeerId, u64> {
    BTreeMap::from([(sender, id)])
}

pub(crate) fn all_delivered(session: &Session, signals: u64) {
    let mut answers = session.told.answers();
    answers.sort_unstable_by_key(|(id, _)| *id);
    let expected: Vec<_> = (1..=signals).map(|id| (id, None)).collect();
    assert_eq!(answers, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_somebody_away_waits_and_arrives_once_in_order() {
    for to_another in [true, false] {
        let cluster = MemoryCluster::new();
        let [one, other, third] = plain_nodes(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        bob.loses_connection();
        alice
            .told
            .until_connection(&bob.peer(), Connection::Away)
            .await;
        for _ in 0..50 {
            alice.signal("r", Some(bob.peer()));
        }
        sleep(Duration::from_secs(20)).await;
        assert!(alice.told.answers().is_empty());
        let resumed = bob
            .resume_on(if to_another { &third } else { &other })
            .await;
        resumed.handle_signals();
        for _ in 0..50 {
            alice.signal("r", Some(bob.peer()));
            sleep(Duration::from_millis(1)).await;
        }
        alice.until_answered(100).await;
        all_delivered(&alice, 100);
        assert_eq!(resumed.told.signals(), (1..=100).collect::<Vec<u64>>());
        assert!(bob.told.signals().is_empty());
    }
}

/// Ten signals reach a connection, which is lost after so many were written and handled. What the client says to have
/// seen decides, not what its node knows.
async fn lost_after(written: u64, confirmed: u64, handled: u64, to_another: bool) {
    let case = format!("written {written}, confirmed {confirmed}, handled {handled}");
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    for _ in 0..10 {
        alice.signal("r", Some(bob.peer()));
    }
    bob.until_signals(10).await;
    other.written(&bob.local, &alice.peer(), written);
    other.received(&bob.local, &alice.peer(), confirmed);
    bob.loses_connection();
    let last = alice.signal("r", Some(bob.peer()));
    let to = if to_another { &third } else { &other };
    let resumed = bob
        .resume_having_seen(to, seen(alice.peer(), handled))
        .await;
    resumed.handle_signals();
    alice.until_answered(11).await;
    sleep(Duration::from_secs(10)).await;
    all_delivered(&alice, last);
    let rest: Vec<u64> = (handled + 1..=last).collect();
    assert_eq!(resumed.told.signals(), rest, "{case}");
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_connection_had_is_delivered_exactly_once() {
    for to_another in [true, false] {
        lost_after(0, 0, 0, to_another).await;
        lost_after(7, 4, 4, to_another).await;
        lost_after(7, 4, 7, to_another).await;
        lost_after(10, 10, 10, to_another).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_moves_while_signals_come_gets_each_once_in_order() {
    const SIGNALS: u64 = 300;
    for seed in 0..20 {
        let cluster = MemoryCluster::new();
        let badness = Badness {
            lost: 10,
            repeated: 10,
            delayed: 30,
        };
        let mut nodes = Vec::new();
        for node in 0..3 {
            let bus = BadBus::new(cluster.backend().bus, badness, seed * 10 + node);
            nodes.push(node_on(&cluster, bus).await);
        }
        let (alice, mut bob) = introduce(&nodes[0], &nodes[1]).await;
        let mut handled = Vec::new();
        for id in 1..=SIGNALS {
            alice.signal("r", Some(bob.peer()));
            sleep(Duration::from_millis(3)).await;
            if id % 30 == 0 {
                // The client has handled all that came, and its last words were lost with the connection.
                let has = bob.told.signals();
                other_than_last(&bob, &alice, &has);
                handled.extend(&has);
                let last = handled.last().copied().unwrap_or(0);
                let to = &nodes[usize::try_from(id / 30 % 3).expect("small")];
                let drains = id % 60 == 0;
                if !drains {
                    bob.loses_connection();
                }
                let next = bob.resume_having_seen(to, seen(alice.peer(), last)).await;
                if drains {
                    // What its old connection brings until it is closed the client drops.
                    bob.until_superseded().await;
                }
                next.node.prove(&next.local).await;
                bob = next;
            }
        }
        bob.handle_signals();
        alice.until_answered(SIGNALS as usize).await;
        handled.extend(bob.told.signals());
        assert_eq!(handled, (1..=SIGNALS).collect::<Vec<u64>>(), "seed {seed}");
        all_delivered(&alice, SIGNALS);
    }
}

fn other_than_last(bob: &Session, alice: &Session, has: &[u64]) {
    if let [.., before, last] = has {
        bob.node.written(&bob.local, &alice.peer(), *last);
        bob.node.received(&bob.local, &alice.peer(), *before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_moves_sends_again_and_each_arrives_once() {
    for to_another in [true, false] {
        let cluster = MemoryCluster::new();
        let [one, other, third] = plain_nodes(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        for _ in 0..6 {
            alice.signal("r", Some(bob.peer()));
        }
        bob.until_signals(6).await;
        bob.handles(&alice.peer(), 2);
        alice.until_answered(2).await;
        alice.loses_connection();
        bob.handles(&alice.peer(), 4);
        let resumed = alice
            .resume_on(if to_another { &third } else { &one })
            .await;
        for id in 3..=6 {
            resumed.signal_again("r", id, Some(bob.peer()));
        }
        resumed.signal("r", Some(bob.peer()));
        bob.handle_signals();
        bob.handles(&alice.peer(), 6);
        resumed.until_answered(5).await;
        let mut answers = resumed.told.answers();
        answers.sort_unstable_by_key(|(id, _)| *id);
        let expected: Vec<_> = (3..=7).map(|id| (id, None)).collect();
        assert_eq!(answers, expected);
        assert_eq!(bob.told.signals(), (1..=7).collect::<Vec<u64>>());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_old_node_of_a_sender_still_has_is_not_handed_on_after_its_successor() {
    let cluster = MemoryCluster::new();
    let bus = FaultyBus::new(&cluster);
    let one = node_on(&cluster, bus.clone()).await;
    let [other, third, _] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    bob.handle_signals();
    bus.swallow(other.id());
    for _ in 0..3 {
        alice.signal("r", Some(bob.peer()));
    }
    let resumed = alice.resume_on(&third).await;
    alice.until_superseded().await;
    // The client gives up on the first two and sends the third again.
    resumed.signal_again("r", 3, Some(bob.peer()));
    resumed.until_answered(1).await;
    bus.mend();
    sleep(Duration::from_secs(30)).await;
    resumed.signal("r", Some(bob.peer()));
    resumed.until_answered(2).await;
    assert_eq!(bob.told.signals(), [3, 4]);
    assert_eq!(resumed.told.answers(), [(3, None), (4, None)]);
}

#[tokio::test(start_paused = true)]
async fn both_move_at_once_and_nothing_is_lost_or_repeated() {
    let cluster = MemoryCluster::new();
    let nodes = plain_nodes::<3>(&cluster).await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    for _ in 0..5 {
        alice.signal("r", Some(bob.peer()));
        bob.signal("r", Some(alice.peer()));
    }
    alice.until_signals(5).await;
    bob.until_signals(5).await;
    alice.loses_connection();
    bob.loses_connection();
    let again = alice
        .resume_having_seen(&nodes[2], seen(bob.peer(), 3))
        .await;
    let bobs = bob
        .resume_having_seen(&nodes[0], seen(alice.peer(), 2))
        .await;
    for session in [&again, &bobs] {
        session.handle_signals();
    }
    for id in 1..=5 {
        again.signal_again("r", id, Some(bob.peer()));
        bobs.signal_again("r", id, Some(alice.peer()));
    }
    for session in [&again, &bobs] {
        session.until_answered(5).await;
        all_delivered(session, 5);
    }
    assert_eq!(again.told.signals(), [4, 5]);
    assert_eq!(bobs.told.signals(), [3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_those_who_moved_as_well() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let carol = Session::new(&third, true).await;
    carol.join("r").await.expect("carol gets in");
    alice.told.until_joined(&carol.peer()).await;
    carol.handle_signals();
    bob.loses_connection();
    let id = alice.signal("r", None);
    carol.until_signals(1).await;
    let resumed = bob.resume_on(&third).await;
    resumed.handle_signals();
    alice.until_answered(2).await;
    assert_eq!(alice.told.answers(), [(id, None), (id, None)]);
    assert_eq!(
        (carol.told.signals(), resumed.told.signals()),
        (vec![id], vec![id])
    );
}

#[tokio::test(start_paused = true)]
async fn a_resumed_sender_sends_a_broadcast_again_to_those_who_did_not_answer() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let mut others = vec![bob];
    for _ in 0..2 {
        let session = Session::new(&third, true).await;
        session.join("r").await.expect("there is room");
        alice.told.until_joined(&session.peer()).await;
        others.push(session);
    }
    let id = alice.signal("r", None);
    for session in &others {
        session.until_signals(1).await;
    }
    let resumed = alice.resume_on(&third).await;
    for session in &others {
        resumed.signal_again("r", id, Some(session.peer()));
    }
    resumed.signal("r", None);
    for session in &others {
        session.handle_signals();
        session.handles(&alice.peer(), id);
    }
    resumed.until_answered(6).await;
    assert!(resumed.told.answers().iter().all(|(_, why)| why.is_none()));
    for session in &others {
        assert_eq!(session.told.signals(), [id, id + 1]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_has_handled_of_a_hidden_sender_does_not_come_again() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let hidden = Kind {
        hidden: true,
        ..Kind::default()
    };
    let observer = Session::of(&one, hidden).await;
    let bob = Session::new(&other, true).await;
    bob.join("r").await.expect("bob gets in");
    observer.join("r").await.expect("the observer gets in");
    let id = observer.signal("r", Some(bob.peer()));
    bob.until_signals(1).await;
    bob.loses_connection();
    sleep(Duration::from_secs(1)).await;
    let resumed = bob
        .resume_having_seen(&third, seen(observer.peer(), id))
        .await;
    resumed.handle_signals();
    observer.until_answered(1).await;
    assert_eq!(observer.told.answers(), [(id, None)]);
    assert!(resumed.told.signals().is_empty(), "it came twice");
}
