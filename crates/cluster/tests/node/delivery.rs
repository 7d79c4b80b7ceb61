//! Every signal ends in exactly one answer; in order, at most once.

use std::collections::BTreeSet;
use std::sync::Arc;

use switchboard_cluster::Backend;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::node::Settings;
use switchboard_protocol::ServerMessage;
use switchboard_protocol::server_message::Reason;
use tokio::time::Duration;

use crate::bad_bus::{BadBus, Badness};
use crate::rig::{Session, introduce, node, node_on, plain_node, settings};

async fn pair(badness: Badness, seed: u64) -> (Session, Session) {
    let cluster = MemoryCluster::new();
    // As many may be on their way as a test says at once.
    let mut many = settings();
    many.in_flight.signals *= 4;
    let backend = |seed| Backend {
        bus: BadBus::new(cluster.backend().bus, badness, seed),
        ..cluster.backend()
    };
    let (one, other) = (
        node(backend(seed), many.clone()).await,
        node(backend(seed + 1), many).await,
    );
    introduce(&one, &other).await
}

/// The first node's frames go over the bus that comes with them.
async fn pair_on_a_bus_to_cut() -> (Session, Session, Arc<BadBus>) {
    let cluster = MemoryCluster::new();
    let bus = BadBus::new(cluster.backend().bus, Badness::default(), 1);
    let one = node_on(&cluster, bus.clone()).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    (alice, bob, bus)
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_room_to_catch_up_is_not_overtaken_in_another_room() {
    let cluster = MemoryCluster::new();
    let carols_bus = BadBus::new(cluster.backend().bus, Badness::default(), 1);
    let (one, other, third) = (
        plain_node(&cluster).await,
        plain_node(&cluster).await,
        node_on(&cluster, carols_bus.clone()).await,
    );
    let (alice, bob) = introduce(&one, &other).await;
    bob.join("behind").await.expect("bob gets in");
    bob.handle_signals();
    carols_bus.cut(true);
    let carol = Session::new(&third, true).await;
    carol.join("behind").await.expect("carol gets in");
    alice.join("behind").await.expect("alice gets in");
    // Bob's node does not know her there yet: the step before hers is missing.
    let waits = alice.signal("behind", Some(bob.peer()));
    let comes = alice.signal("r", Some(bob.peer()));
    alice.until_answered(2).await;
    assert_eq!(bob.told.signals(), [waits, comes]);
    assert_eq!(alice.told.answers(), [(waits, None), (comes, None)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_repeated_or_out_of_order_on_a_bus_that_loses_repeats_and_delays() {
    const SIGNALS: usize = 400;
    for seed in 0..30 {
        let badness = Badness {
            lost: 20,
            repeated: 20,
            delayed: 30,
        };
        let (alice, bob) = pair(badness, seed).await;
        alice.handle_signals();
        bob.handle_signals();
        for _ in 0..SIGNALS {
            alice.signal("r", Some(bob.peer()));
            bob.signal("r", Some(alice.peer()));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for session in [&alice, &bob] {
            session.until_answered(SIGNALS).await;
            let expected: Vec<u64> = (1..=SIGNALS as u64).collect();
            assert_eq!(
                session.told.signals(),
                expected,
                "seed {seed}: in order, each once"
            );
            let answers = session.told.answers();
            let undelivered: Vec<_> = answers.iter().filter(|(_, why)| why.is_some()).collect();
            assert!(undelivered.is_empty(), "seed {seed}: {undelivered:?}");
            let ids: BTreeSet<u64> = answers.iter().map(|(id, _)| *id).collect();
            assert_eq!(
                (ids.len(), answers.len()),
                (SIGNALS, SIGNALS),
                "seed {seed}: one answer each"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_that_the_receiver_has_not_handled() {
    let (alice, bob) = pair(Badness::default(), 1).await;
    let id = alice.signal("r", Some(bob.peer()));
    bob.told.until_one("the signal", is_signal).await;
    bob.node.received(&bob.local, &alice.peer(), id);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(
        alice.told.answers().is_empty(),
        "it is in bob's outbox still"
    );
    bob.node.written(&bob.local, &alice.peer(), id);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(
        alice.told.answers().is_empty(),
        "bob's client has not said so"
    );
    bob.node.received(&bob.local, &alice.peer(), id);
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(id, None)]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_full_refuses_and_the_sender_hears_so() {
    let (alice, bob) = pair(Badness::default(), 1).await;
    bob.told.fill();
    alice.signal("r", Some(bob.peer()));
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(1, Some(Reason::Overloaded))]);
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_was_never_published_is_unavailable_and_one_that_was_is_unconfirmed() {
    let (alice, bob, bus) = pair_on_a_bus_to_cut().await;
    let silent = alice.signal("r", Some(bob.peer()));
    bob.told.until_one("the signal", is_signal).await;
    bus.cut(true);
    let cut = alice.signal("r", Some(bob.peer()));
    alice.until_answered(2).await;
    let expected = [
        (silent, Some(Reason::Unconfirmed)),
        (cut, Some(Reason::Unavailable)),
    ];
    assert_eq!(alice.told.answers(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_the_bus_arrives_once_it_is_back() {
    let (alice, bob, bus) = pair_on_a_bus_to_cut().await;
    bob.handle_signals();
    bus.cut(true);
    for _ in 0..100 {
        alice.signal("r", Some(bob.peer()));
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(alice.told.answers().is_empty());
    bus.cut(false);
    alice.until_answered(100).await;
    assert_eq!(bob.told.signals(), (1..=100).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn past_its_bounds_a_sender_hears_overloaded_at_once() {
    let mut few = settings();
    few.in_flight.signals = 4;
    let (alice, bob) = pair_with(few).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        let other = Session::new(&bob.node, true).await;
        other.join("r").await.expect("there is room");
        alice.told.until_joined(&other.peer()).await;
        others.push(other);
    }
    for receiver in [&bob].into_iter().chain(&others) {
        alice.signal("r", Some(receiver.peer()));
    }
    assert_eq!(alice.told.answers(), [(5, Some(Reason::Overloaded))]);
    bob.handle_signals();
    alice.until_answered(2).await;
    let id = alice.signal("r", Some(bob.peer()));
    alice.until_answered(3).await;
    assert_eq!(alice.told.answers().last(), Some(&(id, None)));
}

#[tokio::test(start_paused = true)]
async fn one_receiver_s_stream_takes_a_quarter_of_the_bounds_and_others_go_on() {
    let mut few = settings();
    few.in_flight.signals = 12;
    let (alice, bob) = pair_with(few).await;
    let carol = Session::new(&alice.node, true).await;
    carol.join("r").await.expect("carol gets in");
    carol.handle_signals();
    alice.told.until_joined(&carol.peer()).await;
    for _ in 0..4 {
        alice.signal("r", Some(bob.peer()));
    }
    let full = (4, Some(Reason::Overloaded));
    assert_eq!(alice.told.answers(), [full]);
    // What is for others goes on, also of one signal for both.
    let goes_on = alice.signal("r", Some(carol.peer()));
    let to_both = alice.signal("r", None);
    alice.until_answered(4).await;
    let refused = (to_both, Some(Reason::Overloaded));
    assert_eq!(
        alice.told.answers(),
        [full, refused, (goes_on, None), (to_both, None)]
    );
    bob.handle_signals();
    alice.until_answered(7).await;
    let id = alice.signal("r", Some(bob.peer()));
    alice.until_answered(8).await;
    assert_eq!(alice.told.answers().last(), Some(&(id, None)));
    assert_eq!(bob.told.signals(), [1, 2, 3, id]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_goes_answers_for_what_it_was_not_given() {
    let (alice, bob) = pair(Badness::default(), 1).await;
    let (written, waiting) = (
        alice.signal("r", Some(bob.peer())),
        alice.signal("r", Some(bob.peer())),
    );
    let both = |told: &[ServerMessage]| {
        told.iter()
            .filter(|m| matches!(m, ServerMessage::Signal(_)))
            .count()
            == 2
    };
    bob.told
        .until("both signals", |told| both(told).then_some(()))
        .await;
    bob.node.written(&bob.local, &alice.peer(), written);
    bob.departs(switchboard_protocol::server_message::LeaveReason::Disconnected);
    alice.until_answered(2).await;
    let expected = [
        (written, Some(Reason::Unconfirmed)),
        (waiting, Some(Reason::Left)),
    ];
    assert_eq!(alice.told.answers(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_names_its_receivers_first_and_each_answers() {
    let (alice, bob) = pair(Badness::default(), 1).await;
    let carol = Session::new(&alice.node, false).await;
    carol.join("r").await.expect("carol gets in");
    alice.told.until("carol", |told| told.iter().any(|m| matches!(m, ServerMessage::MemberJoined(j) if j.member.peer == carol.peer())).then_some(())).await;
    bob.handle_signals();
    carol.handle_signals();
    let before = alice.told.messages().len();
    let id = alice.signal("r", None);
    alice.until_answered(2).await;
    let ServerMessage::Done(done) = &alice.told.messages()[before] else {
        panic!("`done` comes first")
    };
    let to: BTreeSet<_> = done.to.iter().flatten().copied().collect();
    assert_eq!(
        (done.re, to),
        (id, BTreeSet::from([bob.peer(), carol.peer()]))
    );
}

fn is_signal(message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::Signal(_))
}

async fn pair_with(settings: Settings) -> (Session, Session) {
    let cluster = MemoryCluster::new();
    let one = node(cluster.backend(), settings.clone()).await;
    let other = node(cluster.backend(), settings).await;
    introduce(&one, &other).await
}
