//! A gateway is told to stop.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchboard_client::Options;
use switchboard_protocol::{Connection, ServerMessage};
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, Raw, embedded, hear, options, still_well};

const ROOM: &str = "study-1";

fn is_listening(gateway: &GatewayProcess) -> bool {
    std::net::TcpStream::connect(gateway.address()).is_ok()
}

#[tokio::test]
async fn a_drain_is_not_ready_then_sends_its_clients_on_over_the_window_and_closes_who_stays() {
    const WINDOW: Duration = Duration::from_millis(1500);
    let mut cluster = Cluster::start(
        2,
        &[
            "drain.grace_ms=1500",
            "drain.window_ms=1500",
            "drain.deadline_ms=5000",
        ],
    );
    let mut staying = Vec::new();
    for _ in 0..3 {
        staying.push(Peer::in_room(&cluster.nodes[0], ROOM).await);
    }
    let silent = Raw::open(&cluster.nodes[0], "/v1/connect", &[]);
    cluster.nodes[0].terminate();
    let drained = &cluster.nodes[0];
    drained.wait_until("not ready", |node| node.get("/readyz").0 == 503);
    assert!(drained.get("/readyz").1.contains("draining"));
    assert_eq!(drained.get("/healthz").0, 200);
    assert_eq!(drained.metric("switchboard_drain_share"), 1.0);
    // In the grace period those whom the load balancer still sends are served.
    staying.push(Peer::in_room(drained, ROOM).await);

    let told = staying.into_iter().map(|mut peer| {
        tokio::spawn(async move {
            let drain = hear!(peer, Drain);
            assert!(drain.deadline_ms <= 3500, "{drain:?}");
            (Instant::now(), peer)
        })
    });
    let (mut moments, mut staying) = (Vec::new(), Vec::new());
    for told in told.collect::<Vec<_>>() {
        let (moment, peer) = told.await.expect("each is told");
        moments.push(moment);
        staying.push(peer);
    }
    moments.sort();
    let spread = moments[3] - moments[0];
    assert!(spread > WINDOW / 4, "spread over {spread:?} of {WINDOW:?}");
    let leaving = staying.remove(0);
    leaving.bye().await;
    // Who was told and stays is served until the deadline; nobody else gets in.
    let (ada, rest) = staying.split_first_mut().expect("two and more");
    ada.exchange(&mut rest[0], ROOM).await;
    let newcomer = Peer::open(&options(drained)).await.err();
    assert!(newcomer.is_some(), "a newcomer goes elsewhere");
    assert_eq!(drained.metric("switchboard_drain_told_total"), 4.0);

    for peer in &mut staying {
        assert_eq!(peer.closed().await.code, 1001);
    }
    let status = cluster.nodes[0].wait();
    let log = cluster.nodes[0].log();
    assert_eq!(status.code(), Some(0), "{log}");
    let sentence =
        "stopped: 0 sessions moved to other nodes, 4 connections were closed, 1 left by themselves";
    assert!(log.contains(sentence), "{log}");
    drop(silent);
    still_well(&cluster.nodes[1]).await;
}

#[tokio::test]
async fn clients_that_resume_elsewhere_have_moved_and_nobody_sees_them_go() {
    let settings = [
        "drain.grace_ms=100",
        "drain.window_ms=500",
        "drain.deadline_ms=60000",
        "limits.sessions_per_user=20",
    ];
    let mut cluster = Cluster::start(2, &settings);
    let mut watching = Peer::in_room(&cluster.nodes[1], ROOM).await;
    let mut moving = Vec::new();
    for _ in 0..5 {
        moving.push(Peer::in_room(&cluster.nodes[0], ROOM).await);
        hear!(watching, MemberJoined);
    }
    watching.unasked().await;
    let started = Instant::now();
    cluster.nodes[0].terminate();
    let mut moved = Vec::new();
    for mut peer in moving {
        hear!(peer, Drain);
        let mut elsewhere = Raw::open(&cluster.nodes[1], "/v1/connect", &[]);
        let resume = json!({"peer": peer.id, "secret": peer.welcome.resume.secret});
        elsewhere.text(&json!({"type": "hello", "resume": resume}).to_string());
        let welcome: Value = serde_json::from_str(&elsewhere.read_text()).expect("JSON");
        assert_eq!(welcome["resumed"], true, "{welcome}");
        assert_eq!(welcome["rooms"][0]["room"], ROOM, "{welcome}");
        assert_eq!(peer.closed().await.code, 4409);
        moved.push(elsewhere);
    }
    let status = cluster.nodes[0].wait();
    let log = cluster.nodes[0].log();
    assert_eq!(status.code(), Some(0), "{log}");
    let sentence =
        "stopped: 5 sessions moved to other nodes, 0 connections were closed, 0 left by themselves";
    assert!(log.contains(sentence), "{log}");
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "it does not wait for the deadline: {:?}",
        started.elapsed()
    );
    let seen = watching.unasked().await;
    let went = |message: &ServerMessage| match message {
        ServerMessage::MemberLeft(_) => true,
        ServerMessage::MemberUpdated(updated) => updated.connection == Some(Connection::Away),
        _ => false,
    };
    assert!(!seen.iter().any(went), "{seen:?}");
}

