//! Engine.IO below Socket.IO, request by request and frame by frame.

use std::thread;

use switchboard_protocol::{PeerId, ServerMessage};
use switchboard_testkit::GatewayProcess;

use crate::support::{Http, Peer, Raw, embedded, hear, opening, still_well};

const ROOM: &str = "study";

/// A client of Socket.IO that polls.
struct Poller<'a> {
    gateway: &'a GatewayProcess,
    sid: String,
}

impl<'a> Poller<'a> {
    /// One that has been let in, and its peer id.
    fn enter(gateway: &'a GatewayProcess) -> (Self, PeerId) {
        let (status, body) = Http::get(gateway, "/socket.io/?EIO=4&transport=polling");
        assert_eq!(status, 200, "{body}");
        let open: serde_json::Value = serde_json::from_str(&body[1..]).expect("an open packet");
        assert_eq!(open["upgrades"], serde_json::json!(["websocket"]));
        assert_eq!(
            [
                &open["pingInterval"],
                &open["pingTimeout"],
                &open["maxPayload"]
            ],
            [25_000, 60_000, 1_000_000]
        );
        let sid = open["sid"].as_str().expect("an id").to_owned();
        let poller = Self { gateway, sid };
        poller.say("40");
        let connected = poller.hear("40");
        let connected: serde_json::Value = serde_json::from_str(&connected[2..]).expect("JSON");
        let peer = connected["sid"].as_str().and_then(|id| id.parse().ok());
        (poller, peer.expect("a peer id"))
    }

    fn path(&self, transport: &str) -> String {
        format!("/socket.io/?EIO=4&transport={transport}&sid={}", self.sid)
    }

    fn poll(&self) -> (u16, String) {
        Http::get(self.gateway, &self.path("polling"))
    }

    fn post(&self, body: &str) -> (u16, String) {
        Http::post(self.gateway, &self.path("polling"), body)
    }

    fn say(&self, packet: &str) {
        assert_eq!(self.post(packet), (200, "ok".into()));
    }

    /// Polls until a packet with this beginning comes.
    fn hear(&self, beginning: &str) -> String {
        loop {
            let (status, body) = self.poll();
            assert_eq!(status, 200, "{body}");
            let mut packets = body.split('\u{1e}');
            if let Some(packet) = packets.find(|packet| packet.starts_with(beginning)) {
                return packet.to_owned();
            }
        }
    }

