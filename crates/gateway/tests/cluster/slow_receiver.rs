//! A receiver that does not read.

use std::collections::{HashMap, HashSet};

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, Raw, SHORT_WINDOW, hear, still_well};

const ROOM: &str = "study-1";
const SETTINGS: [&str; 6] = [
    "limits.max_message_bytes=65536",
    "limits.outbox_bytes=262144",
    "limits.in_flight_bytes=67108864",
    "limits.signals_per_second=100000",
    "limits.burst=100000",
    "limits.bytes_per_second=67108864",
];
const PAYLOAD_BYTES: usize = 20_000;
/// More than any kernel takes for a connection, the outbox besides.
const SIGNALS: usize = 500;

/// Joins the room and reads no further than that. Without `receipts`, what the kernel has counts as delivered.
async fn join_and_stop_reading(gateway: &GatewayProcess, receipts: bool) -> (Raw, PeerId) {
    let mut raw = Raw::narrow(gateway).await;
    raw.text(&format!(r#"{{"type":"hello","receipts":{receipts}}}"#));
    let welcome: serde_json::Value = serde_json::from_str(&raw.read_text()).expect("JSON");
    raw.text(&format!(r#"{{"type":"join","id":1,"room":"{ROOM}"}}"#));
    while !raw.read_text().contains("\"joined\"") {}
    let peer = welcome["peer"].as_str().and_then(|peer| peer.parse().ok());
    (raw, peer.expect("welcome names the peer"))
}

/// Sends to a receiver that does not read until the kernel takes no more and the outbox holds a good part.
async fn fill(gateway: &GatewayProcess, sender: &mut Peer, slow: PeerId) {
    let payload = format!("\"{}\"", "x".repeat(PAYLOAD_BYTES));
    let mut sent = 0;
    while !is_stuck(gateway) {
        assert!(sent < SIGNALS, "the kernel takes everything");
        sender.signal(ROOM, Some(slow), "data", &payload);
        sender.ping().await;
        sent += 1;
    }
}

/// A good part waits in outboxes, and goes on waiting: a busy gateway has such a moment too, but not for so long.
fn is_stuck(gateway: &GatewayProcess) -> bool {
    const LOOKS: usize = 50;
    let bytes = || gateway.metric("switchboard_outbox_bytes");
    let waiting = bytes();
    waiting > 100_000.0 && (0..LOOKS).all(|_| bytes() == waiting)
}

/// Numbers of the signals that are in the receiver's part of the connection, to its end.
fn read_to_the_end(mut raw: Raw) -> HashSet<u64> {
    let mut ids = HashSet::new();
    while let Some((_, body)) = raw.read() {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(&body) else {
            continue;
        };
        if message["type"] == "signal" {
            ids.insert(message["id"].as_u64().expect("a signal has an id"));
        }
    }
    ids
}

#[tokio::test]
async fn whoever_does_not_read_is_closed_and_no_answer_about_it_is_untrue() {
    let cluster = Cluster::start(2, &[&SETTINGS[..], &SHORT_WINDOW].concat());
    let [near, far] = &cluster.nodes[..] else {
        panic!("two nodes were started")
    };
    let mut sender = Peer::in_room(near, ROOM).await;
    let mut bystander = Peer::in_room(far, ROOM).await;
    let (slow, slow_id) = join_and_stop_reading(far, false).await;
    hear!(sender, MemberJoined, |joined| joined.member.peer == slow_id);

    let payload = format!("\"{}\"", "x".repeat(PAYLOAD_BYTES));
    for _ in 0..SIGNALS {
        sender.signal(ROOM, Some(slow_id), "data", &payload);
        // One after another, so that the kernel takes what it can before the outbox overflows.
        sender.ping().await;
    }
    let answers = sender.answers(SIGNALS).await;
    let left = hear!(sender, MemberLeft);
    assert_eq!((left.peer, left.reason), (slow_id, LeaveReason::Expired));
    assert!((far.metric("switchboard_closes_total{code=\"4413\"}") - 1.0).abs() < f64::EPSILON);

    let told: HashMap<_, _> = answers
        .iter()
        .map(|(id, _, outcome)| (*id, *outcome))
        .collect();
    assert_eq!(told.len(), SIGNALS, "one answer for each");
    for outcome in [Ok(()), Err(Reason::Expired)] {
        assert!(
            told.values().any(|told| *told == outcome),
            "{outcome:?} in {told:?}"
        );
    }
    let read = read_to_the_end(slow);
    for (id, outcome) in told {
        match outcome {
            Ok(()) => assert!(read.contains(&id), "{id} was delivered and is not there"),
            Err(Reason::Unconfirmed) => {}
            Err(reason) => assert!(
                !read.contains(&id),
                "{id} was undelivered ({reason:?}) and is there"
            ),
        }
    }
    sender.exchange(&mut bystander, ROOM).await;
    still_well(far).await;
}

#[tokio::test]
async fn nothing_is_delivered_while_it_waits_in_the_outbox() {
    let outbox = ["limits.outbox_bytes=1048576"];
    let cluster = Cluster::start(1, &[&SETTINGS[..], &outbox, &SHORT_WINDOW].concat());
    let gateway = &cluster.nodes[0];
    let mut sender = Peer::in_room(gateway, ROOM).await;
    let (mut slow, slow_id) = join_and_stop_reading(gateway, false).await;
    fill(gateway, &mut sender, slow_id).await;
    // Nobody knows whether what waits there will arrive, so it is answered at the deadline and not before.
    let last = sender.signal(ROOM, Some(slow_id), "data", "\"last\"");
    let answer = loop {
        let answer = sender.answers(1).await.remove(0);
        if answer.0 == last {
            break answer;
        }
    };
    assert_eq!(answer.2, Err(Reason::Unconfirmed));
    // The kernel may have taken some of the others meanwhile.
    assert!(
        gateway.metric("switchboard_outbox_bytes") > 0.0,
        "it waits on"
    );
    while !slow.read_text().contains("\"last\"") {}
    gateway.wait_until("rid of what waited", |gateway| {
        gateway.metric("switchboard_outbox_bytes") == 0.0
    });
    still_well(gateway).await;
}

#[tokio::test]
async fn a_receipt_counts_while_later_signals_still_wait_to_be_written() {
    let mut settings = SETTINGS.to_vec();
    settings.push("limits.outbox_bytes=8388608");
    let cluster = Cluster::start(1, &settings);
    let gateway = &cluster.nodes[0];
    let mut loud = Peer::in_room(gateway, ROOM).await;
    let mut quiet = Peer::in_room(gateway, ROOM).await;
    let (mut slow, slow_id) = join_and_stop_reading(gateway, true).await;
    hear!(loud, MemberJoined, |joined| joined.member.peer == slow_id);
    fill(gateway, &mut loud, slow_id).await;
    let id = quiet.signal(ROOM, Some(slow_id), "data", "\"small\"");
    quiet.ping().await;
    for _ in 0..150 {
        loud.signal(
            ROOM,
            Some(slow_id),
            "data",
            format!("\"{}\"", "x".repeat(PAYLOAD_BYTES)),
        );
        loud.ping().await;
    }

    while !slow.read_text().contains("\"small\"") {}
    slow.text(&format!(
        r#"{{"type":"received","from":"{}","id":{id}}}"#,
        quiet.id
    ));
    assert_eq!(quiet.answers(1).await, [(id, slow_id.to_string(), Ok(()))]);
    still_well(gateway).await;
}
