//! Before somebody is said not to be there, the directory is asked.

use switchboard_cluster::Claim;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use tokio::time::{Duration, sleep};

use crate::bad_bus::{BadBus, Badness};
use crate::rig::{Kind, Session, faulty_node, node_on, plain_nodes};

#[tokio::test(start_paused = true)]
async fn whoever_was_let_in_on_another_node_is_reached_at_once() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let alice = Session::new(&one, true).await;
    alice.join_with("r", 1000).await.expect("alice gets in");
    for round in 1..=200 {
        let bob = Session::new(&other, true).await;
        bob.handle_signals();
        let name = format!("bob {round}");
        bob.join_as("r", &name, Claim::IfFree)
            .await
            .expect("bob gets in");
        // Nobody on the first node has been told of him yet.
        match round % 2 {
            0 => alice.signal("r", Some(bob.peer())),
            _ => alice.signal_to_name("r", &name),
        };
        alice.until_answered(round).await;
        bob.departs(LeaveReason::Left);
    }
    let answers = alice.told.answers();
    assert!(answers.iter().all(|(_, why)| why.is_none()), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn what_follows_waits_behind_one_look_up_and_comes_in_its_order() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let bus = BadBus::new(cluster.backend().bus, Badness::default(), 1);
    let other = node_on(&cluster, bus.clone()).await;
    let [alice, carol] = [
        Session::new(&one, true).await,
        Session::new(&one, true).await,
    ];
    let bob = Session::new(&other, true).await;
    for session in [&alice, &carol, &bob] {
        session.join("s").await.expect("there is room");
    }
    alice.told.until_joined(&bob.peer()).await;
    alice.join("r").await.expect("there is room");
    carol.join("r").await.expect("there is room");
    // From now on, the first node hears nothing of the other.
    bus.cut(true);
    bob.join("r").await.expect("there is room");
    let mut look_up = directory.hold("look_up");
    let mut signals: Vec<_> = (0..3)
        .map(|_| alice.signal("r", Some(bob.peer())))
        .collect();
    // Known there; it must not overtake those of the other room.
    signals.push(alice.signal("s", Some(bob.peer())));
    signals.push(alice.signal("r", Some(bob.peer())));
    carol.signal("r", Some(bob.peer()));
    look_up.begun().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(bob.told.signals(), [0; 0]);
    look_up.go_on();
    bob.until_signals(6).await;
    assert_eq!(directory.calls("look_up"), 1);
    let of_alice = bob.told.signals_of(&alice.peer());
    assert_eq!(of_alice, signals);
    bus.cut(false);
    bob.handle_signals();
    alice.until_answered(5).await;
    carol.until_answered(1).await;
    let answers = [alice.told.answers(), carol.told.answers()].concat();
    assert!(answers.iter().all(|(_, why)| why.is_none()), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_there_is_looked_up_once_for_all_who_ask_before_that() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&one, true).await;
    alice.join("r").await.expect("alice gets in");
    let nobody = PeerId::random();
    let mut look_up = directory.hold("look_up");
    let mut expected = vec![(alice.signal("r", Some(nobody)), Some(Reason::NoSuchPeer))];
    look_up.begun().await;
    // It may have come since that look-up began: there is another one, for all of these.
    for _ in 0..20 {
        let id = alice.signal("r", Some(nobody));
        expected.push((id, Some(Reason::NoSuchPeer)));
    }
    look_up.go_on();
    alice.until_answered(21).await;
    assert_eq!(alice.told.answers(), expected);
    assert_eq!(directory.calls("look_up"), 2);
    // One's own id needs none.
    alice.signal("r", Some(alice.peer()));
    alice.until_answered(22).await;
    assert_eq!(directory.calls("look_up"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hidden_member_is_not_there() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let alice = Session::new(&one, true).await;
    alice.join("r").await.expect("alice gets in");
    let kind = Kind {
        hidden: true,
        ..Kind::default()
    };
    let observer = Session::of(&other, kind).await;
    observer.join("r").await.expect("it is let in");
    for told_of_it in [false, true] {
        if told_of_it {
            sleep(Duration::from_secs(1)).await;
        }
        alice.signal("r", Some(observer.peer()));
    }
    alice.until_answered(2).await;
    let why = alice.told.answers().into_iter().map(|(_, why)| why);
    assert_eq!(
        why.collect::<Vec<_>>(),
        [Some(Reason::NoSuchPeer); 2],
        "nobody can signal to an observer"
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_directory_is_away_nobody_is_said_not_to_be_there() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let [other] = plain_nodes(&cluster).await;
    let [alice, carol] = [
        Session::new(&one, true).await,
        Session::new(&other, true).await,
    ];
    carol.handle_signals();
    for session in [&alice, &carol] {
        session.join("r").await.expect("there is room");
    }
    alice.told.until_joined(&carol.peer()).await;
    directory.cut(true);
    let nobody = PeerId::random();
    let waits = [
        alice.signal("r", Some(nobody)),
        alice.signal_to_name("r", "nobody"),
    ];
    let goes_on = alice.signal("r", Some(carol.peer()));
    alice.until_answered(3).await;
    let mut expected = vec![(goes_on, None)];
    expected.extend(waits.map(|id| (id, Some(Reason::Unavailable))));
    assert_eq!(alice.told.answers(), expected);
    // It is looked up again, once there is somebody who answers.
    let id = alice.signal("r", Some(nobody));
    sleep(Duration::from_secs(10)).await;
    directory.cut(false);
    alice.until_answered(4).await;
    let last = alice.told.answers().pop();
    assert_eq!(last, Some((id, Some(Reason::NoSuchPeer))));
}

#[tokio::test(start_paused = true)]
async fn a_node_does_not_refuse_for_one_who_is_let_in_just_now() {
    let cluster = MemoryCluster::new();
    let [one] = plain_nodes(&cluster).await;
    let (other, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&one, true).await;
    let [bob, carol] = [
        Session::new(&other, true).await,
        Session::new(&other, true).await,
    ];
    for session in [&alice, &carol] {
        session.join("r").await.expect("there is room");
    }
    let mut join = directory.hold_answer_of("join");
    let joining = {
        let bob = bob.clone();
        tokio::spawn(async move { bob.join("r").await })
    };
    join.begun().await;
    // The directory has him in; his own node has yet to hear so.
    let id = alice.signal("r", Some(bob.peer()));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(alice.told.answers(), []);
    bob.handle_signals();
    join.go_on();
    joining.await.expect("it ends").expect("bob gets in");
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(id, None)]);
}
