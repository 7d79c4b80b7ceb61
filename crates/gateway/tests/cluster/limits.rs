//! More than is allowed.

use std::time::Duration;

use switchboard_client::{ConnectError, Options};
use switchboard_protocol::client_message::Ping;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{ClientMessage, ErrorCode, ServerMessage};

use crate::support::{Peer, SHORT_WINDOW, embedded, hear, options, still_well};

const ROOM: &str = "study-1";

#[tokio::test]
async fn whoever_signals_too_fast_is_told_when_to_go_on() {
    let gateway = embedded(&["limits.signals_per_second=5", "limits.burst=10"]);
    let mut alice = Peer::in_room(&gateway, ROOM).await;
    let mut bob = Peer::in_room(&gateway, ROOM).await;
    let ids: Vec<_> = (0..11)
        .map(|_| alice.signal(ROOM, Some(bob.id), "candidate", "1"))
        .collect();
    let error = hear!(alice, Error);
    assert_eq!(
        (error.code, error.re),
        (ErrorCode::RateLimited, Some(ids[10])),
        "{error:?}"
    );
    let pause = error.retry_after_ms.expect("when to go on");
    assert!((1..=200).contains(&pause), "{pause}");
    tokio::time::sleep(Duration::from_millis(pause)).await;
    let late = alice.signal(ROOM, Some(bob.id), "candidate", "2");
    for _ in 0..11 {
        hear!(bob, Signal);
    }
    bob.connection.flush().await.expect("a receipt is written");
    let answers = alice.answers(11).await;
    assert_eq!(
        answers.last().map(|(id, _, outcome)| (*id, *outcome)),
        Some((late, Ok(())))
    );

    let mut pinger = Peer::to(&gateway).await;
    for _ in 0..11 {
        pinger.ask(|id| ClientMessage::Ping(Ping { id: Some(id) }));
    }
    let error = hear!(pinger, Error);
    assert_eq!(
        (error.code, error.retry_after_ms.is_some()),
        (ErrorCode::RateLimited, true),
        "{error:?}"
    );
    still_well(&gateway).await;
}

#[tokio::test]
async fn past_the_bound_on_unanswered_signals_each_further_one_is_overloaded_at_once() {
    // One receiver may take a quarter.
    let gateway = embedded(&["limits.in_flight=40"]);
    let mut alice = Peer::in_room(&gateway, ROOM).await;
    // Nobody drives this connection, so it says `received` for nothing.
    let mut bob = Peer::in_room(&gateway, ROOM).await;
    let ids: Vec<_> = (0..15)
        .map(|_| alice.signal(ROOM, Some(bob.id), "candidate", "1"))
        .collect();
    let refused = alice.answers(5).await;
    let expected: Vec<_> = ids[10..]
        .iter()
        .map(|id| (*id, bob.id.to_string(), Err(Reason::Overloaded)))
        .collect();
    assert_eq!(refused, expected);
    for id in &ids[..10] {
        assert_eq!(hear!(bob, Signal).id, *id);
    }
    bob.connection.flush().await.expect("a receipt is written");
    let answered: Vec<_> = ids[..10]
        .iter()
        .map(|id| (*id, bob.id.to_string(), Ok(())))
        .collect();
    assert_eq!(alice.answers(10).await, answered);
    alice.exchange(&mut bob, ROOM).await;
    still_well(&gateway).await;
}

#[tokio::test]
async fn the_bytes_of_unanswered_signals_are_bounded_too() {
    let bounds = [
        "limits.max_message_bytes=4096",
        "limits.in_flight_bytes=4096",
    ];
    let gateway = embedded(&[&bounds[..], &SHORT_WINDOW].concat());
    let mut alice = Peer::in_room(&gateway, ROOM).await;
    let mut bob = Peer::in_room(&gateway, ROOM).await;
    let payload = format!("\"{}\"", "x".repeat(2500));
    alice.signal(ROOM, Some(bob.id), "data", &payload);
    let second = alice.signal(ROOM, Some(bob.id), "data", &payload);
    assert_eq!(
        alice.answers(1).await,
        [(second, bob.id.to_string(), Err(Reason::Overloaded))]
    );
    // Read, but not by the one who would say `received`.
    while !matches!(bob.connection.next().await, Ok(ServerMessage::Signal(_))) {}
    drop(bob);
    assert_eq!(hear!(alice, MemberLeft).reason, LeaveReason::Expired);
    let told = alice.answers(1).await.remove(0);
    assert_eq!(
        told.2,
        Err(Reason::Unconfirmed),
        "it was written to a client that said nothing, and that never came back"
    );
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_node_with_as_many_connections_as_it_may_have_says_so() {
    let gateway = embedded(&["limits.sessions=2"]);
    let first = Peer::to(&gateway).await;
    let second = Peer::to(&gateway).await;
    match Peer::open(&options(&gateway)).await {
        Err(ConnectError::Closed(closed)) => {
            assert!(
                closed.code == 4503 && closed.retry_after_ms.is_some(),
                "{closed}"
            );
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was let in"),
    }
    first.bye().await;
    second.bye().await;
    gateway.wait_until("empty", |gateway| {
        gateway.metric("switchboard_connections") == 0.0
    });
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_name_over_its_bound_is_refused() {
    let gateway = embedded(&["session.hello_timeout_ms=500"]);
    let options = Options {
        name: Some("x".repeat(300)),
        ..options(&gateway)
    };
    match Peer::open(&options).await {
        Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, 4408, "{closed}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was let in"),
    }
    assert!(gateway.metric("switchboard_errors_total{code=\"too-large\"}") >= 1.0);
    still_well(&gateway).await;
}

#[tokio::test]
async fn no_event_is_lost_in_a_room_with_many() {
    const PEERS: usize = 60;
    let gateway = embedded(&["limits.burst=10000"]);
    let mut first = Peer::in_room(&gateway, ROOM).await;
    let mut others = Vec::new();
    for _ in 1..PEERS {
        others.push(Peer::in_room(&gateway, ROOM).await);
    }
    first.signal(ROOM, None, "chat", "1");
    assert_eq!(hear!(first, Done).to.map(|to| to.len()), Some(PEERS - 1));
    for other in &mut others {
        hear!(other, Signal);
        other
            .connection
            .flush()
            .await
            .expect("a receipt is written");
    }
    assert!(
        first
            .answers(PEERS - 1)
            .await
            .iter()
            .all(|(_, _, outcome)| outcome.is_ok())
    );
    let joined = first
        .unasked()
        .await
        .into_iter()
        .filter(|message| matches!(message, ServerMessage::MemberJoined(_)));
    assert_eq!(joined.count(), PEERS - 1);
}
