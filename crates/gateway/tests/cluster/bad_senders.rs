//! Clients that keep no rule of delivery.

use switchboard_protocol::client_message::Received;
use switchboard_protocol::{ClientMessage, ErrorCode, PeerId, ServerMessage};

use crate::support::{Cluster, Peer, hear, still_well};

const ROOM: &str = "study-1";

async fn pair(cluster: &Cluster) -> (Peer, Peer) {
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    hear!(bob, Ready);
    (alice, bob)
}

#[tokio::test]
async fn a_receipt_for_what_never_came_is_ignored() {
    let cluster = Cluster::start(2, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    for (from, id) in [
        (alice.id, (1 << 53) - 1),
        (bob.id, 7),
        (PeerId::random(), 1),
        (alice.id, 0),
    ] {
        bob.say(&ClientMessage::Received(Received { from, id }));
    }
    bob.ping().await;
    // Read, and not yet acknowledged: the receipt from before does not count for it.
    let early = alice.signal(ROOM, Some(bob.id), "offer", "1");
    while !matches!(bob.connection.next().await, Ok(ServerMessage::Signal(_))) {}
    alice.ping().await;
    assert!(!alice.heard().iter().any(is_answer));
    let from = alice.id;
    bob.say(&ClientMessage::Received(Received { from, id: early }));
    let answers = bob.listening(alice.answers(1)).await;
    assert_eq!(answers, [(early, bob.id.to_string(), Ok(()))]);
    alice.exchange(&mut bob, ROOM).await;
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

fn is_answer(message: &ServerMessage) -> bool {
    matches!(
        message,
        ServerMessage::Delivered(_) | ServerMessage::Undelivered(_)
    )
}

#[tokio::test]
async fn something_new_under_an_old_id_is_refused_and_after_a_resume_passes_for_a_repeat() {
    let cluster = Cluster::start(2, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    let id = alice.signal(ROOM, Some(bob.id), "offer", "\"first\"");
    hear!(bob, Signal);
    bob.listening(alice.answers(1)).await;
    alice.signal_as(id, ROOM, Some(bob.id), "offer", "\"second\"");
    let error = hear!(alice, Error);
    assert_eq!((error.re, error.code), (Some(id), ErrorCode::BadMessage));

    let mut alice = alice.lose().resume(&cluster.nodes[1]).await;
    alice.signal_as(id, ROOM, Some(bob.id), "offer", "\"third\"");
    let answers = bob.listening(alice.answers(1)).await;
    assert_eq!(
        answers,
        [(id, bob.id.to_string(), Ok(()))],
        "the answer of the first one"
    );
    alice.exchange(&mut bob, ROOM).await;
    let told = bob.unasked().await;
    let again = told
        .iter()
        .any(|message| matches!(message, ServerMessage::Signal(_)));
    assert!(!again, "{told:?}");
}

#[tokio::test]
async fn whoever_sends_everything_again_for_ever_is_heard_once_and_costs_no_memory() {
    const SIGNALS: u64 = 200;
    const ROUNDS: usize = 30;
    // All of them are less than one receiver may take of `in_flight_bytes`.
    const PAYLOAD_BYTES: usize = 1000;
    let cluster = Cluster::start(2, &["limits.burst=300"]);
    let (mut alice, mut bob) = pair(&cluster).await;
    let mut carol = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let payload = format!("\"{}\"", "x".repeat(PAYLOAD_BYTES));
    let memory = || {
        let bytes = cluster.nodes.iter();
        let bytes = bytes.map(|node| node.metric("process_resident_memory_bytes"));
        bytes.sum::<f64>()
    };
    let mut before = 0.0;
    let mut heard = 0;
    for round in 0..ROUNDS {
        for id in 1..=SIGNALS {
            alice.signal_as(id + 1000, ROOM, Some(bob.id), "candidate", &payload);
        }
        // Some answers are heard, some are not.
        let answered = alice.listening(bob.ping());
        answered.await;
        heard += bob
            .heard()
            .iter()
            .filter(|message| matches!(message, ServerMessage::Signal(_)))
            .count();
        alice = alice.lose().resume(&cluster.nodes[round % 2]).await;
        if round == 4 {
            before = memory();
        }
    }
    for id in 1..=SIGNALS {
        alice.signal_as(id + 1000, ROOM, Some(bob.id), "candidate", &payload);
    }
    let count = usize::try_from(SIGNALS).expect("it is small");
    let answers = bob.listening(alice.answers(count)).await;
    let ids: Vec<_> = answers.iter().map(|(id, ..)| id - 1000).collect();
    assert_eq!(ids, (1..=SIGNALS).collect::<Vec<_>>());
    assert!(
        answers.iter().all(|(_, _, outcome)| outcome.is_ok()),
        "{answers:?}"
    );
    heard += bob
        .heard()
        .iter()
        .filter(|message| matches!(message, ServerMessage::Signal(_)))
        .count();
    assert_eq!(heard, count, "each once");

    // On a live connection even that is refused.
    alice.signal_as(1001, ROOM, Some(bob.id), "candidate", &payload);
    assert_eq!(hear!(alice, Error).code, ErrorCode::BadMessage);
    let grown = memory() - before;
    println!("{ROUNDS} rounds of {SIGNALS} repeats: memory of both nodes grew by {grown} bytes");
    let all_of_it = (ROUNDS - 5) as f64 * SIGNALS as f64 * PAYLOAD_BYTES as f64;
    assert!(
        grown < all_of_it / 2.0,
        "{grown} of {all_of_it} bytes were kept"
    );
    carol.exchange(&mut bob, ROOM).await;
    for node in &cluster.nodes {
        still_well(node).await;
    }
}