    /// Asks something and hears the answer.
    fn asks_and_hears(&self) {
        self.say(r#"420["create-room","somewhere"]"#);
        assert!(self.hear("430").contains("success"));
    }

    fn web_socket(&self) -> Raw {
        Raw::open(self.gateway, &self.path("websocket"), &[])
    }
}

#[tokio::test]
async fn a_web_socket_that_fails_to_take_over_leaves_polling_alone_and_another_one_can() {
    let gateway = embedded(&[]);
    let fail: [fn(&mut Raw); 5] = [
        |_| {},
        |raw| {
            raw.text("2probe");
            assert_eq!(raw.read_text(), "3probe");
        },
        |raw| raw.text("5"),
        |raw| {
            raw.text("2probe");
            raw.text(r#"42["leave-room"]"#);
        },
        |raw| raw.send(2, b"\x01\x02"),
    ];
    for fail in fail {
        for is_dropped in [true, false] {
            let (poller, _) = Poller::enter(&gateway);
            let mut silent = poller.web_socket();
            fail(&mut silent);
            if is_dropped {
                drop(silent);
            }
            poller.asks_and_hears();
            let mut raw = poller.web_socket();
            raw.text("2probe");
            assert_eq!(raw.read_text(), "3probe");
            poller.asks_and_hears();
            raw.text("5");
            raw.text(r#"421["leave-room"]"#);
            while !raw.read_text().starts_with("431") {}
            let refused = r#"{"code":3,"message":"Bad request"}"#;
            assert_eq!(poller.poll(), (400, refused.into()));
            assert_eq!(poller.post("4"), (400, refused.into()));
            // One more WebSocket is closed, and takes nothing with it.
            assert!(poller.web_socket().read().is_none());
            raw.text(r#"422["leave-room"]"#);
            while !raw.read_text().starts_with("432") {}
        }
    }
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_probe_lets_the_waiting_poll_go_and_the_next_one_waits() {
    let gateway = embedded(&[]);
    let (poller, _) = Poller::enter(&gateway);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| poller.poll());
        let mut raw = poller.web_socket();
        raw.text("2probe");
        assert_eq!(waiting.join().expect("a poll"), (200, "6".into()));
        drop(raw);
    });
    // What comes next is what somebody says: neither a ping nor another noop.
    poller.say(r#"420["create-room","somewhere"]"#);
    let (_, body) = poller.poll();
    assert!(body.starts_with("42[") || body.starts_with("430"), "{body}");
}

#[tokio::test]
async fn errors_are_those_of_the_protocol() {
    let gateway = embedded(&[]);
    let unknown = "AAAAAAAAAAAAAAAAAAAA";
    for (method, query, code) in [
        ("GET", "EIO=4", 0),
        ("GET", "EIO=4&transport=flashsocket", 0),
        ("GET", "EIO=4&transport=polling&sid=SID", 1),
        ("POST", "EIO=4&transport=polling&sid=SID", 1),
        ("GET", "EIO=4&transport=websocket&sid=SID", 1),
        ("POST", "EIO=4&transport=polling", 2),
        ("PUT", "EIO=4&transport=polling", 2),
        ("GET", "EIO=4&transport=websocket", 3),
        ("GET", "EIO=3&transport=polling", 5),
        ("GET", "transport=polling", 5),
    ] {
        let path = format!("/socket.io/?{}", query.replace("SID", unknown));
        let (status, body) = Http::request(&gateway, method, &path, "");
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            (status, &body["code"]),
            (400, &code.into()),
            "{method} {path}: {body}"
        );
        assert!(body["message"].is_string());
    }
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let path = format!("GET /socket.io/?EIO=4&transport=websocket&sid={unknown}");
    assert!(opening(&gateway, &path, &upgrade).starts_with("HTTP/1.1 400"));
    still_well(&gateway).await;
}

#[tokio::test]
async fn two_polls_at_a_time_end_the_session() {
    let gateway = embedded(&[]);
    let (poller, _) = Poller::enter(&gateway);
    thread::scope(|scope| {
        let polls = [scope.spawn(|| poller.poll()), scope.spawn(|| poller.poll())];
        let mut answers = polls.map(|poll| poll.join().expect("a poll"));
        answers.sort();
        assert_eq!(answers[0], (200, "1".into()));
        assert_eq!(answers[1].0, 400);
    });
    assert_eq!(poller.poll().0, 400);
    still_well(&gateway).await;
}

#[tokio::test]
async fn what_cannot_be_read_ends_the_session() {
    let gateway = embedded(&[]);
    let large = format!("4{}", "x".repeat(1_000_000));
    for (body, status) in [("abc", 400), ("", 400), ("4\u{1e}b!", 400), (&*large, 413)] {
        let (poller, _) = Poller::enter(&gateway);
        assert_eq!(poller.post(body).0, status);
        assert_eq!(poller.poll().0, 400);
    }
    let (poller, _) = Poller::enter(&gateway);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| poller.poll());
        poller.say("1");
        // Where the goodbye came before the poll, the session is unknown.
        let (status, body) = waiting.join().expect("a poll");
        assert!(status == 400 || body == "6", "{status} {body}");
    });
    assert_eq!(poller.poll().0, 400);
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_closes_its_connection_and_its_session() {
    let gateway = embedded(&[]);
    let (poller, _) = Poller::enter(&gateway);
    let begin = |sid: &str| {
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        Http::begin(&gateway, "POST", &path, 1000, "4")
    };
    let known = begin(&poller.sid);
    let unknown = begin("AAAAAAAAAAAAAAAAAAAA");
    assert!(unknown.read_to_end().starts_with("HTTP/1.1 400"));
    assert!(known.read_to_end().starts_with("HTTP/1.1 408"));
    assert_eq!(poller.poll().0, 400);
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_signal_to_a_client_that_polls_is_delivered_when_it_has_been_polled() {
    let gateway = embedded(&[]);
    let (poller, peer) = Poller::enter(&gateway);
    poller.say(&format!(r#"420["join-room","{ROOM}"]"#));
    assert!(poller.hear("430").contains("true"));
    let mut native = Peer::in_room(&gateway, ROOM).await;
    poller.hear(r#"42["user-joined""#);
    let id = native.signal(ROOM, Some(peer), "offer", r#"{"type":"offer","sdp":"v=0"}"#);
    // Longer than any receipt takes that is on its way.
    for number in 0..20 {
        native.join(&format!("elsewhere-{number}")).await;
        native.leave(&format!("elsewhere-{number}")).await;
    }
    let heard = native.heard();
    let is_delivered = |message: &ServerMessage| matches!(message, ServerMessage::Delivered(_));
    assert!(
        !heard.iter().any(is_delivered),
        "nobody has polled: {heard:?}"
    );
    poller.hear(r#"42["offer""#);
    hear!(native, Delivered, |delivered| delivered.id == id);
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_client_that_goes_while_it_polls_is_gone_at_once() {
    let gateway = embedded(&[]);
    let mut native = Peer::in_room(&gateway, ROOM).await;
    let (poller, peer) = Poller::enter(&gateway);
    poller.say(&format!(r#"420["join-room","{ROOM}"]"#));
    hear!(native, MemberJoined, |joined| joined.member.peer == peer);
    while poller.hear("4").starts_with("42") {}
    let poll = Http::begin(&gateway, "GET", &poller.path("polling"), 0, "");
    // Its poll is there by the time that others were served. An end that comes with the request itself, before the node has
    // begun with it, is noticed at the ping timeout.
    still_well(&gateway).await;
    drop(poll);
    hear!(native, MemberLeft, |left| left.peer == peer);
    still_well(&gateway).await;
}
