//! Rooms whose media goes through a server: who gets a way in, and when.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use switchboard_client::Options;
use switchboard_protocol::{Media, PeerId};
use switchboard_testkit::GatewayProcess;
use switchboard_testkit::tokens::claims_of;

use crate::support::{Cluster, Peer, Raw, SECRET_SETTING, options, token};

const SETTINGS: [&str; 7] = [
    SECRET_SETTING,
    "log.filter=trace",
    "media.kind=livekit",
    "media.url=wss://sfu.example",
    "media.api_key=devkey",
    "media.api_secret=fedcba9876543210fedcba9876543210",
    "media.rooms=study-*",
];

async fn come(gateway: &GatewayProcess, user: &str, grants: Value) -> Peer {
    let options = Options {
        token: Some(token(user, grants)),
        ..options(gateway)
    };
    Peer::open(&options).await.expect("a good token")
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

/// What its token says; it is the peer's, for this room, and begins at one of these seconds.
fn checked(media: Option<Box<Media>>, peer: PeerId, room: &str, since: u64) -> Value {
    let media = media.expect("its media goes through a server");
    assert_eq!(
        (&*media.kind, &*media.url),
        ("livekit", "wss://sfu.example")
    );
    assert_eq!(&*media.room, room);
    let claims = claims_of(&media.token.0);
    assert_eq!(claims["iss"], "devkey");
    assert_eq!(claims["sub"], peer.as_str());
    assert_eq!(claims["video"]["room"], room);
    let begins = claims["nbf"].as_u64().expect("a time");
    assert!((since..=now()).contains(&begins), "{claims}");
    assert_eq!(claims["exp"], begins + 600);
    assert_eq!(media.expires_at, (begins + 600) * 1000);
    claims
}

#[tokio::test(flavor = "multi_thread")]
async fn each_join_and_each_resume_brings_a_member_a_token_that_begins_then() {
    let cluster = Cluster::start(2, &SETTINGS);
    let [a, b] = &cluster.nodes[..] else {
        panic!("two nodes were started")
    };
    let began = now();
    let mut alice = come(a, "alice", json!({})).await;
    let joined = alice.join("study-1").await;
    let mut given = vec![token_of(joined.media.as_deref())];
    let first = checked(joined.media, alice.id, "study-1", began);
    assert_eq!(first["video"]["canPublish"], true);
    assert_eq!(alice.join("lobby").await.media, None);

    // A second later: a token that was kept would be an older one.
    while now() <= first["nbf"].as_u64().expect("a time") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let ticket = alice.lose();
    let resuming = now();
    let hello = Options {
        token: Some(token("alice", json!({"can": ["join"]}))),
        ..ticket.options(b)
    };
    let alice = Peer::open(&hello).await.expect("its own session");
    assert!(alice.welcome.resumed);
    let mut rooms = alice.welcome.rooms.clone().expect("its rooms");
    rooms.sort_by(|a, b| a.room.as_str().cmp(b.room.as_str()));
    let [lobby, study] = &rooms[..] else {
        panic!("{rooms:?}")
    };
    assert_eq!(lobby.media, None);
    given.push(token_of(study.media.as_deref()));
    let second = checked(study.media.clone(), alice.id, "study-1", resuming);
    assert_eq!(
        second["video"]["canPublish"], false,
        "its new token may not signal"
    );
    for node in &cluster.nodes {
        let log = node.log();
        assert!(log.contains("DEBUG"), "it says much: {log}");
        for token in &given {
            let claims = token.split('.').nth(1).expect("a token has dots");
            assert!(!log.contains(claims), "{claims} is in the log");
        }
    }
}

fn token_of(media: Option<&Media>) -> String {
    let media = media.expect("its media goes through a server");
    media.token.0.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_is_one_there_too_and_who_is_refused_gets_nothing() {
    let cluster = Cluster::start(1, &SETTINGS);
    let gateway = &cluster.nodes[0];
    let mut alice = come(gateway, "alice", json!({})).await;
    alice.try_join("study-1", Some(1)).await.expect("it is new");
    let mut observer = come(gateway, "observer", json!({"hidden": true})).await;
    let began = now();
    let joined = observer.join("study-1").await;
    let claims = checked(joined.media, observer.id, "study-1", began);
    let video = json!({"roomJoin": true, "room": "study-1", "canPublish": false, "canSubscribe": true,
        "canPublishData": false, "hidden": true});
    assert_eq!(claims["video"], video);
    for (room, has_media) in [("study-1", false), ("study-2", true)] {
        let heard = heard_of_a_join(gateway, room);
        assert_eq!(heard.contains("\"media\""), has_media, "{room}: {heard}");
        assert_eq!(heard.contains("eyJ"), has_media, "{room}: {heard}");
    }
}

/// All that the gateway says to somebody who wants to join a room, as it stands on the wire.
fn heard_of_a_join(gateway: &GatewayProcess, room: &str) -> String {
    let mut late = Raw::open(gateway, "/v1/connect", &[]);
    let hello = json!({"type": "hello", "token": token("late", json!({}))});
    late.hello(&hello).expect("a good token");
    late.text(&json!({"type": "join", "id": 1, "room": room}).to_string());
    let answer = late.read_text();
    late.text(&json!({"type": "ping"}).to_string());
    let after = late.read_text();
    assert!(answer.contains("\"re\":1"), "{answer}");
    assert!(after.contains("\"pong\""), "{after}");
    answer
}
