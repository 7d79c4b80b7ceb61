//! STUN and TURN servers: who is told of them, and when.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use switchboard_client::Options;
use switchboard_protocol::server_message::IceServer;

use crate::support::{Http, Peer, SECRET_SETTING, embedded, options, token};

const SETTINGS: [&str; 4] = [
    SECRET_SETTING,
    "ice.servers=stun:stun.example.org",
    "ice.turn_urls=turn:turn.example.org",
    "ice.turn_secret=0123456789abcdef0123456789abcdef",
];

fn expires_at(server: &IceServer) -> u64 {
    let name = server.username.as_deref().expect("a name");
    let (time, user) = name.split_once(':').expect("a time and a user");
    assert!(user.len() == 16 && !user.contains("alice"), "{name}");
    time.parse().expect("a time")
}

#[tokio::test]
async fn a_session_gets_credentials_of_its_own_user_that_end() {
    let gateway = embedded(&SETTINGS);
    let of = async |user: &str| {
        let options = Options {
            token: Some(token(user, json!({}))),
            ..options(&gateway)
        };
        Peer::open(&options)
            .await
            .expect("a good token")
            .welcome
            .ice_servers
    };
    let (alice, bob) = (of("alice").await, of("bob").await);
    assert_eq!(alice[0].urls, ["stun:stun.example.org"]);
    assert_eq!(alice[0].credential, None);
    assert_eq!(alice[1].urls, ["turn:turn.example.org"]);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let ends = expires_at(&alice[1]);
    assert!((now + 14_390..=now + 14_400).contains(&ends), "{ends}");
    assert_ne!(alice[1].username, bob[1].username);
    assert_ne!(alice[1].credential, bob[1].credential);
}

#[tokio::test]
async fn they_are_asked_for_with_a_token_and_without_a_session() {
    let gateway = embedded(&SETTINGS);
    let token = token("alice", json!({}));
    let (status, body) = Http::get(&gateway, &format!("/v1/ice-servers?access_token={token}"));
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["ttl"], 14_400);
    assert_eq!(
        body["iceServers"][1]["urls"],
        json!(["turn:turn.example.org"])
    );
    for path in ["/v1/ice-servers", "/v1/ice-servers?access_token=garbage"] {
        let (status, body) = Http::get(&gateway, path);
        assert_eq!(status, 401, "{body}");
        assert!(body.contains("\"error\""), "{body}");
    }
}
