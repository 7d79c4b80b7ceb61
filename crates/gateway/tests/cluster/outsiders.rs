//! What a client learns of rooms that its token does not cover, and of people who are in no room with it: nothing.

use serde_json::json;
use switchboard_client::Options;
use switchboard_protocol::client_message::{Leave, State, StatePatch};
use switchboard_protocol::{ClientMessage, ErrorCode, PeerId};
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, Raw, SECRET_SETTING, hear, options, token};

/// A room that is there, and one that is not. His token covers neither.
const ROOMS: [&str; 2] = ["theirs", "absent"];

async fn with(gateway: &GatewayProcess, user: &str, grants: serde_json::Value) -> Peer {
    let options = Options {
        token: Some(token(user, grants)),
        ..options(gateway)
    };
    Peer::open(&options).await.expect("a good token")
}

/// What he is told, but for the name of the room.
async fn told(outsider: &mut Peer, id: u64, room: &str) -> (ErrorCode, String, Option<u64>) {
    let error = hear!(outsider, Error, |error| error.re == Some(id));
    (
        error.code,
        error.message.replace(room, "…"),
        error.retry_after_ms,
    )
}

#[tokio::test]
async fn whether_a_room_is_there_is_not_told_to_those_whose_token_does_not_cover_it() {
    let cluster = Cluster::start(2, &[SECRET_SETTING]);
    let mut alice = with(&cluster.nodes[0], "alice", json!({})).await;
    for room in ["theirs", "mine-open"] {
        alice.join(room).await;
    }
    // On the node that knows the rooms, and on the one that does not.
    for node in &cluster.nodes {
        let grants = json!({ "rooms": ["mine-*"], "can": ["join", "signal", "state"] });
        let mut mallory = with(node, "mallory", grants).await;
        let mut answers = Vec::new();
        for room in ROOMS {
            let error = mallory.try_join(room, None).await.expect_err("not covered");
            let mut of_room = vec![(
                error.code,
                error.message.replace(room, "…"),
                error.retry_after_ms,
            )];
            for to in [None, Some(alice.id), Some(PeerId::random())] {
                let id = mallory.signal(room, to, "offer", "{}");
                of_room.push(told(&mut mallory, id, room).await);
            }
            let id = mallory.ask(|id| {
                ClientMessage::Leave(Leave {
                    id,
                    room: room.into(),
                })
            });
            of_room.push(told(&mut mallory, id, room).await);
            let state = StatePatch::from_json("{\"a\":1}").expect("an object");
            let id = mallory.ask(|id| {
                ClientMessage::State(State {
                    id,
                    room: room.into(),
                    state,
                })
            });
            of_room.push(told(&mut mallory, id, room).await);
            answers.push(of_room);
        }
        assert_eq!(answers[0], answers[1], "there, and not there");
        let codes: Vec<_> = answers[0].iter().map(|(code, ..)| *code).collect();
        let (forbidden, no_member) = (ErrorCode::Forbidden, ErrorCode::NotAMember);
        assert_eq!(
            codes,
            [
                forbidden, no_member, no_member, no_member, no_member, no_member
            ]
        );
        // Of rooms that his token covers he is told.
        let error = mallory.try_join("mine-absent", None).await;
        assert_eq!(
            error.expect_err("he may not create it").code,
            ErrorCode::NoSuchRoom
        );
        mallory.join("mine-open").await;
        mallory.bye().await;
    }
}

#[tokio::test]
async fn whether_somebody_is_connected_is_not_told_to_those_who_are_in_no_room_with_him() {
    let cluster = Cluster::start(2, &[SECRET_SETTING]);
    let mut alice = with(&cluster.nodes[0], "alice", json!({})).await;
    alice.join("theirs").await;
    for node in &cluster.nodes {
        let mut mallory = with(node, "mallory", json!({ "rooms": ["mine-*", "lobby"] })).await;
        mallory.join("mine-1").await;
        let mut outcomes = Vec::new();
        for to in [alice.id, PeerId::random()] {
            mallory.signal("mine-1", Some(to), "offer", "{}");
            outcomes.extend(
                mallory
                    .answers(1)
                    .await
                    .into_iter()
                    .map(|(_, _, outcome)| outcome),
            );
        }
        assert!(
            outcomes[0].is_err() && outcomes[0] == outcomes[1],
            "{outcomes:?}"
        );
        mallory.bye().await;

        // The same where people are called by name.
        let mut io = Raw::open(node, "/socket.io/?EIO=4&transport=websocket", &[]);
        let token = token("mallory", json!({ "rooms": ["mine-*", "lobby"] }));
        io.text(&format!("40{}", json!({ "token": token })));
        io.until("40{");
        let mut answers = Vec::new();
        for name in ["alice", "nobody"] {
            io.text(&format!(
                "420[\"call\",{}]",
                json!({ "to": name, "signalData": {} })
            ));
            answers.push(io.until("430").replace(name, "…"));
        }
        assert_eq!(answers[0], answers[1]);
    }
}