#[tokio::test]
async fn a_session_that_the_deadline_closes_can_still_go_on_elsewhere() {
    let times = [
        "drain.grace_ms=0",
        "drain.window_ms=0",
        "drain.deadline_ms=300",
    ];
    let mut cluster = Cluster::start(2, &times);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(bob, Ready);
    cluster.nodes[0].terminate();
    assert_eq!(alice.closed().await.code, 1001);
    assert_eq!(cluster.nodes[0].wait().code(), Some(0));
    let mut alice = alice.lose().resume(&cluster.nodes[1]).await;
    alice.exchange(&mut bob, ROOM).await;
    still_well(&cluster.nodes[1]).await;
}

#[tokio::test]
async fn a_node_that_stops_and_leaves_an_away_session_behind_is_not_counted_as_a_dead_one() {
    let mut cluster = Cluster::start(2, &["drain.grace_ms=0", "drain.window_ms=0"]);
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    let alice = Peer::in_room(&cluster.nodes[0], ROOM).await.lose();
    while hear!(bob, MemberUpdated).connection != Some(Connection::Away) {}
    cluster.nodes[0].terminate();
    assert_eq!(cluster.nodes[0].wait().code(), Some(0));
    let done = |node: &GatewayProcess| node.log().contains("a node was cleaned up after");
    cluster.nodes[1].wait_until("done with what was left", done);
    let log = cluster.nodes[1].log();
    let line = "a node has stopped; its away sessions are being taken over";
    assert!(log.contains(line), "{log}");
    assert_eq!(
        cluster.nodes[1].metric("switchboard_nodes_reaped_total"),
        0.0
    );
    let mut alice = alice.resume(&cluster.nodes[1]).await;
    alice.exchange(&mut bob, ROOM).await;
}

#[tokio::test]
async fn a_second_signal_hurries() {
    let mut cluster = Cluster::start(
        1,
        &[
            "drain.grace_ms=60000",
            "drain.window_ms=60000",
            "drain.deadline_ms=600000",
        ],
    );
    let gateway = &mut cluster.nodes[0];
    let mut peer = Peer::in_room(gateway, ROOM).await;
    gateway.terminate();
    gateway.wait_until("not ready", |gateway| gateway.get("/readyz").0 == 503);
    gateway.terminate();
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(gateway.log().contains("hurrying"), "{}", gateway.log());
}

#[tokio::test]
async fn an_embedded_node_ends_at_once() {
    let mut gateway = embedded(&["drain.grace_ms=20000", "drain.window_ms=20000"]);
    let mut peer = Peer::in_room(&gateway, ROOM).await;
    let started = Instant::now();
    gateway.interrupt();
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(gateway.wait().code(), Some(0), "{}", gateway.log());
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    assert!(!is_listening(&gateway));
}

#[tokio::test]
async fn a_client_that_answers_nothing_does_not_hold_up_the_end() {
    let mut gateway = embedded(&[]);
    let raw = Raw::open(&gateway, "/v1/connect", &[]);
    let silent = Peer::open(&Options {
        receipts: false,
        ..options(&gateway)
    })
    .await
    .expect("welcome");
    gateway.terminate();
    assert_eq!(gateway.wait().code(), Some(0), "{}", gateway.log());
    drop((raw, silent));
}

const ADMIN: &str = "admin.token=admin-token-admin-token";

