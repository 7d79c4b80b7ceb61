//! Faults at awkward moments: nobody is told an untruth, and everything heals.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::node::Settings;
use switchboard_cluster::{Backend, Profile, Status};
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{
    ClientMessage, Codec, Encoding, NodeId, Payload, PeerId, ServerMessage,
};
use tokio::time::{Duration, sleep};

use crate::faults::FaultyBus;
use crate::rig::{Session, faulty_node, id, introduce, node, node_on, settings};

fn heard_join(s: &Session, p: PeerId) -> bool {
    s.told
        .messages()
        .iter()
        .any(|m| matches!(m, ServerMessage::MemberJoined(j) if j.member.peer == p))
}
fn heard_left(s: &Session, p: PeerId) -> bool {
    s.told
        .messages()
        .iter()
        .any(|m| matches!(m, ServerMessage::MemberLeft(j) if j.peer == p))
}
fn signal_with(s: &Session, n: u64, to: PeerId, bytes: &[u8]) {
    let signal = Signal {
        id: n,
        room: "r".into(),
        to: Some(to.to_string().into()),
        kind: "x".into(),
        payload: Payload {
            encoding: Encoding::Json,
            bytes,
        },
        traceparent: None,
    };
    s.node.relay(&s.local, &signal, false).expect("member");
}
async fn duo(bus: &Arc<FaultyBus>, c: &MemoryCluster, s: Settings) -> (Session, Session) {
    let a = node(
        Backend {
            bus: bus.clone(),
            ..c.backend()
        },
        s.clone(),
    )
    .await;
    let b = node(c.backend(), s).await;
    introduce(&a, &b).await
}

