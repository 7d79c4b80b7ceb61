//! Whoever is said not to be there is not there: also where the gateway that is asked has not heard of him yet.

use switchboard_protocol::server_message::Reason;
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, Raw};

const ROOM: &str = "study-1";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_let_in_on_the_other_gateway_is_reached_at_once() {
    let cluster = Cluster::start(2, &["room.capacity=400", "limits.sessions_per_user=400"]);
    let [a, b] = [&cluster.nodes[0], &cluster.nodes[1]];
    let mut alice = Peer::in_room(a, ROOM).await;
    let mut others = Vec::new();
    for _ in 0..200 {
        let mut other = Peer::to(b).await;
        other.join(ROOM).await;
        let id = alice.signal(ROOM, Some(other.id), "offer", r#"{"type":"offer"}"#);
        other.hear("Signal", |message| {
            matches!(message, switchboard_protocol::ServerMessage::Signal(signal) if signal.id == id).then_some(())
        })
        .await;
        other.connection.flush().await.expect("it can be written");
        assert_eq!(alice.answers(1).await, [(id, other.id.to_string(), Ok(()))]);
        others.push(other);
    }
    // Who has gone is not.
    let gone = others.pop().expect("there are 200");
    let id = gone.id;
    gone.bye().await;
    let signal = alice.signal(ROOM, Some(id), "offer", r#"{"type":"offer"}"#);
    let answers = alice.answers(1).await;
    let told = answers[0].2;
    assert_eq!(answers[0].0, signal);
    assert!(
        matches!(told, Err(Reason::NoSuchPeer | Reason::Left)),
        "{told:?}"
    );
}

/// A page of the tutorial with calls by name.
struct Caller(Raw);

impl Caller {
    fn named(gateway: &GatewayProcess, name: &str) -> Self {
        let path = "/socket.io/?EIO=4&transport=websocket";
        let mut caller = Self(Raw::open(gateway, path, &[]));
        caller.until("0{");
        caller.0.text("40");
        caller.until("40{");
        caller.init(name);
        caller
    }

    fn init(&mut self, name: &str) {
        self.0.text(&format!("420[\"init\",\"{name}\"]"));
        assert_eq!(self.until("430["), "430[null]");
    }

    /// What becomes of a call.
    fn calls(&mut self, name: &str) -> String {
        self.0
            .text(&format!("421[\"request_connection\",\"{name}\"]"));
        self.until("431[")
    }

    /// Reads up to a packet that begins so.
    fn until(&mut self, start: &str) -> String {
        loop {
            let (_, body) = self.0.read().expect("the gateway goes on");
            let text = String::from_utf8(body).expect("text");
            if text.starts_with(start) {
                return text;
            }
        }
    }
}

#[test]
fn whoever_has_taken_a_name_on_the_other_gateway_can_be_called_at_once() {
    let cluster = Cluster::start(2, &["auth.mode=open"]);
    let [a, b] = [&cluster.nodes[0], &cluster.nodes[1]];
    let mut ada = Caller::named(a, "ada");
    let mut others = Vec::new();
    for round in 0..50 {
        let name = format!("ben {round}");
        let mut ben = Caller::named(b, &name);
        assert_eq!(ada.calls(&name), "431[null]", "{name}");
        assert_eq!(
            ben.until("42["),
            r#"42["request_connection","ada"]"#,
            "{name}"
        );
        others.push(ben);
    }
    let nobody = ada.calls("nobody");
    assert!(nobody.contains("not connected"), "{nobody}");
    drop(others);
}
