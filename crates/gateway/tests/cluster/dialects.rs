//! Clients of every dialect in one room, as bytes.

use switchboard_client::Options;
use switchboard_protocol::Codec;
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, Raw, hear, options, still_well};

/// Somebody with STOMP, in `room` as it is written in destinations, subscribed to its signals.
fn stomp_in(gateway: &GatewayProcess, room: &str) -> Raw {
    let mut stomp = Raw::open(gateway, "/ws", &["Sec-WebSocket-Protocol: v12.stomp"]);
    stomp.text("CONNECT\naccept-version:1.2\nhost:x\n\n\0");
    stomp.until("CONNECTED");
    stomp.text(&format!(
        "SUBSCRIBE\nid:0\ndestination:/topic/rooms/{room}/signal\n\n\0"
    ));
    stomp.text(&format!(
        "SEND\nreceipt:in\ndestination:/app/rooms/{room}/join\n\n\0"
    ));
    stomp.until("RECEIPT");
    stomp
}

/// Somebody with Socket.IO, after the acknowledgement of this event.
fn socket_io(gateway: &GatewayProcess, event: &str) -> Raw {
    let mut io = Raw::open(gateway, "/socket.io/?EIO=4&transport=websocket", &[]);
    io.text("40");
    io.until("40{");
    io.text(&format!("420{event}"));
    let done = io.until("430");
    assert!(
        done.contains("\"success\":true") || done == "430[null]",
        "{done}"
    );
    io
}

#[tokio::test]
async fn a_room_is_called_as_people_call_it_on_every_node_and_in_every_dialect() {
    let cluster = Cluster::start(2, &[]);
    let [first, second] = [&cluster.nodes[0], &cluster.nodes[1]];
    for (room, written) in [
        ("회의실", "%ED%9A%8C%EC%9D%98%EC%8B%A4"),
        ("my room", "my%20room"),
        ("a/b", "a%2Fb"),
        ("x{b}y", "x%7Bb%7Dy"),
    ] {
        let mut ada = Peer::to(first).await;
        ada.join(room).await;
        let packed = Options {
            codec: Codec::MessagePack,
            ..options(second)
        };
        let mut ben = Peer::open(&packed).await.expect("welcome");
        assert_eq!(ben.join(room).await.members.len(), 2, "{room}");
        let mut stomp = stomp_in(second, written);
        let mut io = socket_io(second, &format!("[\"join-room\",\"{room}\"]"));
        // Her record names the room; the other node reads it.
        let mut ada = ada.lose().resume(second).await;
        assert_eq!(
            ada.welcome
                .rooms
                .as_ref()
                .map(|rooms| rooms[0].room.to_string()),
            Some(room.to_owned())
        );
        ada.signal(room, None, "offer", br#"{"type":"offer","sdp":"v=0"}"#);
        assert_eq!(hear!(ben, Signal).room.as_str(), room);
        let told = stomp.until("MESSAGE");
        let destination = format!("\ndestination:/topic/rooms/{written}/signal\n");
        let told = if told.contains("OFFER") {
            told
        } else {
            stomp.until("MESSAGE")
        };
        assert!(told.contains(&destination), "{told}");
        assert!(io.until("42[\"offer\"").contains("v=0"));
    }
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

#[tokio::test]
async fn what_is_as_deep_as_may_be_reaches_clients_of_every_dialect_and_ends_nobody() {
    let cluster = Cluster::start(2, &[]);
    let [first, second] = [&cluster.nodes[0], &cluster.nodes[1]];
    let mut mdn = Raw::open(second, "/", &["Sec-WebSocket-Protocol: json"]);
    mdn.text(r#"{"type":"username","name":"Mia"}"#);
    mdn.until(r#"{"type":"userlist""#);
    let mut io = socket_io(second, r#"["init","Ida"]"#);
    let mut stomp = stomp_in(second, "lobby");
    let mut native = Peer::in_room(first, "lobby").await;
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    for (kind, payload) in [
        ("wave", &*deep),
        ("message", &deep),
        ("offer", &deep),
        ("candidate", &deep),
    ] {
        let id = native.signal("lobby", None, kind, payload.as_bytes());
        assert_eq!(
            hear!(native, Done, |done| done.re == id)
                .to
                .map(|to| to.len()),
            Some(3)
        );
        for (raw, begins) in [
            (&mut mdn, "{\"type\":"),
            (&mut io, "42["),
            (&mut stomp, "MESSAGE"),
        ] {
            while !raw.until(begins).contains(&deep) {}
        }
        for _ in 0..3 {
            let (told, _, outcome) = native.answers(1).await.remove(0);
            assert_eq!((told, outcome), (id, Ok(())));
        }
    }
    // And what a chat client writes that nobody can read.
    for date in ["1e999", r#""\ud83d""#, &deep] {
        mdn.text(&format!(
            r#"{{"type":"message","text":"hi","date":{date}}}"#
        ));
        mdn.until(r#"{"type":"message","name":"Mia","text":"hi","#);
        assert_eq!(&*hear!(native, Signal).kind, "message");
    }
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

#[tokio::test]
async fn a_whole_number_may_be_written_as_a_float() {
    let cluster = Cluster::start(1, &[]);
    let mut raw = Raw::open(&cluster.nodes[0], "/v1/connect", &[]);
    raw.text(r#"{"type":"hello"}"#);
    raw.until(r#"{"type":"welcome""#);
    raw.text(r#"{"type":"join","id":1.0,"room":"r","capacity":2.0}"#);
    let joined = raw.until(r#"{"type":"joined""#);
    assert!(
        joined.contains(r#""re":1,"#) && joined.contains(r#""capacity":2,"#),
        "{joined}"
    );
    raw.text(r#"{"type":"signal","id":2.0,"room":"r","kind":"x","payload":2.0}"#);
    assert_eq!(
        raw.until(r#"{"type":"done""#),
        r#"{"type":"done","re":2,"to":[]}"#
    );
    raw.text(r#"{"type":"signal","id":2,"room":"r","kind":"x","payload":1}"#);
    let refused = raw.until(r#"{"type":"error""#);
    assert!(
        refused.contains(r#""re":2,"#),
        "it is the same id: {refused}"
    );
    raw.text(r#"{"type":"leave","id":2.5,"room":"r"}"#);
    let refused = raw.until(r#"{"type":"error""#);
    assert!(refused.contains("a whole number below 2^53"), "{refused}");
}