#[tokio::test(start_paused = true)]
async fn what_was_told_unavailable_never_arrives() {
    let c = MemoryCluster::new();
    let bus = FaultyBus::new(&c);
    let (alice, bob) = duo(&bus, &c, settings()).await;
    bus.down.store(true, Ordering::Relaxed);
    alice.signal("r", Some(bob.peer()));
    alice.until_answered(1).await;
    bus.down.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(
        bob.told.signals(),
        [0u64; 0],
        "said unavailable, yet bob has it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_that_changes_nothing_hides_no_other_step() {
    let c = MemoryCluster::new();
    let (bus_c, plain) = (FaultyBus::new(&c), c.backend().bus);
    let a = node_on(&c, plain.clone()).await;
    let b = node_on(&c, plain.clone()).await;
    let cc = node_on(&c, bus_c.clone()).await;
    let (alice, bob) = introduce(&a, &b).await;
    let carol = Session::new(&cc, true).await;
    bus_c.swallow(a.id()); // one lost frame C->A (repeated 50 ms later), or just a slower path
    carol.join("r").await.expect("it works");
    let Ok(ClientMessage::State(state)) =
        Codec::Json.decode(br#"{"type":"state","id":1,"room":"r","state":{}}"#)
    else {
        panic!("a state message")
    };
    let patch = state.state;
    b.update(&bob.local, &id("r"), &patch)
        .await
        .expect("it works");
    sleep(Duration::from_millis(20)).await;
    bus_c.mend();
    sleep(Duration::from_secs(30)).await;
    carol.signal("r", Some(alice.peer()));
    carol.until_answered(1).await;
    assert!(
        heard_join(&alice, carol.peer()),
        "alice never hears of carol"
    );
}

#[tokio::test(start_paused = true)]
async fn a_room_that_could_not_be_left_is_left_though_the_client_does_not_ask_again() {
    let c = MemoryCluster::new();
    let (a, dir) = faulty_node(&c).await;
    let b = node_on(&c, c.backend().bus).await;
    let (alice, bob) = introduce(&a, &b).await;
    dir.fail("leave");
    let left = a.leave(&alice.local, &id("r")).await;
    assert!(left.is_err(), "it is told as unavailable");
    bob.told.until_left(&alice.peer()).await;
}

#[tokio::test(start_paused = true)]
async fn a_leave_whose_answer_was_lost_is_told() {
    let c = MemoryCluster::new();
    let (a, dir) = faulty_node(&c).await;
    let b = node_on(&c, c.backend().bus).await;
    let (alice, bob) = introduce(&a, &b).await;
    sleep(Duration::from_secs(1)).await;
    dir.lose_answer_of("leave");
    alice.departs(LeaveReason::Left);
    sleep(Duration::from_secs(60)).await;
    assert!(
        heard_left(&bob, alice.peer()),
        "bob never hears that alice left"
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_failed_halfway_in_entering_anew_tries_again() {
    let c = MemoryCluster::new();
    let (a, dir) = faulty_node(&c).await;
    dir.fail("open_bucket");
    c.forget();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(*a.status().borrow(), Status::Serving);
}

#[tokio::test(start_paused = true)]
async fn a_node_claimed_by_one_that_died_serves_again() {
    let c = MemoryCluster::new();
    let a = node_on(&c, c.backend().bus).await;
    let leases = c.backend().leases;
    let claimer = NodeId::start("claimer");
    let lease = leases.read().await.expect("it works").remove(0);
    assert!(leases.claim(&lease, &claimer).await.expect("it works"));
    sleep(Duration::from_secs(300)).await;
    assert_eq!(*a.status().borrow(), Status::Serving);
}

#[tokio::test(start_paused = true)]
async fn a_reaper_whose_claim_was_forgotten_takes_nobody_from_one_that_lives() {
    let c = MemoryCluster::new();
    let (reaper, dir) = faulty_node(&c).await;
    let one = node_on(&c, c.backend().bus).await;
    let (alice, bob) = introduce(&one, &node_on(&c, c.backend().bus).await).await;
    // It tries again for longer than the directory takes to be full again.
    for _ in 0..100 {
        dir.fail("enlisted");
    }
    let leases = c.backend().leases;
    let table = leases.read().await.expect("it works");
    let lease = table.iter().find(|lease| lease.node == *one.id());
    let claimed = leases.claim(lease.expect("it is there"), reaper.id()).await;
    assert!(claimed.expect("it works"));
    sleep(Duration::from_secs(2)).await;
    c.forget();
    sleep(Duration::from_secs(90)).await;
    assert_eq!(*one.status().borrow(), Status::Serving);
    assert!(bob.told.connections(&alice.peer()).is_empty());
    assert_eq!(reaper.away_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_signal_to_somebody_whose_join_waits_waits_with_it() {
    let c = MemoryCluster::new();
    let bus_b = FaultyBus::new(&c);
    let a = node_on(&c, c.backend().bus).await;
    let b = node_on(&c, bus_b.clone()).await;
    let (alice, carol) = (Session::new(&a, true).await, Session::new(&b, true).await);
    carol.join("r").await.expect("it works");
    alice.join("r").await.expect("it works");
    sleep(Duration::from_secs(1)).await;
    let bob = Session::new(&b, true).await;
    bob.handle_signals();
    bus_b.swallow(b.id()); // the first frame B->B is lost
    let (node, local) = (b.clone(), bob.local.clone());
    let join = node.join_request(&local, id("r"), 9, Profile::default());
    let joining = tokio::spawn(async move { node.join(&local, 1, join).await });
    alice
        .told
        .until_one(
            "bob",
            |m| matches!(m, ServerMessage::MemberJoined(j) if j.member.peer == bob.peer()),
        )
        .await;
    alice.signal("r", Some(bob.peer()));
    sleep(Duration::from_millis(20)).await;
    bus_b.mend();
    joining.await.expect("no panic").expect("bob gets in");
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(1, None)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_published_once_is_unconfirmed_not_unavailable() {
    let c = MemoryCluster::new();
    let bus = FaultyBus::new(&c);
    let (alice, bob) = duo(&bus, &c, settings()).await;
    alice.signal("r", Some(bob.peer()));
    bob.told
        .until_one("the signal", |m| matches!(m, ServerMessage::Signal(_)))
        .await;
    bob.node.written(&bob.local, &alice.peer(), 1); // bob's kernel has it; his client just is slow to say `received`
    bus.down.store(true, Ordering::Relaxed);
    bus.gap();
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(1, Some(Reason::Unconfirmed))]);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_full_delivers_all_once() {
    let c = MemoryCluster::new();
    let bus = FaultyBus::new(&c);
    let mut s = settings();
    s.in_flight.bytes = 1 << 30;
    let (alice, bob) = duo(&bus, &c, s).await;
    bus.down.store(true, Ordering::Relaxed);
    let payload = vec![b'1'; 250_000];
    for n in 1..=160 {
        signal_with(&alice, n, bob.peer(), &payload);
    } // 40 MB
    bus.down.store(false, Ordering::Relaxed);
    let all = |told: &[ServerMessage]| {
        told.iter()
            .filter(|m| matches!(m, ServerMessage::Signal(_)))
            .count()
            == 160
    };
    bob.told
        .until("every signal", |told| all(told).then_some(()))
        .await;
    sleep(Duration::from_secs(5)).await;
    let published = bus.published.load(Ordering::Relaxed);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(
        bus.published.load(Ordering::Relaxed),
        published,
        "it has come to rest"
    );
    assert_eq!(bob.told.signals().len(), 160);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_a_dead_node_keeps_nobody_from_stopping() {
    let c = MemoryCluster::new();
    let bus2 = FaultyBus::new(&c);
    let a = node_on(&c, c.backend().bus).await;
    let b = node_on(&c, bus2.clone()).await;
    let (alice, bob) = introduce(&a, &b).await;
    sleep(Duration::from_secs(1)).await;
    alice.signal("r", Some(bob.peer()));
    bob.told
        .until_one("the signal", |m| matches!(m, ServerMessage::Signal(_)))
        .await;
    a.stop(Duration::ZERO).await;
    bob.told
        .until_one("left", |m| matches!(m, ServerMessage::MemberLeft(_)))
        .await;
    sleep(Duration::from_secs(20)).await;
    bob.departs(LeaveReason::Left); // end() answers alice's signal
    sleep(Duration::from_secs(1)).await;
    let published = bus2.published.load(Ordering::Relaxed);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(
        bus2.published.load(Ordering::Relaxed),
        published,
        "nothing more for the dead"
    );
    assert!(b.stop(Duration::from_secs(30)).await);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_with_sessions_leaves_its_lease_to_the_reaper() {
    let c = MemoryCluster::new();
    let (a, b) = (
        node_on(&c, c.backend().bus).await,
        node_on(&c, c.backend().bus).await,
    );
    let (alice, bob) = introduce(&a, &b).await;
    assert!(
        !a.stop(Duration::from_secs(5)).await,
        "alice is in the directory still"
    );
    sleep(Duration::from_secs(600)).await;
    assert!(heard_left(&bob, alice.peer()));
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_gives_back_what_it_had_in_flight() {
    let c = MemoryCluster::new();
    let bus = FaultyBus::new(&c);
    let (alice, bob) = duo(&bus, &c, settings()).await;
    for n in 1..=100 {
        signal_with(&alice, n, bob.peer(), b"1");
    }
    alice.departs(LeaveReason::Left);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(alice.node.in_flight_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_slow_links_that_both_repeat_come_to_rest() {
    let c = MemoryCluster::new();
    let (ba, bb) = (FaultyBus::new(&c), FaultyBus::new(&c));
    let a = node(
        Backend {
            bus: ba.clone(),
            ..c.backend()
        },
        settings(),
    )
    .await;
    let b = node(
        Backend {
            bus: bb.clone(),
            ..c.backend()
        },
        settings(),
    )
    .await;
    let (alice, bob) = introduce(&a, &b).await;
    sleep(Duration::from_secs(1)).await;
    alice.handle_signals();
    bob.handle_signals();
    for bus in [&ba, &bb] {
        *bus.slow.lock() = Duration::from_millis(20);
    }
    ba.swallow(b.id());
    bb.swallow(a.id());
    for _ in 0..200 {
        // 4 s in which nobody hears
        alice.signal("r", Some(bob.peer()));
        bob.signal("r", Some(alice.peer()));
        sleep(Duration::from_millis(20)).await;
    }
    ba.mend();
    bb.mend();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(alice.told.answers().len(), 200);
}

#[tokio::test(start_paused = true)]
async fn whoever_left_and_came_again_unseen_is_told_as_such() {
    let c = MemoryCluster::new();
    let bus_b = FaultyBus::new(&c);
    let a = node_on(&c, c.backend().bus).await;
    let b = node_on(&c, bus_b.clone()).await;
    let cc = node_on(&c, c.backend().bus).await;
    let (bob, alice) = (Session::new(&b, true).await, Session::new(&a, true).await);
    bob.join("r").await.expect("it works");
    alice.join("r").await.expect("it works");
    sleep(Duration::from_secs(1)).await;
    bus_b.swallow(a.id());
    b.leave(&bob.local, &id("r")).await.expect("it works");
    bob.join("r").await.expect("it works");
    let dave = Session::new(&cc, true).await;
    dave.join("r").await.expect("it works");
    sleep(Duration::from_secs(1)).await;
    bus_b.mend();
    sleep(Duration::from_secs(10)).await;
    assert!(
        heard_left(&alice, bob.peer()),
        "alice keeps bob's old order"
    );
}
