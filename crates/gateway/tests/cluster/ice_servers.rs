//! STUN and TURN servers: who is told of them, and when.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use switchboard_client::Options;
use switchboard_protocol::server_message::IceServer;
use switchboard_testkit::{FakeIssuer, GatewayProcess, Manner};

use crate::support::{Http, Peer, SECRET_SETTING, embedded, hear, options, token};

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

/// What a provider answers.
fn credentials(name: &str, ttl: u64) -> Manner {
    let server = json!({"urls": ["turn:turn.example", "turn:turn.example:53"], "username": name, "credential": "c"});
    Manner::Says(json!({"iceServers": [server], "ttl": ttl}).to_string())
}

fn fetching(provider: &FakeIssuer) -> GatewayProcess {
    embedded(&[
        "ice.servers=stun:stun.example.org",
        &format!("ice.fetch.url={}", provider.jwks_url()),
        "ice.fetch.headers=Authorization: Bearer provider-key",
        "ice.fetch.body={\"ttl\": 86400}",
    ])
}

fn names(servers: &[IceServer]) -> Vec<Option<&str>> {
    let names = servers.iter().map(|server| server.username.as_deref());
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_hears_of_a_providers_credentials_as_soon_as_there_are_some() {
    for manner in [
        Manner::Status(500),
        Manner::Hangs,
        Manner::Floods(100),
        Manner::Says("nonsense".into()),
    ] {
        let provider = FakeIssuer::start(manner.clone());
        let gateway = fetching(&provider);
        let mut peer = Peer::to(&gateway).await;
        assert_eq!(names(&peer.welcome.ice_servers), [None], "{manner:?}");
        peer.ping().await;
        provider.turn(credentials("first", 600));
        let told = hear!(peer, IceServers);
        assert_eq!(
            names(&told.ice_servers),
            [None, Some("first")],
            "{manner:?}"
        );
        assert_eq!(told.ice_servers[1].urls, ["turn:turn.example"]);
        assert!((590..=600).contains(&told.ttl_s), "{told:?}");
        let (_, body) = Http::get(&gateway, "/v1/ice-servers");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["iceServers"][1]["username"], "first");
        assert!(
            body["ttl"]
                .as_u64()
                .is_some_and(|ttl| (590..=600).contains(&ttl))
        );
        let log = gateway.log();
        let said = log.matches("TURN credentials cannot be fetched").count();
        assert_eq!(said, 1, "{manner:?}\n{log}");
        assert!(!log.contains("provider-key"), "{log}");
        let fetched = "switchboard_ice_fetches_total{outcome=\"fetched\"}";
        assert_eq!(gateway.metric(fetched), 1.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_is_for_all_sessions_of_a_node() {
    let provider = FakeIssuer::start(Manner::Status(500));
    let gateway = fetching(&provider);
    let mut peers = Vec::new();
    for _ in 0..5 {
        let peer = Peer::to(&gateway).await;
        assert_eq!(names(&peer.welcome.ice_servers), [None]);
        peers.push(peer);
    }
    let (_, body) = Http::get(&gateway, "/v1/ice-servers");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert!(
        body["ttl"].as_u64().is_some_and(|ttl| ttl <= 301),
        "without credentials, until the provider is asked again: {body}"
    );
    provider.turn(credentials("first", 600));
    for peer in &mut peers {
        let told = hear!(peer, IceServers);
        assert_eq!(names(&told.ice_servers), [None, Some("first")]);
    }
    let fetches = |outcome: &str| {
        let metric = format!("switchboard_ice_fetches_total{{outcome=\"{outcome}\"}}");
        gateway.metric(&metric)
    };
    assert_eq!(fetches("fetched"), 1.0);
    assert_eq!(provider.asked() as f64, 1.0 + fetches("refused"));
    let asked = provider.last_question();
    assert!(
        asked.starts_with("POST ") && asked.contains("Bearer provider-key"),
        "{asked}"
    );
}