/// Status and answer of the server API.
fn api(gateway: &GatewayProcess, request: &str, token: Option<&str>, body: &str) -> (u16, Value) {
    let token = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let (status, answer) = gateway.request(&format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let json = serde_json::from_str(&answer);
    (status, json.unwrap_or_else(|_| panic!("no JSON: {answer}")))
}

fn id_of(gateway: &GatewayProcess) -> String {
    let health: Value = serde_json::from_str(&gateway.get("/health").1).expect("JSON");
    health["node"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_share_is_sent_on_while_the_node_goes_on_serving() {
    let cluster = Cluster::start(1, &[ADMIN, "limits.sessions_per_user=20"]);
    let node = &cluster.nodes[0];
    let (token, id) = (Some("admin-token-admin-token"), id_of(node));
    let mut peers = Vec::new();
    for _ in 0..10 {
        peers.push(Peer::in_room(node, ROOM).await);
    }
    let order = r#"{"share": 0.2, "window_ms": 200, "deadline_ms": 60000}"#;
    let post = format!("POST /v1/nodes/{id}/drain");
    let (status, begun) = api(node, &post, token, order);
    assert_eq!(
        (status, begun),
        (202, json!({"node": id, "sessions": 2, "share": 0.2}))
    );
    let (status, refused) = api(node, &post, token, order);
    assert_eq!(status, 409, "{refused}");
    node.wait_until("done with telling", |node| {
        node.metric("switchboard_drain_told_total") == 2.0
    });
    assert_eq!(node.metric("switchboard_drain_share"), 0.2);
    let (mut told, mut others) = (Vec::new(), Vec::new());
    for mut peer in peers {
        let unasked = peer.unasked().await;
        let is_drain = |message: &ServerMessage| matches!(message, ServerMessage::Drain(_));
        if unasked.iter().any(is_drain) {
            told.push(peer);
        } else {
            others.push(peer);
        }
    }
    assert_eq!((told.len(), others.len()), (2, 8));
    // Others who leave meanwhile are no part of it.
    others.remove(0).bye().await;
    for peer in told {
        peer.bye().await;
    }
    let get = format!("GET /v1/nodes/{id}");
    node.wait_until("done", |node| {
        api(node, &get, token, "").1["draining"] == false
    });
    let (status, report) = api(node, &get, token, "");
    assert_eq!(
        (status, report),
        (
            200,
            json!({
                "node": id, "ready": true, "sessions": 7, "draining": false, "share": 0.2, "picked": 2,
                "told": 2, "moved": 0, "closed": 0, "left": 2, "remaining": 0
            })
        )
    );
    assert_eq!(node.metric("switchboard_drain_share"), 0.0);
    still_well(node).await;
}

#[tokio::test]
async fn only_who_shows_the_admin_token_can_drain() {
    let closed = embedded(&[]);
    let path = format!("POST /v1/nodes/{}/drain", id_of(&closed));
    let (status, refused) = api(&closed, &path, Some("anything"), "{}");
    assert_eq!(status, 403);
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|words| words.contains("admin.token"))
    );

    let node = embedded(&[ADMIN]);
    let token = Some("admin-token-admin-token");
    let path = format!("POST /v1/nodes/{}/drain", id_of(&node));
    let elsewhere = "POST /v1/nodes/gw-elsewhere/drain";
    for (path, token, body, status, words) in [
        (&*path, None, "{}", 401, "Authorization: Bearer"),
        (
            &*path,
            Some("admin-token-admin-tokem"),
            "{}",
            401,
            "not the admin.token",
        ),
        (
            &*path,
            Some("admin-token"),
            "{}",
            401,
            "not the admin.token",
        ),
        (elsewhere, token, "{}", 404, &*id_of(&node)),
        (&*path, token, r#"{"share": 2}"#, 400, "at most 1"),
        (&*path, token, r#"{"shared": 0.2}"#, 400, "unknown field"),
        (
            &*path,
            token,
            r#"{"window_ms": 10, "deadline_ms": 9}"#,
            400,
            "may not be below",
        ),
        (&*path, token, "share=0.2", 400, "line 1"),
        (&*path, token, r#"{"share": 0.5}"#, 409, "alone"),
    ] {
        let (answered, refused) = api(&node, path, token, body);
        assert_eq!(answered, status, "{body}: {refused}");
        let told = refused["error"].as_str().expect("a sentence");
        assert!(told.contains(words), "{told}");
    }
    still_well(&node).await;
}

#[tokio::test]
async fn a_signal_after_an_order_does_not_hurry_and_another_one_does() {
    let times = ["drain.grace_ms=60000", "drain.deadline_ms=600000", ADMIN];
    let mut cluster = Cluster::start(1, &times);
    let node = &mut cluster.nodes[0];
    let token = Some("admin-token-admin-token");
    let mut peer = Peer::in_room(node, ROOM).await;
    let post = format!("POST /v1/nodes/{}/drain", id_of(node));
    let (status, begun) = api(node, &post, token, "");
    assert_eq!((status, &begun["share"]), (202, &Value::Null), "{begun}");
    node.wait_until("not ready", |node| node.get("/readyz").0 == 503);
    assert_eq!(api(node, &post, token, "").0, 409);
    node.terminate();
    node.wait_until("aware", |node| {
        node.log()
            .contains("stopping already; another signal hurries")
    });
    peer.ping().await;
    node.terminate();
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(node.wait().code(), Some(0), "{}", node.log());
}
